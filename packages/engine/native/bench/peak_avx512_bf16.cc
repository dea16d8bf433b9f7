#include <immintrin.h>

#include <cstring>

#include "bench/peak.h"

namespace anneal {

double bf16_loop_avx512(int64_t rounds) {
  const __m512i ones = _mm512_set1_epi32(0x3f803f80);
  __m512bh a, b;
  std::memcpy(&a, &ones, sizeof a);
  std::memcpy(&b, &ones, sizeof b);
  __m512 sums[16];
  for (__m512& sum : sums) sum = _mm512_set1_ps(1.0f);
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < 16; ++j) sums[j] = _mm512_dpbf16_ps(sums[j], a, b);
  }
  for (const auto& sum : sums) asm volatile("" : : "v"(sum));  // the sums are wanted
  return static_cast<double>(rounds) * 16 * 32 * 2;
}

}  // namespace anneal
