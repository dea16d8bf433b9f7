// Gated activations. A thread reads all of its elements before it writes, so gradients may lie over what they are of.
#include "cuda/launch.cuh"
#include "ops/cuda_launchers.h"

namespace anneal::cuda {

namespace {

constexpr int kThreads = 256;

struct Activated {
  float value, slope;
};

__device__ inline Activated activate(float g, bool gelu) {
  if (gelu) {
    const float t = tanhf(0.7978845608f * (g + 0.044715f * g * g * g));
    return {0.5f * g * (1.0f + t),
            0.5f * (1.0f + t) + 0.5f * g * (1.0f - t * t) * 0.7978845608f * (1.0f + 0.134145f * g * g)};
  }
  const float s = 1.0f / (1.0f + expf(-g)), value = g * s;
  return {value, s + value * (1.0f - s)};
}

template <int Width>
__global__ void __launch_bounds__(kThreads) gated_kernel(GatedArgs a, int64_t groups) {
  const int64_t group = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (group >= groups) return;
  const int64_t at = group * Width;
  const Values<Width> gate = load<Width>(a.gate.data, a.gate.dtype, at), up = load<Width>(a.up.data, a.up.dtype, at);
  Values<Width> h;
  for (int j = 0; j < Width; ++j) h.v[j] = activate(gate.v[j], a.gelu).value * up.v[j];
  store<Width>(a.h.data, a.h.dtype, at, h);
}

template <int Width>
__global__ void __launch_bounds__(kThreads) gated_backward_kernel(GatedArgs a, int64_t groups) {
  const int64_t group = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (group >= groups) return;
  const int64_t at = group * Width;
  const Values<Width> gate = load<Width>(a.gate.data, a.gate.dtype, at), up = load<Width>(a.up.data, a.up.dtype, at);
  const Values<Width> dh = load<Width>(a.dh.data, a.dh.dtype, at);
  Values<Width> h, dgate, dup;
  for (int j = 0; j < Width; ++j) {
    const Activated f = activate(gate.v[j], a.gelu);
    h.v[j] = f.value * up.v[j];
    dgate.v[j] = dh.v[j] * up.v[j] * f.slope;
    dup.v[j] = dh.v[j] * f.value;
  }
  store<Width>(a.dgate.data, a.dgate.dtype, at, dgate);
  store<Width>(a.dup.data, a.dup.dtype, at, dup);
  if (a.h.data) store<Width>(a.h.data, a.h.dtype, at, h);
}

}  // namespace

void gated(Stream& stream, const GatedArgs& a, int64_t n) {
  if (n == 0) return;
  if (n % 4 == 0) {
    ANNEAL_RUN(stream, (gated_kernel<4>), blocks_for<kThreads>(n / 4), kThreads, 0, a, n / 4);
  } else {
    ANNEAL_RUN(stream, (gated_kernel<1>), blocks_for<kThreads>(n), kThreads, 0, a, n);
  }
}

void gated_backward(Stream& stream, const GatedArgs& a, int64_t n) {
  if (n == 0) return;
  if (n % 4 == 0) {
    ANNEAL_RUN(stream, (gated_backward_kernel<4>), blocks_for<kThreads>(n / 4), kThreads, 0, a, n / 4);
  } else {
    ANNEAL_RUN(stream, (gated_backward_kernel<1>), blocks_for<kThreads>(n), kThreads, 0, a, n);
  }
}

}  // namespace anneal::cuda
