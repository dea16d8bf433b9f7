// Reading and writing f32, bf16 and f16 by a type known at run time: one branch that all threads of a warp take alike.
#pragma once
#include "core/tensor.h"
#include "cuda/device.cuh"

namespace anneal::cuda {

// Width consecutive elements, 1 or 4; four lie at an index that is a multiple of four and move in one access.
template <int Width>
struct Values {
  float v[Width];
};

template <int Width>
__device__ inline Values<Width> load(const void* data, DType dtype, int64_t at) {
  static_assert(Width == 1 || Width == 4);
  if constexpr (Width == 1) {
    if (dtype == DType::kF32) return {{static_cast<const float*>(data)[at]}};
    if (dtype == DType::kBF16) return {{value_of(static_cast<const bf16*>(data)[at])}};
    return {{value_of(static_cast<const f16*>(data)[at])}};
  } else {
    if (dtype == DType::kF32) {
      const float4 f = load_vector<float4>(static_cast<const float*>(data) + at);
      return {{f.x, f.y, f.z, f.w}};
    }
    const uint2 u = load_vector<uint2>(static_cast<const uint16_t*>(data) + at);
    const auto half = [&](unsigned word, int shift) { return static_cast<uint16_t>(word >> shift); };
    if (dtype == DType::kBF16)
      return {{value_of(bf16{half(u.x, 0)}), value_of(bf16{half(u.x, 16)}), value_of(bf16{half(u.y, 0)}),
               value_of(bf16{half(u.y, 16)})}};
    return {{value_of(f16{half(u.x, 0)}), value_of(f16{half(u.x, 16)}), value_of(f16{half(u.y, 0)}),
             value_of(f16{half(u.y, 16)})}};
  }
}

template <int Width>
__device__ inline void store(void* data, DType dtype, int64_t at, const Values<Width>& x) {
  if constexpr (Width == 1) {
    if (dtype == DType::kF32) {
      static_cast<float*>(data)[at] = x.v[0];
    } else if (dtype == DType::kBF16) {
      static_cast<bf16*>(data)[at] = rounded<bf16>(x.v[0]);
    } else {
      static_cast<f16*>(data)[at] = rounded<f16>(x.v[0]);
    }
  } else {
    if (dtype == DType::kF32) {
      store_vector(static_cast<float*>(data) + at, float4{x.v[0], x.v[1], x.v[2], x.v[3]});
    } else if (dtype == DType::kBF16) {
      store_vector(static_cast<uint16_t*>(data) + at,
                   uint2{packed<bf16>(x.v[0], x.v[1]), packed<bf16>(x.v[2], x.v[3])});
    } else {
      store_vector(static_cast<uint16_t*>(data) + at, uint2{packed<f16>(x.v[0], x.v[1]), packed<f16>(x.v[2], x.v[3])});
    }
  }
}

// Blocks of Threads threads that cover n elements, Width each; a grid's first dimension takes 2^31 - 1.
template <int Threads>
inline unsigned blocks_for(int64_t n) {
  return static_cast<unsigned>((n + Threads - 1) / Threads);
}

}  // namespace anneal::cuda
