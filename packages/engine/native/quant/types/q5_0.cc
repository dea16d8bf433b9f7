// Q5_0: 32 weights in 22 bytes: half d, u32 of fifth bits (bit j is weight j's), 16 bytes of nibbles as in Q4_0.
// value = d x (code - 16).
#include "quant/row_functions.h"
#include "quant/types/block_bits.h"

namespace anneal::ANNEAL_QUANT_ISA {

void dequantise_q5_0(const void* blocks, float* __restrict out, int64_t n) {
  const uint8_t* p = static_cast<const uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 32, p += 22, out += 32) {
    const float d = load_half(p);
    const uint32_t fifth = load_u32(p + 2);
    const uint8_t* q = p + 6;
    for (uint32_t j = 0; j < 16; ++j)
      out[j] = d * static_cast<float>(static_cast<int>((q[j] & 15) | (fifth >> j & 1) << 4) - 16);
    for (uint32_t j = 0; j < 16; ++j)
      out[j + 16] = d * static_cast<float>(static_cast<int>((q[j] >> 4) | (fifth >> (j + 16) & 1) << 4) - 16);
  }
}

// gguf-py's rounding: the value of largest magnitude maps to -16.
void quantise_q5_0(const float* values, void* blocks, int64_t n, const float*) {
  uint8_t* p = static_cast<uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 32, p += 22, values += 32) {
    float largest = values[0];
    for (int j = 1; j < 32; ++j)
      if (magnitude(values[j]) > magnitude(largest)) largest = values[j];
    const float d = largest / -16.0f;
    const float inverse = inverse_or_zero(d);
    store_u16(p, float_to_half(d));
    uint8_t codes[32];
    uint32_t fifth = 0;
    for (uint32_t j = 0; j < 32; ++j) {
      const int code = static_cast<int>(clamp_or_low(values[j] * inverse + 16.5f, 0.0f, 31.5f));
      codes[j] = static_cast<uint8_t>(code & 15);
      fifth |= static_cast<uint32_t>(code >> 4) << j;
    }
    store_u16(p + 2, static_cast<uint16_t>(fifth));
    store_u16(p + 4, static_cast<uint16_t>(fifth >> 16));
    for (int j = 0; j < 16; ++j) p[6 + j] = static_cast<uint8_t>(codes[j] | codes[j + 16] << 4);
  }
}

}  // namespace anneal::ANNEAL_QUANT_ISA
