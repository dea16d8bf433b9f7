// GGUF tensor types: one entry per type with its layout and its row functions. A row is a whole number of blocks.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/tensor.h"
#include "cpu/block_dot.h"

namespace anneal {

// blocks -> n floats; n is a multiple of the type's block. Bits are the same on every ISA.
using RowDequantiser = void (*)(const void* blocks, float* out, int64_t n);
// n floats -> blocks. `importance` (n floats, may be null) weighs the error of each column where the type can use it.
using RowQuantiser = void (*)(const float* values, void* blocks, int64_t n, const float* importance);

struct QuantType {
  DType dtype;
  const char* name;    // "Q4_K"
  uint32_t ggml_type;  // number in a GGUF file
  int block_elements;  // 1 for F32, F16, BF16
  int block_bytes;
  RowDequantiser dequantise_generic;  // portable; row_dequantiser() gives the fast one
  RowQuantiser quantise;              // portable; null where this engine only reads the type
  BlockDot dot;  // portable; null where products dequantise rows first. block_dots() gives the others
};

// Error(kUnsupported) for dtypes that are not GGUF types (I32, our own block formats).
const QuantType& quant_type(DType dtype);
// nullptr when unknown.
const QuantType* find_quant_type(uint32_t ggml_type);
const QuantType* find_quant_type(std::string_view name);

// Number of entries and access by index, for tests and listings.
int quant_type_count();
const QuantType& quant_type_at(int index);

// Bytes of a row of n elements. Error(kShape) when n is no multiple of the block.
size_t quant_row_bytes(DType dtype, int64_t n);

// The fastest dequantiser this machine runs (generic / AVX2 / AVX-512; equal bits). Look it up once, not per row.
RowDequantiser row_dequantiser(DType dtype);
// Products with the type's blocks where they lie, for every ISA.
BlockDots block_dots(DType dtype);
// The same for quantising; Error(kUnsupported) for types that are only read.
RowQuantiser row_quantiser(DType dtype);

// Checked conveniences over a whole tensor: rows x n. Error(kShape), Error(kUnsupported).
void dequantise_rows(DType dtype, const void* blocks, float* out, int64_t rows, int64_t n);
void quantise_rows(DType dtype, const float* values, void* blocks, int64_t rows, int64_t n);

}  // namespace anneal
