// BF16: the upper half of an f32, 2 bytes little-endian.
#include "quant/row_functions.h"
#include "quant/types/block_bits.h"

namespace anneal::ANNEAL_QUANT_ISA {

void dequantise_bf16(const void* blocks, float* out, int64_t n) {
  const uint8_t* p = static_cast<const uint8_t*>(blocks);
  for (int64_t i = 0; i < n; ++i) {
    uint16_t b;
    std::memcpy(&b, p + 2 * i, 2);
    const uint32_t u = static_cast<uint32_t>(b) << 16;
    std::memcpy(out + i, &u, 4);
  }
}

void quantise_bf16(const float* values, void* blocks, int64_t n, const float*) {
  uint8_t* p = static_cast<uint8_t*>(blocks);
  for (int64_t i = 0; i < n; ++i) {
    const uint16_t b = float_to_bfloat(values[i]);
    std::memcpy(p + 2 * i, &b, 2);
  }
}

}  // namespace anneal::ANNEAL_QUANT_ISA
