// NF4 (QLoRA): 64 weights of a row in 33 bytes: a signed code of the block's largest magnitude, 32 bytes of nibbles (even
// weights low). value = table[nibble] x (mean + group scale x code); a group is 256 blocks, so that the magnitudes cost one
// byte and a 64th of a float.
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

}  // namespace

void dequantise_nf4(const void* context, const void* blocks, float* out, int64_t n) {
  const Nf4Scales& scales = *static_cast<const Nf4Scales*>(context);
  const uint8_t* p = static_cast<const uint8_t*>(blocks);
  int64_t block = (p - static_cast<const uint8_t*>(scales.blocks)) / kNf4Bytes;
  for (int64_t i = 0; i < n; i += kFrozenBlock, ++block, p += kNf4Bytes, out += kFrozenBlock) {
    const float d = scales.mean + scales.groups[block / kNf4Group] * static_cast<float>(static_cast<int8_t>(p[0]));
    float table[16];
    for (int c = 0; c < 16; ++c) table[c] = kNormalFloat[c] * d;
    for (int j = 0; j < kFrozenBlock / 2; ++j) {
      out[2 * j] = table[p[1 + j] & 15];
      out[2 * j + 1] = table[p[1 + j] >> 4];
    }
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
