// Row functions of every type for one ISA. ANNEAL_QUANT_ISA is the namespace: generic, avx2, avx512 or avx512_bf16.
#pragma once
#include "quant/quant.h"

#ifndef ANNEAL_QUANT_ISA
#error "define ANNEAL_QUANT_ISA as generic, avx2, avx512 or avx512_bf16"
#endif

namespace anneal::ANNEAL_QUANT_ISA {

#define ANNEAL_QUANT_READ(type) void dequantise_##type(const void* blocks, float* out, int64_t n);
#define ANNEAL_QUANT_DOT(type) void dot_##type(const BlockDotArgs& args);
#define ANNEAL_QUANT_BOTH(type) \
  ANNEAL_QUANT_READ(type)       \
  void quantise_##type(const float* values, void* blocks, int64_t n, const float* importance);

ANNEAL_QUANT_BOTH(f32)
ANNEAL_QUANT_BOTH(f16)
ANNEAL_QUANT_BOTH(bf16)
ANNEAL_QUANT_BOTH(q4_0)
ANNEAL_QUANT_BOTH(q4_1)
ANNEAL_QUANT_BOTH(q5_0)
ANNEAL_QUANT_BOTH(q5_1)
ANNEAL_QUANT_BOTH(q8_0)
ANNEAL_QUANT_READ(q2_k)
ANNEAL_QUANT_READ(q3_k)
ANNEAL_QUANT_BOTH(q4_k)
ANNEAL_QUANT_BOTH(q5_k)
ANNEAL_QUANT_BOTH(q6_k)
ANNEAL_QUANT_READ(iq4_nl)
ANNEAL_QUANT_READ(iq4_xs)
ANNEAL_QUANT_BOTH(mxfp4)

ANNEAL_QUANT_DOT(q4_0)
ANNEAL_QUANT_DOT(q4_1)
ANNEAL_QUANT_DOT(q8_0)
ANNEAL_QUANT_DOT(q4_k)
ANNEAL_QUANT_DOT(q5_k)
ANNEAL_QUANT_DOT(q6_k)

#undef ANNEAL_QUANT_READ
#undef ANNEAL_QUANT_DOT
#undef ANNEAL_QUANT_BOTH

// The types of GGUF in a fixed order; see isa_table.cc.
extern const QuantType kQuantTypes[];
extern const int kQuantTypeCount;

}  // namespace anneal::ANNEAL_QUANT_ISA
