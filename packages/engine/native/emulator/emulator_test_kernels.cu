#include "cuda/mma.cuh"
#include "emulator/emulator_test.h"

namespace anneal::emulated {

using namespace anneal::cuda;

__global__ void warp_functions_kernel(uint32_t* out) {
  const uint32_t i = threadIdx.x, lane = i % 32, x = 100 + i;
  const auto put = [&](uint32_t which, uint32_t v) { out[which * 64 + i] = v; };
  put(0, __shfl_sync(kWholeWarp, x, 3));
  put(1, __shfl_xor_sync(kWholeWarp, x, 5));
  put(2, __shfl_up_sync(kWholeWarp, x, 2));
  put(3, __shfl_down_sync(kWholeWarp, x, 1, 8));
  put(4, __ballot_sync(kWholeWarp, lane % 2 == 0));
  put(5, __match_any_sync(kWholeWarp, lane % 5));
  put(6, __reduce_add_sync(kWholeWarp, x));
  put(7, __reduce_max_sync(kWholeWarp, x));
  put(8, lane < 16 ? __reduce_min_sync(0x0000ffffu, x) : __reduce_min_sync(0xffff0000u, x));
}
void warp_functions(uint32_t* out) { ANNEAL_LAUNCH(warp_functions_kernel, 1, 64, 0, nullptr, out); }

__global__ void ldmatrix_kernel(uint32_t* out) {
  ANNEAL_SHARED(uint16_t, tile, 256);
  const unsigned lane = threadIdx.x;
  for (unsigned i = lane; i < 256; i += 32) tile[i] = static_cast<uint16_t>(i);
  __syncwarp();
  uint32_t straight[4], transposed[4];
  ldmatrix_x4(straight, tile + lane * 8);
  ldmatrix_x4_transposed(transposed, tile + lane * 8);
  for (int i = 0; i < 4; ++i) {
    out[lane * 8 + i] = straight[i];
    out[lane * 8 + 4 + i] = transposed[i];
  }
}
void ldmatrix(uint32_t* out) { ANNEAL_LAUNCH(ldmatrix_kernel, 1, 32, 0, nullptr, out); }

__global__ void block_sums_kernel(uint32_t* out) {
  ANNEAL_SHARED(float, slots, 8);
  out[threadIdx.x] = __float_as_uint(block_sum<256>(static_cast<float>(threadIdx.x), slots));
}
void block_sums(uint32_t* out) { ANNEAL_LAUNCH(block_sums_kernel, 1, 256, 0, nullptr, out); }

}  // namespace anneal::emulated
