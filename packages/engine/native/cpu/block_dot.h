// The face of products with block-quantised weights: a type's file in quant/ has one for every ISA,
// ops/gemm_small_cpu.cc calls it.
#pragma once
#include <cstdint>

#include "core/tensor.h"
#include "cpu/isa.h"

namespace anneal {

// A (rows, k) in f32, scaled and rounded already, by `columns` rows of blocks that follow each other in memory.
struct BlockDotArgs {
  const float* a;
  int64_t a_stride;
  int64_t rows;
  int64_t k;            // a whole number of blocks
  const void* context;  // what the type's blocks need beside their own bytes, or null
  const void* blocks;   // the first of the weight's rows
  int64_t row_bytes;
  int64_t columns;
  DType round_weights;  // the weights count as this: bf16, or f32 as they are
  float* sums;          // out, (rows, columns, lanes of the ISA): what DotRowsArgs::start goes on from
};

// The weights are expanded in registers and multiplied at once. Lane by lane the bits of a dense weight of the same
// values.
using BlockDot = void (*)(const BlockDotArgs& args);

// One of each ISA; null where the type has none (its rows are then dequantised first).
struct BlockDots {
  BlockDot generic = nullptr, avx2 = nullptr, avx512 = nullptr, avx512_bf16 = nullptr;

  BlockDot of(Isa isa) const {
    switch (isa) {
      case Isa::kGeneric: return generic;
      case Isa::kAvx2: return avx2;
      case Isa::kAvx512: return avx512;
      case Isa::kAvx512Bf16:
      case Isa::kAmxBf16: return avx512_bf16;
    }
    return nullptr;
  }
};

}  // namespace anneal
