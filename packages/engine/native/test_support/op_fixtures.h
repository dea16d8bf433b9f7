// What the tests of ops share: random inputs, buffers from and to doubles, comparison with a reference, every ISA with
// 1 and 2 threads.
#pragma once
#include <functional>
#include <vector>

#include "core/bf16.h"
#include "core/buffer.h"
#include "core/philox.h"
#include "cpu/kernel_table.h"
#include "test_support/check.h"
#include "test_support/test_device.h"

namespace anneal::test {

constexpr DType kTypes[] = {DType::kF32, DType::kBF16};

inline double tolerance(DType dtype) { return dtype == DType::kF32 ? 1e-5 : 2e-2; }

// Random values in [-1,1), representable in `dtype`, so that the reference sees what the kernel sees.
inline std::vector<double> random_values(size_t n, DType dtype, double scale = 1.0) {
  static uint32_t next_stream = 1;
  const RandomStream stream{11, 0, next_stream++};
  std::vector<double> v(n);
  for (size_t i = 0; i < n; ++i) {
    const float x = static_cast<float>((stream.uniform(i) * 2 - 1) * scale);
    v[i] = dtype == DType::kBF16 ? to_f32(to_bf16(x)) : x;
  }
  return v;
}

inline TestBuffer to_buffer(const std::vector<double>& v, DType dtype, const Shape& shape) {
  TestBuffer b(dtype, shape);
  for (size_t i = 0; i < v.size(); ++i) {
    if (dtype == DType::kBF16) {
      b.tensor().as<bf16>()[i] = to_bf16(static_cast<float>(v[i]));
    } else {
      b.tensor().f32()[i] = static_cast<float>(v[i]);
    }
  }
  return b;
}

inline TestBuffer to_ints(const std::vector<int32_t>& v, const Shape& shape) {
  TestBuffer b(DType::kI32, shape);
  if (!v.empty()) std::memcpy(b.data(), v.data(), v.size() * sizeof(int32_t));
  return b;
}
inline TestBuffer to_ints(const std::vector<int32_t>& v) { return to_ints(v, {static_cast<int64_t>(v.size())}); }

inline std::vector<double> values_of(const Tensor& t) {
  std::vector<double> v(t.shape.elements());
  for (size_t i = 0; i < v.size(); ++i) v[i] = t.dtype == DType::kF32 ? t.f32()[i] : to_f32(t.as<bf16>()[i]);
  return v;
}

// `scale`: the least size that errors are measured against, for sums whose terms cancel.
inline void expect_close(const char* what, Isa isa, const Tensor& got, const std::vector<double>& want, double allowed,
                         double scale = 1e-6) {
  const std::vector<double> v = values_of(got);
  if (v.size() != want.size()) return fail(what, 0, "sizes differ");
  const double error = relative_error(v.data(), want.data(), v.size(), scale);
  if (!(error <= allowed)) fail(what, 0, std::string(isa_name(isa)) + " error " + std::to_string(error));
}

inline void expect_same_bits(const std::vector<TestBuffer>& a, const std::vector<TestBuffer>& b) {
  for (size_t i = 0; i < a.size(); ++i) CHECK(std::memcmp(a[i].data(), b[i].data(), a[i].bytes()) == 0);
}

// On a device: under every order of its threads, all with the same bits.
inline void on_the_device(const std::function<std::vector<TestBuffer>(Context&)>& body) {
  constexpr size_t kScratch = size_t{64} << 20;
  std::vector<TestBuffer> first;
  test_device()->in_all_orders([&](int round) {
    ThreadPool pool(1);
    TestBuffer memory(DType::kU8, {static_cast<int64_t>(kScratch)});
    Arena arena(static_cast<std::byte*>(memory.data()), kScratch);
    Context ctx{pool, arena, Isa::kGeneric, test_device()->backend()};
    std::vector<TestBuffer> out = body(ctx);
    CHECK_EQ(arena.used_bytes(), 0u);
    if (round == 0) {
      first = std::move(out);
    } else {
      expect_same_bits(out, first);
    }
  });
}

// Runs body(context) on the device of this program, or per ISA with 1 and 2 threads; every buffer the body returns must
// have the same bits each time.
inline void on_every_isa(const std::function<std::vector<TestBuffer>(Context&)>& body) {
  if (test_device()) return on_the_device(body);
  for (Isa isa : available_isas()) {
    std::vector<TestBuffer> first;
    for (int threads : {1, 2}) {
      ThreadPool pool(threads);
      Arena arena(size_t{512} << 20);
      Context ctx{pool, arena, isa};
      std::vector<TestBuffer> out = body(ctx);
      CHECK_EQ(arena.used_bytes(), 0u);
      if (threads == 1) {
        first = std::move(out);
      } else {
        expect_same_bits(out, first);
      }
    }
  }
}

template <class... B>
std::vector<TestBuffer> keep(B&&... b) {
  std::vector<TestBuffer> all;
  (all.push_back(std::move(b)), ...);
  return all;
}

// As on_every_isa, for bodies that return numbers.
inline void numbers_on_every_isa(const std::function<std::vector<float>(Context&)>& body) {
  on_every_isa([&](Context& ctx) {
    const std::vector<float> out = body(ctx);
    TestBuffer kept(DType::kF32, {static_cast<int64_t>(out.size())});
    if (!out.empty()) std::memcpy(kept.data(), out.data(), kept.bytes());
    return keep(kept);
  });
}

}  // namespace anneal::test
