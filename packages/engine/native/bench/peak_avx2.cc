#include <immintrin.h>

#include "bench/peak.h"

namespace anneal {

// Twelve sums hide the latency; with the two factors they fit the sixteen registers.
double fma_loop_avx2(int64_t rounds) {
  __m256 sums[12], a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-3f);
  for (__m256& sum : sums) sum = _mm256_set1_ps(1.0f);
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < 12; ++j) sums[j] = _mm256_fmadd_ps(sums[j], a, b);
  }
  for (const auto& sum : sums) asm volatile("" : : "x"(sum));  // the sums are wanted
  return static_cast<double>(rounds) * 12 * 8 * 2;
}

}  // namespace anneal
