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

inline Buffer to_buffer(const std::vector<double>& v, DType dtype, const Shape& shape) {
  Buffer b(dtype, shape);
  for (size_t i = 0; i < v.size(); ++i) {
    if (dtype == DType::kBF16) {
      b.tensor().as<bf16>()[i] = to_bf16(static_cast<float>(v[i]));
    } else {
      b.tensor().f32()[i] = static_cast<float>(v[i]);
    }
  }
  return b;
}

inline Buffer to_ints(const std::vector<int32_t>& v, const Shape& shape) {
  Buffer b(DType::kI32, shape);
  if (!v.empty()) std::memcpy(b.data(), v.data(), v.size() * sizeof(int32_t));
  return b;
}
inline Buffer to_ints(const std::vector<int32_t>& v) { return to_ints(v, {static_cast<int64_t>(v.size())}); }

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

// Runs body(context, outputs) per ISA with 1 and 2 threads; every buffer the body returns must have the same bits for
// both.
inline void on_every_isa(const std::function<std::vector<Buffer>(Context&)>& body) {
  for (Isa isa : available_isas()) {
    std::vector<Buffer> first;
    for (int threads : {1, 2}) {
      ThreadPool pool(threads);
      Arena arena(size_t{512} << 20);
      Context ctx{pool, arena, isa};
      std::vector<Buffer> out = body(ctx);
      CHECK_EQ(arena.used_bytes(), 0u);
      if (threads == 1) {
        first = std::move(out);
        continue;
      }
      for (size_t i = 0; i < out.size(); ++i) CHECK(std::memcmp(out[i].data(), first[i].data(), out[i].bytes()) == 0);
    }
  }
}

template <class... B>
std::vector<Buffer> keep(B&&... b) {
  std::vector<Buffer> all;
  (all.push_back(std::move(b)), ...);
  return all;
}

}  // namespace anneal::test
