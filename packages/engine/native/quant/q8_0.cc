// Q8_0: 32 weights in 34 bytes: half d, 32 signed bytes. value = byte x d.
#include "quant/block_bits.h"
#include "quant/row_functions.h"

namespace anneal::ANNEAL_QUANT_ISA {

void dequantise_q8_0(const void* blocks, float* __restrict out, int64_t n) {
  const uint8_t* p = static_cast<const uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 32, p += 34, out += 32) {
    const float d = load_half(p);
    for (int j = 0; j < 32; ++j) out[j] = static_cast<float>(static_cast<int8_t>(p[2 + j])) * d;
  }
}

// Largest magnitude maps to 127; halves round away from zero.
void quantise_q8_0(const float* values, void* blocks, int64_t n, const float*) {
  uint8_t* p = static_cast<uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 32, p += 34, values += 32) {
    float largest = 0.0f;
    for (int j = 0; j < 32; ++j) largest = magnitude(values[j]) > largest ? magnitude(values[j]) : largest;
    const float d = largest / 127.0f;
    const float inverse = inverse_or_zero(d);
    store_u16(p, float_to_half(d));
    for (int j = 0; j < 32; ++j) {
      const float scaled = values[j] * inverse;
      // Truncation and the exact rest, so that x.49999997 is not lifted by adding one half.
      const float a = clamp_or_low(magnitude(scaled), 0.0f, 127.0f);
      const int whole = static_cast<int>(a);
      const int rounded = whole + (a - static_cast<float>(whole) >= 0.5f ? 1 : 0);
      p[2 + j] = static_cast<uint8_t>(static_cast<int8_t>(scaled < 0.0f ? -rounded : rounded));
    }
  }
}

}  // namespace anneal::ANNEAL_QUANT_ISA
