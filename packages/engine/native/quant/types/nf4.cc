// NF4 (QLoRA): 64 weights of a row in 33 bytes: a signed code of the block's largest magnitude, 32 bytes of nibbles
// (even weights low). value = table[nibble] x (mean + group scale x code); a group is 256 blocks, so that the
// magnitudes cost one byte and a 64th of a float.
#include "quant/frozen_functions.h"
#include "quant/types/expand.h"

namespace anneal::ANNEAL_QUANT_ISA {
namespace {

// The quantiles of a normal distribution that the QLoRA paper lists.
constexpr float kNormalFloat[16] = {-1.0f,        -0.69619280f, -0.52507305f, -0.39491749f, -0.28444138f, -0.18477343f,
                                    -0.09105004f, 0.0f,         0.07958030f,  0.16093020f,  0.24611230f,  0.33791524f,
                                    0.44070983f,  0.56261700f,  0.72295684f,  1.0f};

inline uint8_t nearest_code(float v) {
  uint8_t code = 0;
  for (int i = 0; i < 15; ++i)
    code = static_cast<uint8_t>(code + (v > 0.5f * (kNormalFloat[i] + kNormalFloat[i + 1]) ? 1 : 0));
  return code;
}

// Codes of kLanes neighbours from bytes whose low nibbles are the even ones. Bits above the nibble may be set.
ANNEAL_INLINE Vu neighbours(const uint8_t* p) {
#if defined(__AVX512F__)
  const __m512i pairs = _mm512_cvtepu8_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  return reinterpret_cast<Vu>(
      _mm512_or_si512(pairs, _mm512_slli_epi64(pairs, 28)));  // the high nibble into the upper half
#elif defined(__AVX2__)
  const __m256i pairs = _mm256_cvtepu8_epi64(_mm_cvtsi32_si128(static_cast<int>(load_u32(p))));
  return reinterpret_cast<Vu>(_mm256_or_si256(pairs, _mm256_slli_epi64(pairs, 28)));
#else
  Vu v{};
  for (int i = 0; i < kLanes; ++i) v[i] = p[i / 2] >> (i % 2 * 4);
  return v;
#endif
}

struct Nf4Blocks {
  static constexpr int64_t kElements = kFrozenBlock, kBytes = kNf4Bytes, kGroup = kFrozenBlock;
  struct Head {
    float d;
  };
  static ANNEAL_INLINE Head head(const void* context, const uint8_t* p) {
    const Nf4Scales& scales = *static_cast<const Nf4Scales*>(context);
    const int64_t block = (p - static_cast<const uint8_t*>(scales.blocks)) / kNf4Bytes;
    return {scales.mean + scales.groups[block / kNf4Group] * static_cast<float>(static_cast<int8_t>(p[0]))};
  }
  template <DType Round>
  static ANNEAL_INLINE void expand(const Head& head, const uint8_t* p, int, Vf (&w)[kGroup / kLanes]) {
    const Levels levels = scaled_levels<Round>(kNormalFloat, splat(head.d));
    for (int v = 0; v < kGroup / kLanes; ++v) w[v] = look_up(levels, neighbours(p + 1 + v * kLanes / 2));
  }
};

}  // namespace

void dequantise_nf4(const void* context, const void* blocks, float* out, int64_t n) {
  read_blocks<Nf4Blocks>(context, blocks, out, n);
}
void dot_nf4(const BlockDotArgs& args) { dot_blocks<Nf4Blocks>(args); }

// One row; the magnitudes go to `largest` (one for each block), their codes are set by quantise_nf4_scales.
void quantise_nf4(const float* values, void* blocks, float* largest, int64_t n) {
  uint8_t* p = static_cast<uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += kFrozenBlock, p += kNf4Bytes, values += kFrozenBlock) {
    float most = 0.0f;
    for (int j = 0; j < kFrozenBlock; ++j) most = magnitude(values[j]) > most ? magnitude(values[j]) : most;
    *largest++ = most;
    const float inverse = inverse_or_zero(most);
    for (int j = 0; j < kFrozenBlock / 2; ++j)
      p[1 + j] =
          static_cast<uint8_t>(nearest_code(values[2 * j] * inverse) | nearest_code(values[2 * j + 1] * inverse) << 4);
  }
}

}  // namespace anneal::ANNEAL_QUANT_ISA
