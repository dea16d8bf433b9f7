// Row functions of our own frozen-base formats for one ISA.
#pragma once
#include <cstring>

#include "quant/frozen.h"

#ifndef ANNEAL_QUANT_ISA
#error "define ANNEAL_QUANT_ISA as generic, avx2, avx512 or avx512_bf16"
#endif

namespace anneal::ANNEAL_QUANT_ISA {

void dot_int8(const BlockDotArgs& args);
void dequantise_int8(const void* blocks, float* out, int64_t n);
void quantise_int8(const float* values, void* blocks, int64_t n);
void dot_nf4(const BlockDotArgs& args);
void dequantise_nf4(const void* context, const void* blocks, float* out, int64_t n);
void quantise_nf4(const float* values, void* blocks, float* largest, int64_t n);

}  // namespace anneal::ANNEAL_QUANT_ISA
