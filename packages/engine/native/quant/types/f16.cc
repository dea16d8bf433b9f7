// F16: IEEE half, 2 bytes little-endian.
#include "quant/row_functions.h"
#include "quant/types/block_bits.h"

namespace anneal::ANNEAL_QUANT_ISA {

void dequantise_f16(const void* blocks, float* out, int64_t n) {
  const uint8_t* p = static_cast<const uint8_t*>(blocks);
  int64_t i = 0;
#if defined(__F16C__) && defined(__AVX__)
  for (; i + 8 <= n; i += 8) {
    const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 2 * i));
    _mm256_storeu_ps(out + i, _mm256_cvtph_ps(half));
  }
#endif
  for (; i < n; ++i) out[i] = load_half(p + 2 * i);
}

void quantise_f16(const float* values, void* blocks, int64_t n, const float*) {
  uint8_t* p = static_cast<uint8_t*>(blocks);
  int64_t i = 0;
#if defined(__F16C__) && defined(__AVX__)
  for (; i + 8 <= n; i += 8) {
    const __m128i half = _mm256_cvtps_ph(_mm256_loadu_ps(values + i), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 2 * i), half);
  }
#endif
  for (; i < n; ++i) store_u16(p + 2 * i, float_to_half(values[i]));
}

}  // namespace anneal::ANNEAL_QUANT_ISA
