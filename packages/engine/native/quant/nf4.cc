// NF4 (QLoRA): 64 weights of a row in 33 bytes: a signed code of the block's largest magnitude, 32 bytes of nibbles (even
// weights low). value = table[nibble] x (mean + group scale x code); a group is 256 blocks, so that the magnitudes cost one
// byte and a 64th of a float.
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "quant/block_bits.h"
#include "quant/frozen_functions.h"

namespace anneal::ANNEAL_QUANT_ISA {
namespace {

// The quantiles of a normal distribution that the QLoRA paper lists.
constexpr float kNormalFloat[16] = {-1.0f,        -0.69619280f, -0.52507305f, -0.39491749f, -0.28444138f, -0.18477343f,
                                    -0.09105004f, 0.0f,         0.07958030f,  0.16093020f,  0.24611230f,  0.33791524f,
                                    0.44070983f,  0.56261700f,  0.72295684f,  1.0f};

inline uint8_t nearest_code(float v) {
  uint8_t code = 0;
  for (int i = 0; i < 15; ++i) code = static_cast<uint8_t>(code + (v > 0.5f * (kNormalFloat[i] + kNormalFloat[i + 1]) ? 1 : 0));
  return code;
}

// out[0..64) = kNormalFloat[nibble] x d of 32 bytes of nibbles, even places low. Each product is rounded once, whatever the ISA.
#if defined(__AVX2__)
inline void look_up(const uint8_t* nibbles, float d, float* out) {
#if defined(__AVX512F__)
  const __m512 table = _mm512_mul_ps(_mm512_loadu_ps(kNormalFloat), _mm512_set1_ps(d));
#else
  const __m256 low = _mm256_mul_ps(_mm256_loadu_ps(kNormalFloat), _mm256_set1_ps(d));
  const __m256 high = _mm256_mul_ps(_mm256_loadu_ps(kNormalFloat + 8), _mm256_set1_ps(d));
#endif
  const __m128i four_bits = _mm_set1_epi8(15);
  for (int half = 0; half < 2; ++half) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(nibbles + 16 * half));
    const __m128i even = _mm_and_si128(bytes, four_bits), odd = _mm_and_si128(_mm_srli_epi16(bytes, 4), four_bits);
    const __m128i codes[2] = {_mm_unpacklo_epi8(even, odd), _mm_unpackhi_epi8(even, odd)};
    for (int part = 0; part < 2; ++part, out += 16) {
#if defined(__AVX512F__)
      _mm512_storeu_ps(out, _mm512_permutexvar_ps(_mm512_cvtepu8_epi32(codes[part]), table));
#else
      const __m128i eights[2] = {codes[part], _mm_srli_si128(codes[part], 8)};
      for (int k = 0; k < 2; ++k) {
        const __m256i code = _mm256_cvtepu8_epi32(eights[k]);
        const __m256 in_high = _mm256_castsi256_ps(_mm256_slli_epi32(code, 28));  // bit 3 of the code as the sign
        _mm256_storeu_ps(out + 8 * k, _mm256_blendv_ps(_mm256_permutevar8x32_ps(low, code),
                                                       _mm256_permutevar8x32_ps(high, code), in_high));
      }
#endif
    }
  }
}
#else
inline void look_up(const uint8_t* nibbles, float d, float* out) {
  float table[16];
  for (int c = 0; c < 16; ++c) table[c] = kNormalFloat[c] * d;
  for (int j = 0; j < kFrozenBlock / 2; ++j) {
    out[2 * j] = table[nibbles[j] & 15];
    out[2 * j + 1] = table[nibbles[j] >> 4];
  }
}
#endif
static_assert(kFrozenBlock == 64);

}  // namespace

void dequantise_nf4(const void* context, const void* blocks, float* out, int64_t n) {
  const Nf4Scales& scales = *static_cast<const Nf4Scales*>(context);
  const uint8_t* p = static_cast<const uint8_t*>(blocks);
  int64_t block = (p - static_cast<const uint8_t*>(scales.blocks)) / kNf4Bytes;
  for (int64_t i = 0; i < n; i += kFrozenBlock, ++block, p += kNf4Bytes, out += kFrozenBlock) {
    const float d = scales.mean + scales.groups[block / kNf4Group] * static_cast<float>(static_cast<int8_t>(p[0]));
    look_up(p + 1, d, out);
  }
}

// One row; the magnitudes go to `largest` (one for each block), their codes are set by quantise_nf4_scales.
void quantise_nf4(const float* values, void* blocks, float* largest, int64_t n) {
  uint8_t* p = static_cast<uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += kFrozenBlock, p += kNf4Bytes, values += kFrozenBlock) {
    float most = 0.0f;
    for (int j = 0; j < kFrozenBlock; ++j) most = magnitude(values[j]) > most ? magnitude(values[j]) : most;
    *largest++ = most;
    const float inverse = inverse_or_zero(most);
    for (int j = 0; j < kFrozenBlock / 2; ++j)
      p[1 + j] = static_cast<uint8_t>(nearest_code(values[2 * j] * inverse) | nearest_code(values[2 * j + 1] * inverse) << 4);
  }
}

}  // namespace anneal::ANNEAL_QUANT_ISA
