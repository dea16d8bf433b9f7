// Every kind of fault that the emulator is there to find, planted once and once left out.
#include "emulator/faults_test.h"

#include <cstdio>
#include <functional>
#include <vector>

#include "core/bf16.h"
#include "emulator/cuda_runtime.h"
#include "emulator/memory.h"
#include "test_support/check.h"

using namespace anneal;
using namespace anneal::emulator;

namespace {

// Device memory of n values that count up.
template <class T = float>
struct Device {
  explicit Device(int n) : count(n) {
    CHECK_EQ(cudaMalloc(&raw, static_cast<size_t>(n) * sizeof(T)), cudaSuccess);
    std::vector<T> values(n);
    for (int i = 0; i < n; ++i) values[i] = static_cast<T>(i);
    put(values);
  }
  ~Device() { cudaFree(raw); }
  Device(const Device&) = delete;
  T* data() { return static_cast<T*>(raw); }
  void put(const std::vector<T>& v) {
    CHECK_EQ(cudaMemcpy(raw, v.data(), v.size() * sizeof(T), cudaMemcpyHostToDevice), cudaSuccess);
  }
  std::vector<T> get() {
    std::vector<T> v(count);
    CHECK_EQ(cudaMemcpy(v.data(), raw, v.size() * sizeof(T), cudaMemcpyDeviceToHost), cudaSuccess);
    return v;
  }
  void* raw = nullptr;
  int count;
};

// Under every order of threads.
void in_all_orders(const std::function<void()>& body) {
  for (Order order : {Order::kForward, Order::kReversed, Order::kShuffled}) {
    set_order(order, 7);
    body();
  }
  set_order(Order::kForward);
}

// The call must end with this kind of fault, and its text must hold these words.
void refused(FaultKind kind, const std::vector<std::string>& words, const std::function<void()>& call) {
  in_all_orders([&] {
    try {
      call();
      test::fail("faults", static_cast<int>(kind), "nothing was refused");
    } catch (const Fault& fault) {
      if (fault.kind() != kind)
        test::fail("faults", static_cast<int>(kind), std::string("another kind: ") + fault.what());
      for (const std::string& word : words)
        if (std::string(fault.what()).find(word) == std::string::npos)
          test::fail("faults", static_cast<int>(kind), "no \"" + word + "\" in: " + fault.what());
    }
  });
}

}  // namespace

TEST(a_missing_barrier_is_a_race) {
  in_all_orders([] {
    Device x(64);
    planted::reverse(x.data(), 64, true);
    for (int i = 0; i < 64; ++i) CHECK_EQ(x.get()[i], 63.0f - static_cast<float>(i));
  });
  // In some order a thread reads what nobody wrote yet: that is found first.
  for (Order order : {Order::kForward, Order::kReversed, Order::kShuffled}) {
    set_order(order, 7);
    Device x(64);
    try {
      planted::reverse(x.data(), 64, false);
      test::fail("faults", 0, "a missing barrier was not found");
    } catch (const Fault& f) {
      CHECK(f.kind() == FaultKind::kRace || f.kind() == FaultKind::kUninitialised);
      CHECK(std::string(f.what()).find("reverse_kernel: block (0, 0, 0) thread (") == 0);
    }
  }
  set_order(Order::kForward);
}

TEST(a_missing_barrier_is_a_race_in_device_memory_too) {
  Device x(80);
  refused(FaultKind::kRace, {"device memory", "nothing orders the two"},
          [&] { planted::blocks_overlap(x.data(), 16); });
  Device y(128);
  in_all_orders([&] { planted::blocks_overlap(y.data(), 32); });
}

TEST(a_missing_warp_barrier_is_found) {
  in_all_orders([] {
    Device x(32);
    planted::warp_reverse(x.data(), true);
    CHECK_EQ(x.get()[0], 31.0f);
  });
  bool found = false;
  for (Order order : {Order::kForward, Order::kReversed}) {
    set_order(order);
    Device x(32);
    try {
      planted::warp_reverse(x.data(), false);
    } catch (const Fault&) {
      found = true;
    }
  }
  set_order(Order::kForward);
  CHECK(found);
}

TEST(writes_and_reads_out_of_bounds_are_refused) {
  Device x(10), y(1);
  planted::write_index(x.data(), 9);
  planted::read_index(x.data(), y.data(), 9);
  CHECK_EQ(y.get()[0], 1.0f);
  for (int index : {10, 11, 40, -1}) {
    refused(FaultKind::kOutOfBounds, {"write_index_kernel", "thread (0, 0, 0)"},
            [&] { planted::write_index(x.data(), index); });
    refused(FaultKind::kOutOfBounds, {"read_index_kernel"}, [&] { planted::read_index(x.data(), y.data(), index); });
  }
}

TEST(shared_memory_has_bounds_and_no_values) {
  Device x(32);
  in_all_orders([&] { planted::shared_beyond(x.data(), 31); });
  refused(FaultKind::kOutOfBounds, {"shared memory at offset 128"}, [&] { planted::shared_beyond(x.data(), 32); });
  refused(FaultKind::kUninitialised, {"thread (7, 0, 0)", "nobody wrote"},
          [&] { planted::shared_unwritten(x.data()); });
}

TEST(a_host_pointer_is_refused) {
  std::vector<float> host(4);
  float on_stack[4] = {};
  static float in_image[4];
  Device y(1);
  for (float* p : {host.data(), on_stack, in_image}) {
    refused(FaultKind::kHostPointer, {"a host pointer"}, [&] { planted::write_index(p, 1); });
    CHECK_EQ(p[1], 0.0f);
  }
  refused(FaultKind::kHostPointer, {"a host pointer"}, [&] { planted::read_index(host.data(), y.data(), 1); });
  float* freed = nullptr;
  {
    Device x(1 << 20);
    freed = x.data();
  }
  refused(FaultKind::kHostPointer, {"freed"}, [&] { planted::write_index(freed, 4096); });
}

TEST(divergent_barriers_are_named_by_thread_and_line) {
  in_all_orders([] {
    Device x(64);
    planted::halves(x.data(), false);
    CHECK_EQ(x.get()[63], 3.0f);
  });
  Device x(64);
  refused(FaultKind::kDivergence, {"__syncthreads", "faults_test_kernels.cu:", "block (0, 0, 0) thread ("},
          [&] { planted::halves(x.data(), true); });
  in_all_orders([&] { planted::leave_early(x.data(), false); });
  refused(FaultKind::kDivergence, {"thread (5, 0, 0) has left the kernel"},
          [&] { planted::leave_early(x.data(), true); });
}

TEST(divergent_warp_functions_are_named) {
  Device<int> x(32);
  in_all_orders([&] { planted::vote(x.data(), false); });
  refused(FaultKind::kDivergence, {"a vote", "faults_test_kernels.cu:"}, [&] { planted::vote(x.data(), true); });
  in_all_orders([&] { planted::shuffle_with_mask(x.data(), 0xffffffffu); });
  refused(FaultKind::kBadMask, {"lacks its lane"}, [&] { planted::shuffle_with_mask(x.data(), 0x0000ffffu); });
}

TEST(float_atomics_are_refused) {
  Device<int> n(1);
  in_all_orders([&] {
    n.put({0});
    planted::sum_int(n.data());
    CHECK_EQ(n.get()[0], 192);
  });
  Device x(1);
  refused(FaultKind::kFloatAtomic, {"adds a float atomically", "faults_test_kernels.cu:"},
          [&] { planted::sum_float(x.data()); });
}

TEST(a_misaligned_vector_is_refused) {
  Device x(16), y(4);
  planted::vector_at(x.data(), y.data(), 4);
  CHECK_EQ(y.get()[3], 7.0f);
  refused(FaultKind::kMisaligned, {"16 bytes"}, [&] { planted::vector_at(x.data(), y.data(), 2); });
}

TEST(a_wrong_fragment_lane_gives_another_product) {
  Device<uint16_t> a(256), b(128);
  Device d(128);
  std::vector<uint16_t> va(256), vb(128);
  for (int i = 0; i < 256; ++i) va[i] = to_bf16(static_cast<float>(i * 7 % 31 - 15)).bits;
  for (int i = 0; i < 128; ++i) vb[i] = to_bf16(static_cast<float>(i * 5 % 23 - 11)).bits;
  a.put(va), b.put(vb);
  std::vector<float> want(128);
  for (int r = 0; r < 16; ++r)
    for (int c = 0; c < 8; ++c)
      for (int k = 0; k < 16; ++k) want[r * 8 + c] += to_f32(bf16{va[r * 16 + k]}) * to_f32(bf16{vb[k * 8 + c]});
  in_all_orders([&] {
    planted::product(a.data(), b.data(), d.data(), -1);
    CHECK(d.get() == want);
    for (int lane : {0, 13, 31}) {
      planted::product(a.data(), b.data(), d.data(), lane);
      CHECK(d.get() != want);
    }
  });
}

TEST(a_copy_without_its_wait_has_not_arrived) {
  Device x(128), y(128);
  in_all_orders([&] {
    planted::copy_behind(x.data(), y.data(), true);
    CHECK_EQ(y.get()[5], 122.0f);
  });
  refused(FaultKind::kUninitialised, {"shared memory"}, [&] { planted::copy_behind(x.data(), y.data(), false); });
}

TEST(a_named_barrier_orders_those_who_take_part) {
  in_all_orders([] {
    Device x(64);
    planted::handshake(x.data(), true);
    CHECK_EQ(x.get()[0], 32.0f);
  });
  bool found = false;
  in_all_orders([&] {
    Device x(64);
    try {
      planted::handshake(x.data(), false);
    } catch (const Fault&) {
      found = true;
    }
  });
  CHECK(found);
}

TEST(launches_that_no_device_takes_are_refused) {
  planted::wide_block(1024);
  refused(FaultKind::kBadLaunch, {"a block of 1056 threads"}, [] { planted::wide_block(1056); });
  refused(FaultKind::kBadLaunch, {"a block of 0 threads"}, [] { planted::wide_block(0); });
  planted::shared_bytes(48 * 1024);
  refused(FaultKind::kBadLaunch, {"dynamic shared memory"}, [] { planted::shared_bytes(48 * 1024 + 1); });
}

TEST(device_memory_is_held_to_its_budget_and_guards) {
  CHECK_EQ(device_bytes_in_use(), 0u);
  set_device_budget(1 << 20);
  void *x = nullptr, *y = nullptr;
  CHECK_EQ(cudaMalloc(&x, 1 << 19), cudaSuccess);
  CHECK_EQ(cudaMalloc(&y, (1 << 19) + 1), cudaErrorMemoryAllocation);
  CHECK(y == nullptr);
  CHECK_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  std::vector<std::byte> host(64);
  CHECK_EQ(cudaMemcpy(x, host.data(), 64, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  CHECK_EQ(cudaMemcpy(static_cast<std::byte*>(x) + (1 << 19) - 32, host.data(), 64, cudaMemcpyHostToDevice),
           cudaErrorInvalidValue);
  CHECK_EQ(cudaFree(x), cudaSuccess);
  CHECK_EQ(cudaFree(host.data()), cudaErrorInvalidValue);
  set_device_budget(size_t{4} << 30);
  cudaGetLastError();
}

TEST_MAIN()
