// Q4_0: 32 weights in 18 bytes: half d, then 16 bytes; byte j holds weight j in its low and j + 16 in its high nibble.
// value = d x (nibble - 8).
#include "quant/block_bits.h"
#include "quant/row_functions.h"

namespace anneal::ANNEAL_QUANT_ISA {

void dequantise_q4_0(const void* blocks, float* __restrict out, int64_t n) {
  const uint8_t* p = static_cast<const uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 32, p += 18, out += 32) {
    const float d = load_half(p);
    const uint8_t* q = p + 2;
    for (int j = 0; j < 16; ++j) out[j] = d * static_cast<float>((q[j] & 15) - 8);
    for (int j = 0; j < 16; ++j) out[j + 16] = d * static_cast<float>((q[j] >> 4) - 8);
  }
}

// gguf-py's rounding: the value of largest magnitude (first one wins) maps to -8, others to floor(x / d + 8.5).
void quantise_q4_0(const float* values, void* blocks, int64_t n, const float*) {
  uint8_t* p = static_cast<uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 32, p += 18, values += 32) {
    float largest = values[0];
    for (int j = 1; j < 32; ++j)
      if (magnitude(values[j]) > magnitude(largest)) largest = values[j];
    const float d = largest / -8.0f;
    const float inverse = inverse_or_zero(d);
    store_u16(p, float_to_half(d));
    uint8_t codes[32];
    for (int j = 0; j < 32; ++j)
      codes[j] = static_cast<uint8_t>(static_cast<int>(clamp_or_low(values[j] * inverse + 8.5f, 0.0f, 15.5f)));
    for (int j = 0; j < 16; ++j) p[2 + j] = static_cast<uint8_t>(codes[j] | codes[j + 16] << 4);
  }
}

}  // namespace anneal::ANNEAL_QUANT_ISA
