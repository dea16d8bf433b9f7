// Formats of our own for a base that stays frozen: blocks of 64 weights along a row, never written to a file.
#pragma once
#include <cstdint>

#include "core/tensor.h"
#include "cpu/block_dot.h"

namespace anneal {

constexpr int64_t kFrozenBlock = 64;
constexpr int64_t kInt8Bytes = 68;  // of a block
constexpr int64_t kNf4Bytes = 33;
constexpr int64_t kNf4Group = 256;  // blocks that share a second-level scale

// What the blocks of one NF4 tensor need beside their own bytes.
struct Nf4Scales {
  const void* blocks = nullptr;   // the tensor's first block: places are counted from here
  const float* groups = nullptr;  // one for each kNf4Group blocks
  float mean = 0.0f;              // of all magnitudes
};

// The fastest functions of this machine; equal bits on every ISA. n is a multiple of kFrozenBlock.
struct FrozenFunctions {
  void (*dequantise_int8)(const void* blocks, float* out, int64_t n);
  void (*quantise_int8)(const float* values, void* blocks, int64_t n);
  BlockDot dot_int8;
  void (*dequantise_nf4)(const void* scales, const void* blocks, float* out, int64_t n);
  // One row of nibbles; the magnitude of each block goes to `largest`.
  void (*quantise_nf4)(const float* values, void* blocks, float* largest, int64_t n);
  BlockDot dot_nf4;
};
const FrozenFunctions& frozen_functions();

// Products with blocks of kInt8Block or kNF4 where they lie; null ones for other types.
BlockDots frozen_dots(DType dtype);

// The second level: codes of `blocks` magnitudes into the blocks, scales into `groups`. Returns the mean.
float quantise_nf4_scales(const float* largest, int64_t blocks, void* out_blocks, float* groups);

}  // namespace anneal
