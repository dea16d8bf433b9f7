// F32: 4 bytes little-endian.
#include "quant/row_functions.h"
#include "quant/types/block_bits.h"

namespace anneal::ANNEAL_QUANT_ISA {

void dequantise_f32(const void* blocks, float* out, int64_t n) { std::memcpy(out, blocks, static_cast<size_t>(n) * 4); }

void quantise_f32(const float* values, void* blocks, int64_t n, const float*) {
  std::memcpy(blocks, values, static_cast<size_t>(n) * 4);
}

}  // namespace anneal::ANNEAL_QUANT_ISA
