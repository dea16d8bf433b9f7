// Cross-entropy over rows of logits, a block of threads each: maximum, sum and best in one order, then the gradient
// over the logits themselves.
#include "cuda/launch.cuh"
#include "ops/cuda_launchers.h"

namespace anneal::cuda {

namespace {

constexpr int kThreads = 256;

// The smallest index that holds the maximum, over the block.
__device__ inline int32_t block_first(int32_t index, int32_t* slots) {
  index = static_cast<int32_t>(__reduce_min_sync(kWholeWarp, static_cast<unsigned>(index)));
  if (threadIdx.x % 32 == 0) slots[threadIdx.x / 32] = index;
  __syncthreads();
  int32_t first = slots[0];
  for (int i = 1; i < kThreads / 32; ++i) first = slots[i] < first ? slots[i] : first;
  return first;
}

__global__ void __launch_bounds__(kThreads) cross_entropy_kernel(CrossEntropyArgs a, FaultWords* faults) {
  ANNEAL_SHARED(float, tops, kThreads / 32);
  ANNEAL_SHARED(float, sums, kThreads / 32);
  ANNEAL_SHARED(double, means, kThreads / 32);
  ANNEAL_SHARED(int32_t, firsts, kThreads / 32);
  const int64_t token = blockIdx.x, v = a.vocabulary;
  float* row = a.logits + token * v;
  const int32_t target = a.targets[token];
  if (!index_within(target, v, IndexFault::kTarget, faults)) return;
  // A thread's own elements alone are rewritten until the barrier of block_max.
  float top = -INFINITY;
  double mean = 0;
  for (int64_t j = threadIdx.x; j < v; j += kThreads) {
    float x = row[j];
    if (a.cap > 0) row[j] = x = a.cap * tanhf(x / a.cap);
    top = fmaxf(top, x);
    mean += x;
  }
  top = block_max<kThreads>(top, tops);
  int32_t first = 0x7fffffff;
  float sum = 0;
  for (int64_t j = threadIdx.x; j < v; j += kThreads) {
    if (row[j] == top && first == 0x7fffffff) first = static_cast<int32_t>(j);
    sum += expf(row[j] - top);
  }
  sum = block_sum<kThreads>(sum, sums);
  const float log_sum = top + logf(sum), at_target = row[target];
  if (a.best) {
    first = block_first(first, firsts);
    if (threadIdx.x == 0) a.best[token] = first;
  }
  if (a.penalty) {
    mean = block_sum<kThreads>(mean, means);
    if (threadIdx.x == 0)
      a.penalty[token] =
          (a.smoothing > 0 ? a.smoothing * (at_target - static_cast<float>(mean / static_cast<double>(v))) : 0.0f) +
          a.z_loss * log_sum * log_sum;
  }
  if (threadIdx.x == 0) a.nll[token] = top - at_target + logf(sum);
  if (!a.token_weights) return;
  const float weight = a.token_weights[token];
  const float factor = weight * (1.0f + 2.0f * a.z_loss * log_sum) / sum;
  const float even = weight * a.smoothing / static_cast<float>(v);
  __syncthreads();  // everybody has read the target's logit
  for (int64_t j = threadIdx.x; j < v; j += kThreads) {
    const float ratio = a.cap > 0 ? row[j] / a.cap : 0.0f;
    float d = factor * expf(row[j] - top) - even;
    if (j == target) d -= weight * (1.0f - a.smoothing);
    row[j] = d * (1.0f - ratio * ratio);
  }
}

}  // namespace

void cross_entropy(Stream& stream, const CrossEntropyArgs& a) {
  if (a.rows == 0) return;
  ANNEAL_RUN(stream, cross_entropy_kernel, static_cast<unsigned>(a.rows), kThreads, 0, a, stream.faults);
}

}  // namespace anneal::cuda
