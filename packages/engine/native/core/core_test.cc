#include <atomic>
#include <cstdint>
#include <limits>
#include <set>
#include <stdexcept>

#include "core/arena.h"
#include "core/bf16.h"
#include "core/buffer.h"
#include "core/philox.h"
#include "core/thread_pool.h"
#include "test_support/check.h"

using namespace anneal;

TEST(pool_runs_every_chunk_once) {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    CHECK_EQ(pool.threads(), threads);
    for (int round = 0; round < 200; ++round) {
      std::vector<std::atomic<int>> seen(round);
      pool.parallel_for(round, [&](int64_t c, int worker) {
        CHECK(worker >= 0 && worker < threads);
        seen[c].fetch_add(1);
      });
      for (auto& s : seen) CHECK_EQ(s.load(), 1);
    }
  }
}

TEST(pool_nested_call_runs_serially) {
  ThreadPool pool(3);
  std::atomic<int> n{0};
  pool.parallel_for(4, [&](int64_t) { pool.parallel_for(5, [&](int64_t) { n.fetch_add(1); }); });
  CHECK_EQ(n.load(), 20);
}

TEST(pool_rethrows_and_goes_on) {
  ThreadPool pool(2);
  CHECK_ERROR(pool.parallel_for(8,
                                [](int64_t c) {
                                  if (c == 5)
                                    throw Error(ErrorCode::kNumeric, "unexpected", "x", "{cause}", {{"cause", "y"}});
                                }),
              ErrorCode::kNumeric);
  std::atomic<int> n{0};
  pool.parallel_for(8, [&](int64_t) { n.fetch_add(1); });
  CHECK_EQ(n.load(), 8);
}

TEST(error_says_its_pattern_with_its_values) {
  const Error error(
      ErrorCode::kFormat, "r", "a.json", "has {count} of {kind}, '{' and {unknown}; {ratio}, {big}",
      {{"count", 3}, {"kind", Cause{"k", "kind \"{name}\"", {{"name", "x"}}}}, {"ratio", 0.1f}, {"big", UINT64_MAX}});
  CHECK_EQ(std::string(error.what()),
           std::string("a.json: has 3 of kind \"x\", '{' and {unknown}; 0.1, 18446744073709551615"));
  CHECK_EQ(error.where(), std::string("a.json"));
  CHECK_EQ(std::string(error.reason()), std::string("r"));
}

TEST(error_is_not_cut_by_a_zero_byte) {
  const std::string name("a\0b", 3);
  const Error error(ErrorCode::kFormat, "r", name, "lacks {name}, and more", {{"name", name}});
  CHECK_EQ(std::string(error.what()), std::string("a\\0b: lacks a\\0b, and more"));
}

TEST(error_keeps_numbers_that_javascript_can_hold) {
  CHECK_EQ(Value(-9007199254740991).text(), std::string("-9007199254740991"));
  CHECK(std::holds_alternative<int64_t>(Value(9007199254740991).get()));
  CHECK(std::holds_alternative<std::string>(Value(INT64_MIN).get()));
  CHECK_EQ(Value(INT64_MIN).text(), std::string("-9223372036854775808"));
  CHECK_EQ(Value(std::numeric_limits<double>::infinity()).text(), std::string("inf"));
}

TEST(arena_marks_peak_and_refuses) {
  Arena arena(1 << 20);
  CHECK_EQ(arena.capacity_bytes(), size_t{2} << 20);
  {
    ArenaScope scope(arena);
    void* a = arena.allocate(100);
    void* b = arena.allocate(100);
    CHECK_EQ(reinterpret_cast<uintptr_t>(a) % 64, 0u);
    CHECK_EQ(static_cast<char*>(b) - static_cast<char*>(a), 128);
  }
  CHECK_EQ(arena.used_bytes(), 0u);
  CHECK_EQ(arena.peak_bytes(), 228u);
  CHECK_ERROR(arena.allocate(size_t{3} << 20), ErrorCode::kOutOfMemory);
  CHECK_ERROR(arena.allocate(SIZE_MAX), ErrorCode::kOutOfMemory);
  CHECK_ERROR(dense_bytes(DType::kF32, Shape{int64_t{1} << 40, int64_t{1} << 40}), ErrorCode::kFormat);
}

TEST(buffer_is_zeroed_and_moves) {
  Buffer a(DType::kF32, {3, 5});
  CHECK_EQ(a.bytes(), 60u);
  for (int i = 0; i < 15; ++i) CHECK_EQ(a.tensor().f32()[i], 0.f);
  void* p = a.data();
  Buffer b = std::move(a);
  CHECK_EQ(b.data(), p);
  CHECK(a.data() == nullptr);
}

TEST(half_types_round_trip_every_value) {
  for (uint32_t i = 0; i < 65536; ++i) {
    const float b = to_f32(bf16{static_cast<uint16_t>(i)});
    if (b == b) CHECK_EQ(to_bf16(b).bits, i);
    const float h = to_f32(f16{static_cast<uint16_t>(i)});
    if (h == h) CHECK_EQ(to_f16(h).bits, i);
  }
  CHECK_EQ(to_bf16(1.00390625f).bits, 0x3f80);  // tie goes to even
  CHECK_EQ(to_bf16(1.01171875f).bits, 0x3f82);
  CHECK_EQ(to_f16(65520.f).bits, 0x7c00);
  CHECK_EQ(to_f16(65519.f).bits, 0x7bff);
  CHECK_EQ(to_f16(0x1p-25f).bits, 0);  // half of the smallest subnormal: tie to even
  CHECK_EQ(to_f16(0x1.8p-24f).bits, 2);
  CHECK(std::isnan(to_f32(to_bf16(std::nanf("")))));
  CHECK(std::isnan(to_f32(to_f16(std::nanf("")))));
}

TEST(philox_known_answers) {
  // Vectors of the Random123 distribution (kat_vectors, philox4x32-10).
  const PhiloxBlock zero = philox4x32_10({0, 0, 0, 0}, 0, 0);
  CHECK(zero == (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const PhiloxBlock ones = philox4x32_10({~0u, ~0u, ~0u, ~0u}, ~0u, ~0u);
  CHECK(ones == (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  const PhiloxBlock pi = philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0);
  CHECK(pi == (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST_MAIN()
