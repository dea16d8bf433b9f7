// What the emulator computes, against plain loops: warp functions, fragments of ldmatrix, orders of threads.
#include "emulator/emulator_test.h"

#include <bit>
#include <vector>

#include "emulator/cuda_runtime.h"
#include "test_support/check.h"

using namespace anneal;
using namespace anneal::emulator;

namespace {

std::vector<uint32_t> run(void (*kernel)(uint32_t*), int n) {
  void* out = nullptr;
  CHECK_EQ(cudaMalloc(&out, static_cast<size_t>(n) * 4), cudaSuccess);
  kernel(static_cast<uint32_t*>(out));
  std::vector<uint32_t> v(n);
  CHECK_EQ(cudaMemcpy(v.data(), out, v.size() * 4, cudaMemcpyDeviceToHost), cudaSuccess);
  CHECK_EQ(cudaFree(out), cudaSuccess);
  return v;
}

// The same values under every order of threads.
std::vector<uint32_t> in_all_orders(void (*kernel)(uint32_t*), int n) {
  const std::vector<uint32_t> first = run(kernel, n);
  set_order(Order::kReversed);
  CHECK(run(kernel, n) == first);
  for (uint64_t seed : {1u, 2u, 3u}) {
    set_order(Order::kShuffled, seed);
    CHECK(run(kernel, n) == first);
  }
  set_order(Order::kForward);
  return first;
}

}  // namespace

TEST(warp_functions) {
  const auto v = in_all_orders(emulated::warp_functions, 64 * 9);
  for (uint32_t i = 0; i < 64; ++i) {
    const uint32_t lane = i % 32, x = 100 + i;
    const auto at = [&](uint32_t which) { return v[which * 64 + i]; };
    CHECK_EQ(at(0), 100 + i / 32 * 32 + 3);                          // __shfl_sync from lane 3
    CHECK_EQ(at(1), x ^ 0u ? 100 + (i / 32 * 32 + (lane ^ 5)) : 0);  // xor 5
    CHECK_EQ(at(2), lane >= 2 ? x - 2 : x);                          // up 2
    CHECK_EQ(at(3), lane % 8 < 7 ? x + 1 : x);                       // down 1 within 8
    CHECK_EQ(at(4), 0x55555555u);                                    // lanes with an even number
    uint32_t same = 0;
    for (uint32_t other = 0; other < 32; ++other) same |= static_cast<uint32_t>(other % 5 == lane % 5) << other;
    CHECK_EQ(at(5), same);
    CHECK_EQ(at(6), i / 32 ? 32 * 132 + 496u : 32 * 100 + 496u);         // sum
    CHECK_EQ(at(7), i / 32 ? 163u : 131u);                               // maximum
    CHECK_EQ(at(8), lane < 16 ? 100 + i / 32 * 32 : 116 + i / 32 * 32);  // half-warp masks apart
  }
}

TEST(ldmatrix_fragments) {
  const auto v = in_all_orders(emulated::ldmatrix, 32 * 8);
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i) {
      const auto value = [&](int row, int col) { return static_cast<uint32_t>(i * 64 + row * 8 + col); };
      const int g = lane / 4, t = lane % 4;
      CHECK_EQ(v[lane * 8 + i], value(g, 2 * t) | value(g, 2 * t + 1) << 16);
      CHECK_EQ(v[lane * 8 + 4 + i], value(2 * t, g) | value(2 * t + 1, g) << 16);
    }
}

TEST(block_sums) {
  const auto v = in_all_orders(emulated::block_sums, 256);
  for (int i = 0; i < 256; ++i) CHECK_EQ(std::bit_cast<float>(v[i]), 255.0f * 128.0f);
}

TEST_MAIN()
