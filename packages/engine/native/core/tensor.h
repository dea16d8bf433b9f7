// Tensor: a non-owning view of contiguous memory with a dtype and a shape. Owners are arenas, mapped files and Buffer.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "core/error.h"

namespace anneal {

// Element types. The block types are GGUF's; their numbers in a file are mapped in io/gguf (see quant/ for the
// layouts).
enum class DType : uint8_t {
  kF32,
  kF16,
  kBF16,
  kI32,
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ8_0,
  kQ2_K,
  kQ3_K,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kIQ4_NL,
  kIQ4_XS,
  kMXFP4,
  kInt8Block,
  kNF4,  // our own frozen-base formats
  kU8,   // codes of 8-bit optimizer states
};

constexpr int kMaxDims = 4;

// Row-major; dims[rank-1] is contiguous. A scalar has rank 0.
struct Shape {
  std::array<int64_t, kMaxDims> dims{};
  int rank = 0;
  Shape() = default;
  Shape(std::initializer_list<int64_t> d) {
    if (d.size() > kMaxDims) throw Error(ErrorCode::kShape, "too_many_dimensions", "Shape", "more than 4 dimensions");
    for (int64_t v : d) dims[rank++] = v;
  }
  int64_t operator[](int i) const { return dims[i < 0 ? rank + i : i]; }
  int64_t elements() const {
    int64_t n = 1;
    for (int i = 0; i < rank; ++i) n *= dims[i];
    return n;
  }
  bool operator==(const Shape& o) const {
    if (rank != o.rank) return false;
    for (int i = 0; i < rank; ++i)
      if (dims[i] != o.dims[i]) return false;
    return true;
  }
  std::string to_string() const {
    std::string s = "(";
    for (int i = 0; i < rank; ++i) s += (i ? ", " : "") + std::to_string(dims[i]);
    return s + ")";
  }
};

struct Tensor {
  void* data = nullptr;
  DType dtype = DType::kF32;
  Shape shape;

  template <class T>
  T* as() {
    return static_cast<T*>(data);
  }
  template <class T>
  const T* as() const {
    return static_cast<const T*>(data);
  }
  float* f32() { return as<float>(); }
  const float* f32() const { return as<float>(); }
  int64_t rows() const {
    int64_t n = 1;
    for (int i = 0; i + 1 < shape.rank; ++i) n *= shape.dims[i];
    return n;
  }
  int64_t cols() const { return shape.rank == 0 ? 1 : shape[-1]; }
  explicit operator bool() const { return data != nullptr; }
};

}  // namespace anneal
