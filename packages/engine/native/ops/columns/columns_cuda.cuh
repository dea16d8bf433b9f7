// Sums over rows: blocks of 64 rows first, then the blocks in order, so that the bits follow from the shape.
#pragma once
#include "cuda/launch.cuh"

namespace anneal::cuda {

constexpr int kColumnBlockRows = 64;

// y (channels) += partial (ceil(rows / 64), channels), one block after the other.
void join_column_blocks(Stream& stream, const float* partial, float* y, int64_t rows, int64_t channels);

}  // namespace anneal::cuda
