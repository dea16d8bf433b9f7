// Casts, sums and row moves.
#include "cuda/launch.cuh"
#include "ops/cuda_launchers.h"

namespace anneal::cuda {

namespace {

constexpr int kThreads = 256;

template <int Width>
__global__ void __launch_bounds__(kThreads)
    move_kernel(ConstRef x, Ref y, int64_t groups, float scale, bool accumulate) {
  const int64_t group = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (group >= groups) return;
  const int64_t at = group * Width;
  Values<Width> v = load<Width>(x.data, x.dtype, at), old{};
  if (accumulate) old = load<Width>(y.data, y.dtype, at);
  for (int j = 0; j < Width; ++j) v.v[j] = v.v[j] * scale + old.v[j];
  store<Width>(y.data, y.dtype, at, v);
}

__global__ void __launch_bounds__(kThreads) soft_cap_kernel(float* y, int64_t n, float cap) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i < n) y[i] = cap * tanhf(y[i] / cap);
}

// Gather: y row i is x row rows[i]. Scatter: y row rows[i] takes x row i.
template <int Width, bool Scatter>
__global__ void __launch_bounds__(kThreads) move_rows_kernel(RowMoveArgs a, int64_t groups, FaultWords* faults) {
  const int64_t group = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (group >= groups) return;
  const int64_t of_row = a.channels / Width, i = group / of_row, column = group % of_row * Width;
  const int64_t named = a.rows[i];
  if (!index_within(named, a.limit, Scatter ? IndexFault::kScatterRow : IndexFault::kGatherRow, faults)) return;
  const int64_t from = (Scatter ? i : named) * a.channels + column, to = (Scatter ? named : i) * a.channels + column;
  Values<Width> v = load<Width>(a.x.data, a.x.dtype, from);
  if (Scatter && a.accumulate) {
    const Values<Width> old = load<Width>(a.y.data, a.y.dtype, to);
    for (int j = 0; j < Width; ++j) v.v[j] += old.v[j];
  }
  store<Width>(a.y.data, a.y.dtype, to, v);
}

template <bool Scatter>
void move_rows(Stream& stream, const RowMoveArgs& a) {
  const int64_t n = a.count * a.channels;
  if (n == 0) return;
  if (a.channels % 4 == 0) {
    ANNEAL_RUN(stream, (move_rows_kernel<4, Scatter>), blocks_for<kThreads>(n / 4), kThreads, 0, a, n / 4,
               stream.faults);
  } else {
    ANNEAL_RUN(stream, (move_rows_kernel<1, Scatter>), blocks_for<kThreads>(n), kThreads, 0, a, n, stream.faults);
  }
}

__global__ void __launch_bounds__(kThreads) find_not_finite_kernel(ConstRef x, int64_t n, int32_t* found) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= n) return;
  const unsigned bits = __float_as_uint(load<1>(x.data, x.dtype, i).v[0]);
  if ((bits & 0x7f800000u) == 0x7f800000u) atomicMax(found, 1);
}

}  // namespace

void move(Stream& stream, ConstRef x, Ref y, int64_t n, float scale, bool accumulate) {
  if (n == 0) return;
  if (n % 4 == 0) {
    ANNEAL_RUN(stream, (move_kernel<4>), blocks_for<kThreads>(n / 4), kThreads, 0, x, y, n / 4, scale, accumulate);
  } else {
    ANNEAL_RUN(stream, (move_kernel<1>), blocks_for<kThreads>(n), kThreads, 0, x, y, n, scale, accumulate);
  }
}

void soft_cap(Stream& stream, float* y, int64_t n, float cap) {
  if (n == 0) return;
  ANNEAL_RUN(stream, soft_cap_kernel, blocks_for<kThreads>(n), kThreads, 0, y, n, cap);
}

void gather_rows(Stream& stream, const RowMoveArgs& a) { move_rows<false>(stream, a); }
void scatter_rows(Stream& stream, const RowMoveArgs& a) { move_rows<true>(stream, a); }

bool all_finite(Stream& stream, ConstRef x, int64_t n, void* word) {
  if (n == 0) return true;
  zero(stream, word, sizeof(int32_t));
  ANNEAL_RUN(stream, find_not_finite_kernel, blocks_for<kThreads>(n), kThreads, 0, x, n, static_cast<int32_t*>(word));
  int32_t found = 0;
  read_back(stream, &found, word, sizeof found);
  return found == 0;
}

}  // namespace anneal::cuda
