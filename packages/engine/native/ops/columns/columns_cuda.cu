#include "ops/columns/columns_cuda.cuh"

#include "ops/cuda_launchers.h"

namespace anneal::cuda {

namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads)
    join_column_blocks_kernel(const float* partial, float* y, int64_t blocks, int64_t channels) {
  const int64_t column = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (column >= channels) return;
  float sum = y[column];
  for (int64_t block = 0; block < blocks; ++block) sum += partial[block * channels + column];
  y[column] = sum;
}

__global__ void __launch_bounds__(kThreads)
    column_sums_kernel(ConstRef x, int64_t rows, int64_t channels, float* partial) {
  const int64_t column = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (column >= channels) return;
  const int64_t first = int64_t{blockIdx.y} * kColumnBlockRows;
  const int64_t last = first + kColumnBlockRows < rows ? first + kColumnBlockRows : rows;
  float sum = 0;
  for (int64_t row = first; row < last; ++row) sum += load<1>(x.data, x.dtype, row * channels + column).v[0];
  partial[int64_t{blockIdx.y} * channels + column] = sum;
}

}  // namespace

void join_column_blocks(Stream& stream, const float* partial, float* y, int64_t rows, int64_t channels) {
  const int64_t blocks = (rows + kColumnBlockRows - 1) / kColumnBlockRows;
  ANNEAL_RUN(stream, join_column_blocks_kernel, blocks_for<kThreads>(channels), kThreads, 0, partial, y, blocks,
             channels);
}

void add_column_sums(Stream& stream, ConstRef x, float* y, int64_t rows, int64_t channels, float* partial) {
  if (rows == 0 || channels == 0) return;
  const dim3 grid(blocks_for<kThreads>(channels), blocks_for<kColumnBlockRows>(rows));
  ANNEAL_RUN(stream, column_sums_kernel, grid, kThreads, 0, x, rows, channels, partial);
  join_column_blocks(stream, partial, y, rows, channels);
}

}  // namespace anneal::cuda
