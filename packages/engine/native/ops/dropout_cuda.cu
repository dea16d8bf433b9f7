// Dropout: a thread draws one philox block, whose words go to elements 16 apart in a group of 64, as on the CPU.
#include "cuda/launch.cuh"
#include "cuda/philox.cuh"
#include "ops/cuda_launchers.h"

namespace anneal::cuda {

namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads) dropout_kernel(DropoutArgs a, int64_t draws) {
  const int64_t draw = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (draw >= draws) return;
  const RandomWords random = philox(static_cast<uint64_t>(draw), a.op, a.step, a.seed);
  for (int w = 0; w < 4; ++w) {
    const int64_t at = draw / 16 * 64 + w * 16 + draw % 16;
    if (at >= a.elements) return;
    float v = random.w[w] >= a.threshold ? load<1>(a.x.data, a.x.dtype, at).v[0] * a.scale : 0.0f;
    if (a.accumulate) v += load<1>(a.y.data, a.y.dtype, at).v[0];
    store<1>(a.y.data, a.y.dtype, at, {{v}});
  }
}

}  // namespace

void dropout(Stream& stream, const DropoutArgs& a) {
  if (a.elements == 0) return;
  const int64_t draws = (a.elements + 63) / 64 * 16;
  ANNEAL_RUN(stream, dropout_kernel, blocks_for<kThreads>(draws), kThreads, 0, a, draws);
}

}  // namespace anneal::cuda
