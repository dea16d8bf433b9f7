// RMSNorm: a block of threads for each row; the weight's gradient by column over blocks of 64 rows, joined in order.
#include "cuda/launch.cuh"
#include "ops/columns/columns_cuda.cuh"
#include "ops/cuda_launchers.h"

namespace anneal::cuda {

namespace {

constexpr int kThreads = 256;

template <int Width>
__global__ void __launch_bounds__(kThreads) rms_norm_kernel(RmsNormArgs a) {
  ANNEAL_SHARED(float, slots, kThreads / 32);
  const int64_t row = blockIdx.x, at = row * a.channels;
  float squares = 0;
  for (int64_t i = threadIdx.x * Width; i < a.channels; i += kThreads * Width) {
    Values<Width> x = load<Width>(a.x.data, a.x.dtype, at + i);
    if (a.delta.data) {
      const Values<Width> d = load<Width>(a.delta.data, a.delta.dtype, at + i);
      for (int j = 0; j < Width; ++j) x.v[j] += d.v[j];
      store<Width>(a.x.data, a.x.dtype, at + i, x);
    }
    for (int j = 0; j < Width; ++j) squares += x.v[j] * x.v[j];
  }
  const float mean = block_sum<kThreads>(squares, slots) / static_cast<float>(a.channels);
  const float inverse = 1.0f / sqrtf(mean + a.epsilon);
  if (threadIdx.x == 0) a.inverse_rms[row] = inverse;
  // Each thread reads again what it read or wrote itself.
  for (int64_t i = threadIdx.x * Width; i < a.channels; i += kThreads * Width) {
    Values<Width> x = load<Width>(a.x.data, a.x.dtype, at + i);
    const Values<Width> w = load<Width>(a.weight.data, a.weight.dtype, i);
    for (int j = 0; j < Width; ++j) x.v[j] = x.v[j] * inverse * (w.v[j] + a.weight_offset);
    store<Width>(a.y.data, a.y.dtype, at + i, x);
  }
}

template <int Width>
__global__ void __launch_bounds__(kThreads) rms_norm_dx_kernel(RmsNormBackwardArgs a) {
  ANNEAL_SHARED(float, slots, kThreads / 32);
  const int64_t row = blockIdx.x, at = row * a.channels;
  const float inverse = a.inverse_rms[row];
  float dots = 0;
  for (int64_t i = threadIdx.x * Width; i < a.channels; i += kThreads * Width) {
    const Values<Width> dy = load<Width>(a.dy.data, a.dy.dtype, at + i), x = load<Width>(a.x.data, a.x.dtype, at + i);
    const Values<Width> w = load<Width>(a.weight.data, a.weight.dtype, i);
    for (int j = 0; j < Width; ++j) dots += dy.v[j] * (w.v[j] + a.weight_offset) * x.v[j];
  }
  const float pull = block_sum<kThreads>(dots, slots) * inverse * inverse / static_cast<float>(a.channels);
  for (int64_t i = threadIdx.x * Width; i < a.channels; i += kThreads * Width) {
    const Values<Width> dy = load<Width>(a.dy.data, a.dy.dtype, at + i), x = load<Width>(a.x.data, a.x.dtype, at + i);
    const Values<Width> w = load<Width>(a.weight.data, a.weight.dtype, i);
    Values<Width> dx{};
    if (a.accumulate_dx) dx = load<Width>(a.dx, DType::kF32, at + i);
    for (int j = 0; j < Width; ++j) dx.v[j] += (dy.v[j] * (w.v[j] + a.weight_offset) - x.v[j] * pull) * inverse;
    store<Width>(a.dx, DType::kF32, at + i, dx);
  }
}

// partial (blocks of 64 rows, channels): sums of dy * x * inverse_rms.
__global__ void __launch_bounds__(kThreads)
    rms_norm_dweight_kernel(RmsNormBackwardArgs a, int64_t rows, float* partial) {
  const int64_t column = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (column >= a.channels) return;
  const int64_t first = int64_t{blockIdx.y} * kColumnBlockRows;
  const int64_t last = first + kColumnBlockRows < rows ? first + kColumnBlockRows : rows;
  float sum = 0;
  for (int64_t row = first; row < last; ++row) {
    const int64_t at = row * a.channels + column;
    sum += load<1>(a.dy.data, a.dy.dtype, at).v[0] * load<1>(a.x.data, a.x.dtype, at).v[0] * a.inverse_rms[row];
  }
  partial[int64_t{blockIdx.y} * a.channels + column] = sum;
}

}  // namespace

void rms_norm(Stream& stream, const RmsNormArgs& a, int64_t rows) {
  if (rows == 0) return;
  const auto grid = static_cast<unsigned>(rows);
  if (a.channels % 4 == 0) {
    ANNEAL_RUN(stream, (rms_norm_kernel<4>), grid, kThreads, 0, a);
  } else {
    ANNEAL_RUN(stream, (rms_norm_kernel<1>), grid, kThreads, 0, a);
  }
}

void rms_norm_backward(Stream& stream, const RmsNormBackwardArgs& a, int64_t rows, float* partial) {
  if (rows == 0) return;
  if (a.dweight) {
    const dim3 grid(blocks_for<kThreads>(a.channels), blocks_for<kColumnBlockRows>(rows));
    ANNEAL_RUN(stream, rms_norm_dweight_kernel, grid, kThreads, 0, a, rows, partial);
    join_column_blocks(stream, partial, a.dweight, rows, a.channels);
  }
  const auto grid = static_cast<unsigned>(rows);
  if (a.channels % 4 == 0) {
    ANNEAL_RUN(stream, (rms_norm_dx_kernel<4>), grid, kThreads, 0, a);
  } else {
    ANNEAL_RUN(stream, (rms_norm_dx_kernel<1>), grid, kThreads, 0, a);
  }
}

}  // namespace anneal::cuda
