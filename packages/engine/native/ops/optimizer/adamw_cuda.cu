// AdamW on f32 weights with an optional narrower copy, or on bf16 weights rounded stochastically with the CPU's
// numbers.
#include "cuda/launch.cuh"
#include "cuda/philox.cuh"
#include "ops/cuda_launchers.h"

namespace anneal::cuda {

namespace {

constexpr int kThreads = 256;

// As round_stochastically of ops/optimizer/update_target.h.
__device__ inline bf16 round_stochastically(float v, uint32_t random) {
  const uint32_t u = __float_as_uint(v);
  if ((u & 0x7f800000u) == 0x7f800000u) return rounded<bf16>(v);
  const uint32_t raised = u + (random & 0xffffu);
  return {static_cast<uint16_t>(((raised & 0x7f800000u) == 0x7f800000u ? u : raised) >> 16)};
}

// A thread takes four elements: what one philox block rounds.
__global__ void __launch_bounds__(kThreads) adamw_kernel(AdamWTargetArgs a) {
  const int64_t group = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (group * 4 >= a.elements) return;
  bf16* narrow = static_cast<bf16*>(a.bf16_weights.data);
  RandomWords random{};
  if (narrow) random = philox(static_cast<uint64_t>(group), a.op, a.step, a.seed);
  for (int j = 0; j < 4; ++j) {
    const int64_t i = group * 4 + j;
    if (i >= a.elements) return;
    const AdamWArgs& r = a.rule;
    const float g = r.gradient[i] * r.gradient_scale;
    const float m = r.m[i] + (g - r.m[i]) * r.one_minus_beta1;
    const float v = r.v[i] * r.beta2 + g * g * r.one_minus_beta2;
    r.m[i] = m;
    r.v[i] = v;
    float w = narrow ? value_of(narrow[i]) : r.master[i];
    w = w * r.decay - r.step_size * m / (sqrtf(v) * r.inverse_sqrt_correction2 + r.epsilon);
    if (narrow) {
      narrow[i] = round_stochastically(w, random.w[j]);
    } else {
      r.master[i] = w;
      if (a.copy.data) store<1>(a.copy.data, a.copy.dtype, i, {{w}});
    }
  }
}

constexpr int64_t kChunk = 16384;

__global__ void __launch_bounds__(kThreads) sum_of_squares_kernel(const float* x, int64_t n, double* partial) {
  ANNEAL_SHARED(double, slots, kThreads / 32);
  const int64_t first = int64_t{blockIdx.x} * kChunk, last = first + kChunk < n ? first + kChunk : n;
  double sum = 0;
  for (int64_t i = first + threadIdx.x; i < last; i += kThreads) sum += static_cast<double>(x[i]) * x[i];
  sum = block_sum<kThreads>(sum, slots);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

__global__ void add_in_order_kernel(double* partial, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += partial[i];
  partial[0] = sum;
}

}  // namespace

void adamw(Stream& stream, const AdamWTargetArgs& a) {
  if (a.elements == 0) return;
  ANNEAL_RUN(stream, adamw_kernel, blocks_for<kThreads>((a.elements + 3) / 4), kThreads, 0, a);
}

double sum_of_squares(Stream& stream, const float* x, int64_t n, double* partial) {
  if (n == 0) return 0;
  const int64_t chunks = (n + kChunk - 1) / kChunk;
  ANNEAL_RUN(stream, sum_of_squares_kernel, static_cast<unsigned>(chunks), kThreads, 0, x, n, partial);
  ANNEAL_RUN(stream, add_in_order_kernel, 1u, 1u, 0, partial, chunks);
  double total = 0;
  read_back(stream, &total, partial, sizeof total);
  return total;
}

}  // namespace anneal::cuda
