// Rotary embedding: a thread for each pair of channels.
#include "cuda/launch.cuh"
#include "ops/cuda_launchers.h"

namespace anneal::cuda {

namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads)
    rope_kernel(RopeArgs a, int64_t pairs, int64_t table_rows, FaultWords* faults) {
  const int64_t index = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (index >= pairs) return;
  const int64_t i = index % a.half, head = index / a.half % a.heads, row = index / (a.half * a.heads);
  const int64_t position = a.positions[row];
  if (!index_within(position, table_rows, IndexFault::kRopePosition, faults)) return;
  const float c = a.cos[position * a.half + i], s = a.sin[position * a.half + i] * a.sign;
  const int64_t first = (row * a.heads + head) * a.head_size + a.offset;
  const int64_t low = a.interleaved ? first + 2 * i : first + i, high = a.interleaved ? low + 1 : low + a.half;
  const float x = load<1>(a.x.data, a.x.dtype, low).v[0], y = load<1>(a.x.data, a.x.dtype, high).v[0];
  store<1>(a.x.data, a.x.dtype, low, {{x * c - y * s}});
  store<1>(a.x.data, a.x.dtype, high, {{y * c + x * s}});
}

}  // namespace

void rope(Stream& stream, const RopeArgs& a, int64_t rows, int64_t table_rows) {
  const int64_t pairs = rows * a.heads * a.half;
  if (pairs == 0) return;
  ANNEAL_RUN(stream, rope_kernel, blocks_for<kThreads>(pairs), kThreads, 0, a, pairs, table_rows, stream.faults);
}

}  // namespace anneal::cuda
