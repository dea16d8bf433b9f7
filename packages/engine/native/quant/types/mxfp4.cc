// MXFP4 (OCP microscaling): 32 weights in 17 bytes: an e8m0 exponent, 16 bytes of nibbles as in Q4_0 holding e2m1
// values. The table holds doubled values, so the scale is halved. value = 2^(e - 128) x table[nibble].
#include <math.h>

#include "quant/row_functions.h"
#include "quant/types/block_bits.h"

namespace anneal::ANNEAL_QUANT_ISA {
namespace {

constexpr float kE2m1Doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// 2^(e - 128); subnormal for e < 2.
inline float half_scale(uint8_t e) { return bits_float(e < 2 ? 0x00200000u << e : static_cast<uint32_t>(e - 1) << 23); }

}  // namespace

void dequantise_mxfp4(const void* blocks, float* out, int64_t n) {
  const uint8_t* p = static_cast<const uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 32, p += 17, out += 32) {
    const float d = half_scale(p[0]);
    const uint8_t* q = p + 1;
    for (int j = 0; j < 16; ++j) out[j] = d * kE2m1Doubled[q[j] & 15];
    for (int j = 0; j < 16; ++j) out[j + 16] = d * kE2m1Doubled[q[j] >> 4];
  }
}

// gguf-py's choice: exponent floor(log2(largest)) - 2, then the nearest level, the first one on a tie.
void quantise_mxfp4(const float* values, void* blocks, int64_t n, const float*) {
  uint8_t* p = static_cast<uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 32, p += 17, values += 32) {
    float largest = 0.0f;
    for (int j = 0; j < 32; ++j) largest = magnitude(values[j]) > largest ? magnitude(values[j]) : largest;
    const float exponent = largest > 0.0f ? ::floorf(::log2f(largest)) + 125.0f : 0.0f;
    const uint8_t e = static_cast<uint8_t>(static_cast<int>(clamp_or_low(exponent, 0.0f, 254.0f)));
    const float d = half_scale(e);
    uint8_t codes[32];
    for (int j = 0; j < 32; ++j) {
      int best = 0;
      float best_error = magnitude(d * kE2m1Doubled[0] - values[j]);
      for (int k = 1; k < 16; ++k) {
        const float error = magnitude(d * kE2m1Doubled[k] - values[j]);
        if (error < best_error) best_error = error, best = k;
      }
      codes[j] = static_cast<uint8_t>(best);
    }
    p[0] = e;
    for (int j = 0; j < 16; ++j) p[1 + j] = static_cast<uint8_t>(codes[j] | codes[j + 16] << 4);
  }
}

}  // namespace anneal::ANNEAL_QUANT_ISA
