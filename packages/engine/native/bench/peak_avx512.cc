#include <immintrin.h>

#include "bench/peak.h"

namespace anneal {

double fma_loop_avx512(int64_t rounds) {
  __m512 sums[16], a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(1e-3f);
  for (__m512& sum : sums) sum = _mm512_set1_ps(1.0f);
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < 16; ++j) sums[j] = _mm512_fmadd_ps(sums[j], a, b);
  }
  for (const auto& sum : sums) asm volatile("" : : "v"(sum));  // the sums are wanted
  return static_cast<double>(rounds) * 16 * 16 * 2;
}

}  // namespace anneal
