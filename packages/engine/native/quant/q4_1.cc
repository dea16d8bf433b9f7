// Q4_1: 32 weights in 20 bytes: half d, half m, 16 bytes of nibbles as in Q4_0. value = d x nibble + m.
#include "quant/block_bits.h"
#include "quant/row_functions.h"

namespace anneal::ANNEAL_QUANT_ISA {

void dequantise_q4_1(const void* blocks, float* __restrict out, int64_t n) {
  const uint8_t* p = static_cast<const uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 32, p += 20, out += 32) {
    const float d = load_half(p), m = load_half(p + 2);
    const uint8_t* q = p + 4;
    for (int j = 0; j < 16; ++j) out[j] = d * static_cast<float>(q[j] & 15) + m;
    for (int j = 0; j < 16; ++j) out[j + 16] = d * static_cast<float>(q[j] >> 4) + m;
  }
}

// gguf-py's rounding: m is the minimum, the range is cut in 15 steps.
void quantise_q4_1(const float* values, void* blocks, int64_t n, const float*) {
  uint8_t* p = static_cast<uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 32, p += 20, values += 32) {
    float low = values[0], high = values[0];
    for (int j = 1; j < 32; ++j) {
      low = values[j] < low ? values[j] : low;
      high = values[j] > high ? values[j] : high;
    }
    const float d = (high - low) / 15.0f;
    const float inverse = inverse_or_zero(d);
    store_u16(p, float_to_half(d));
    store_u16(p + 2, float_to_half(low));
    uint8_t codes[32];
    for (int j = 0; j < 32; ++j)
      codes[j] = static_cast<uint8_t>(static_cast<int>(clamp_or_low((values[j] - low) * inverse + 0.5f, 0.0f, 15.5f)));
    for (int j = 0; j < 16; ++j) p[4 + j] = static_cast<uint8_t>(codes[j] | codes[j + 16] << 4);
  }
}

}  // namespace anneal::ANNEAL_QUANT_ISA
