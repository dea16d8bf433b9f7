#include "cuda/mma.cuh"
#include "emulator/faults_test.h"

namespace anneal::emulator::planted {

using namespace anneal::cuda;

__global__ void reverse_kernel(float* x, int n, bool barrier) {
  ANNEAL_SHARED(float, tile, 64);
  const int i = static_cast<int>(threadIdx.x);
  tile[i] = x[i];
  if (barrier) __syncthreads();
  x[i] = tile[n - 1 - i];
}
void reverse(float* x, int n, bool barrier) { ANNEAL_LAUNCH(reverse_kernel, 1, 64, 0, nullptr, x, n, barrier); }

__global__ void warp_reverse_kernel(float* x, bool barrier) {
  ANNEAL_SHARED(float, tile, 32);
  const int i = static_cast<int>(threadIdx.x);
  tile[i] = x[i];
  if (barrier) __syncwarp();
  x[i] = tile[31 - i];
}
void warp_reverse(float* x, bool barrier) { ANNEAL_LAUNCH(warp_reverse_kernel, 1, 32, 0, nullptr, x, barrier); }

__global__ void write_index_kernel(float* x, int index) { x[index] = 1; }
void write_index(float* x, int index) { ANNEAL_LAUNCH(write_index_kernel, 1, 1, 0, nullptr, x, index); }

__global__ void read_index_kernel(const float* x, float* y, int index) { y[0] = x[index]; }
void read_index(const float* x, float* y, int index) {
  ANNEAL_LAUNCH(read_index_kernel, 1, 1, 0, nullptr, x, y, index);
}

__global__ void halves_kernel(float* x, bool divergent) {
  const unsigned i = threadIdx.x;
  x[i] = 1;
  if (divergent && i >= 32) {
    __syncthreads();
    x[i] += 1;
  } else {
    __syncthreads();
    x[i] += 2;
  }
}
void halves(float* x, bool divergent) { ANNEAL_LAUNCH(halves_kernel, 1, 64, 0, nullptr, x, divergent); }

__global__ void leave_early_kernel(float* x, bool early) {
  if (early && threadIdx.x == 5) return;
  __syncthreads();
  x[threadIdx.x] = 1;
}
void leave_early(float* x, bool early) { ANNEAL_LAUNCH(leave_early_kernel, 1, 64, 0, nullptr, x, early); }

__global__ void vote_kernel(int* x, bool divergent) {
  int votes = 0;
  if (divergent && threadIdx.x % 2 == 1) {
    votes = __any_sync(kWholeWarp, 1);
  } else {
    votes = __any_sync(kWholeWarp, 1);
  }
  x[threadIdx.x] = votes;
}
void vote(int* x, bool divergent) { ANNEAL_LAUNCH(vote_kernel, 1, 32, 0, nullptr, x, divergent); }

__global__ void shuffle_with_mask_kernel(int* x, unsigned mask) {
  x[threadIdx.x] = __shfl_sync(mask, static_cast<int>(threadIdx.x), 0);
}
void shuffle_with_mask(int* x, unsigned mask) { ANNEAL_LAUNCH(shuffle_with_mask_kernel, 1, 32, 0, nullptr, x, mask); }

__global__ void sum_float_kernel(float* x) { atomicAdd(x, 1.0f); }
void sum_float(float* x) { ANNEAL_LAUNCH(sum_float_kernel, 1, 32, 0, nullptr, x); }

__global__ void sum_int_kernel(int* x) { atomicAdd(x, 1); }
void sum_int(int* x) { ANNEAL_LAUNCH(sum_int_kernel, 3, 64, 0, nullptr, x); }

__global__ void shared_beyond_kernel(float* x, int index) {
  ANNEAL_SHARED(float, tile, 32);
  tile[threadIdx.x] = 1;
  __syncthreads();
  x[threadIdx.x] = tile[index];
}
void shared_beyond(float* x, int index) { ANNEAL_LAUNCH(shared_beyond_kernel, 1, 32, 0, nullptr, x, index); }

__global__ void shared_unwritten_kernel(float* x) {
  ANNEAL_DYNAMIC_SHARED(memory);
  float* tile = reinterpret_cast<float*>(memory);
  if (threadIdx.x != 7) tile[threadIdx.x] = 1;
  __syncthreads();
  x[threadIdx.x] = tile[threadIdx.x];
}
void shared_unwritten(float* x) { ANNEAL_LAUNCH(shared_unwritten_kernel, 1, 32, 128, nullptr, x); }

__global__ void vector_at_kernel(const float* x, float* y, int index) {
  const float4 v = load_vector<float4>(x + index);
  store_vector(y, v);
}
void vector_at(const float* x, float* y, int index) { ANNEAL_LAUNCH(vector_at_kernel, 1, 1, 0, nullptr, x, y, index); }

__global__ void blocks_overlap_kernel(float* x, int stride) {
  x[static_cast<int>(blockIdx.x) * stride + threadIdx.x] = 1;
}
void blocks_overlap(float* x, int stride) { ANNEAL_LAUNCH(blocks_overlap_kernel, 4, 32, 0, nullptr, x, stride); }

__global__ void product_kernel(const uint16_t* a, const uint16_t* b, float* d, int wrong_lane) {
  const int lane = static_cast<int>(threadIdx.x), g = lane / 4;
  const int t = (lane % 4 + (lane == wrong_lane ? 1 : 0)) % 4;
  const auto pair = [](const uint16_t* low, const uint16_t* high) {
    return static_cast<uint32_t>(*low) | static_cast<uint32_t>(*high) << 16;
  };
  uint32_t fa[4], fb[2];
  for (int i = 0; i < 4; ++i) {
    const uint16_t* from = a + (g + 8 * (i % 2)) * 16 + 2 * t + 8 * (i / 2);
    fa[i] = pair(from, from + 1);
  }
  for (int i = 0; i < 2; ++i) {
    const uint16_t* from = b + (2 * t + 8 * i) * 8 + g;
    fb[i] = pair(from, from + 8);
  }
  float fd[4] = {0, 0, 0, 0};
  mma_16816<bf16>(fd, fa, fb);
  for (int i = 0; i < 4; ++i) d[(g + 8 * (i / 2)) * 8 + 2 * (lane % 4) + i % 2] = fd[i];
}
void product(const uint16_t* a, const uint16_t* b, float* d, int wrong_lane) {
  ANNEAL_LAUNCH(product_kernel, 1, 32, 0, nullptr, a, b, d, wrong_lane);
}

__global__ void copy_behind_kernel(const float* x, float* y, bool wait) {
  ANNEAL_SHARED(float, tile, 128);
  const unsigned i = threadIdx.x;
  copy_async_16(tile + 4 * i, x + 4 * i, 16);
  copy_async_commit();
  if (wait) copy_async_wait<0>();
  __syncthreads();
  for (int j = 0; j < 4; ++j) y[4 * i + j] = tile[127 - 4 * i - j];
}
void copy_behind(const float* x, float* y, bool wait) {
  ANNEAL_LAUNCH(copy_behind_kernel, 1, 32, 0, nullptr, x, y, wait);
}

__global__ void nothing_kernel(int) {}
void wide_block(int threads) { ANNEAL_LAUNCH(nothing_kernel, 1, static_cast<unsigned>(threads), 0, nullptr, 0); }
void shared_bytes(int bytes) { ANNEAL_LAUNCH(nothing_kernel, 1, 32, static_cast<size_t>(bytes), nullptr, 0); }

__global__ void handshake_kernel(float* x, bool same_barrier) {
  ANNEAL_SHARED(float, tile, 64);
  const unsigned i = threadIdx.x, other = i ^ 32;
  if (i >= 64) return;  // the third warp takes no part
  tile[i] = x[i];
  named_barrier(same_barrier ? 1 : 1 + static_cast<int>(i / 32), same_barrier ? 64 : 32);
  x[i] = tile[other];
}
void handshake(float* x, bool same_barrier) { ANNEAL_LAUNCH(handshake_kernel, 1, 96, 0, nullptr, x, same_barrier); }

}  // namespace anneal::emulator::planted
