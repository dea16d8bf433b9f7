// Launches on a Stream, and the check of an index inside a kernel.
#pragma once
#include "cuda/elements.cuh"
#include "cuda/stream.h"

// Runs a kernel behind what the stream runs already. (kernel<A, B>) in parentheses where it has template arguments.
#define ANNEAL_RUN(stream, kernel, grid, block, dynamic_bytes, ...)                                            \
  (ANNEAL_LAUNCH(kernel, grid, block, dynamic_bytes, static_cast<cudaStream_t>((stream).native), __VA_ARGS__), \
   ::anneal::cuda::launched(stream))

namespace anneal::cuda {

// Whether 0 <= index < limit; the first that is not is noted.
__device__ inline bool index_within(int64_t index, int64_t limit, IndexFault what, FaultWords* faults) {
  if (index >= 0 && index < limit) return true;
  if (atomicCAS(&faults->what, 0, static_cast<int32_t>(what)) == 0) faults->value = static_cast<int32_t>(index);
  return false;
}

}  // namespace anneal::cuda
