// Our int8: 64 weights of a row in 68 bytes: float d, 64 signed bytes. value = byte x d.
#include "quant/block_bits.h"
#include "quant/frozen_functions.h"

namespace anneal::ANNEAL_QUANT_ISA {

void dequantise_int8(const void* blocks, float* __restrict out, int64_t n) {
  const uint8_t* p = static_cast<const uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += kFrozenBlock, p += kInt8Bytes, out += kFrozenBlock) {
    float d;
    std::memcpy(&d, p, sizeof d);
    for (int j = 0; j < kFrozenBlock; ++j) out[j] = static_cast<float>(static_cast<int8_t>(p[4 + j])) * d;
  }
}

void quantise_int8(const float* values, void* blocks, int64_t n) {
  uint8_t* p = static_cast<uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += kFrozenBlock, p += kInt8Bytes, values += kFrozenBlock) {
    float largest = 0.0f;
    for (int j = 0; j < kFrozenBlock; ++j) largest = magnitude(values[j]) > largest ? magnitude(values[j]) : largest;
    const float d = largest / 127.0f, inverse = inverse_or_zero(d);
    std::memcpy(p, &d, sizeof d);
    for (int j = 0; j < kFrozenBlock; ++j)
      p[4 + j] = static_cast<uint8_t>(static_cast<int8_t>(clamp_or_low(round_even(values[j] * inverse), -127.0f, 127.0f)));
  }
}

}  // namespace anneal::ANNEAL_QUANT_ISA
