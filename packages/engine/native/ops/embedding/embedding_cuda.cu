// Embedding. Backward: the first position of a token owns its row and adds every position of it in order, so the bits
// follow from the tokens. Each block looks through the tokens itself, which costs rows^2 comparisons from the cache.
#include "cuda/launch.cuh"
#include "ops/cuda_launchers.h"

namespace anneal::cuda {

namespace {

constexpr int kThreads = 256;

template <int Width>
__global__ void __launch_bounds__(kThreads) embedding_kernel(EmbeddingArgs a, int64_t groups, FaultWords* faults) {
  const int64_t group = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (group >= groups) return;
  const int64_t of_row = a.channels / Width, row = group / of_row, column = group % of_row * Width;
  const int64_t token = a.tokens[row];
  if (!index_within(token, a.vocabulary, IndexFault::kToken, faults)) return;
  Values<Width> v = load<Width>(a.table.data, a.table.dtype, token * a.channels + column);
  for (int j = 0; j < Width; ++j) v.v[j] *= a.scale;
  store<Width>(a.y.data, a.y.dtype, row * a.channels + column, v);
}

__global__ void __launch_bounds__(kThreads) embedding_backward_kernel(EmbeddingArgs a, FaultWords* faults) {
  ANNEAL_SHARED(uint32_t, votes, kThreads / 32);
  const int64_t row = blockIdx.x;
  const int32_t token = a.tokens[row];
  if (!index_within(token, a.vocabulary, IndexFault::kToken, faults)) return;
  bool earlier = false;
  for (int64_t i = threadIdx.x; i < row; i += kThreads) earlier |= a.tokens[i] == token;
  const uint32_t vote = __ballot_sync(kWholeWarp, earlier);
  if (threadIdx.x % 32 == 0) votes[threadIdx.x / 32] = vote;
  __syncthreads();
  uint32_t any = 0;
  for (int i = 0; i < kThreads / 32; ++i) any |= votes[i];
  if (any) return;
  // The positions of this token, a block of them at a time: every warp has the same bits.
  for (int64_t first = row; first < a.rows; first += 32) {
    const int64_t mine = first + threadIdx.x % 32;
    uint32_t same = __ballot_sync(kWholeWarp, mine < a.rows && a.tokens[mine] == token);
    while (same) {
      const int64_t i = first + __ffs(static_cast<int>(same)) - 1;
      same &= same - 1;
      for (int64_t column = threadIdx.x; column < a.channels; column += kThreads)
        a.dtable[token * a.channels + column] += load<1>(a.dy.data, a.dy.dtype, i * a.channels + column).v[0] * a.scale;
    }
  }
}

}  // namespace

void embedding_forward(Stream& stream, const EmbeddingArgs& a) {
  const int64_t n = a.rows * a.channels;
  if (n == 0) return;
  if (a.channels % 4 == 0) {
    ANNEAL_RUN(stream, (embedding_kernel<4>), blocks_for<kThreads>(n / 4), kThreads, 0, a, n / 4, stream.faults);
  } else {
    ANNEAL_RUN(stream, (embedding_kernel<1>), blocks_for<kThreads>(n), kThreads, 0, a, n, stream.faults);
  }
}

void embedding_backward(Stream& stream, const EmbeddingArgs& a) {
  if (a.rows == 0) return;
  ANNEAL_RUN(stream, embedding_backward_kernel, static_cast<unsigned>(a.rows), kThreads, 0, a, stream.faults);
}

}  // namespace anneal::cuda
