// Where an optimizer's update lands: float32 weights with an optional narrower copy, or bf16 weights without any
// float32 ones.
#pragma once
#include "core/bf16.h"
#include "core/philox.h"
#include "cpu/kernel_table.h"
#include "ops/check.h"

namespace anneal {

struct UpdateTarget {
  Tensor weights;         // f32, or bf16: then rounded stochastically, so that small updates survive on average
  Tensor copy;            // bf16 or f16, refreshed from f32 weights; empty = none
  RandomStream rounding;  // for bf16 weights
};

inline void check_target(const char* op, const UpdateTarget& t, const Tensor& gradient) {
  require_float(op, "weights", t.weights);
  require_dtype(op, "gradient", gradient, DType::kF32, "f32");
  require_elements(op, "gradient", gradient, t.weights.shape.elements());
  if (!t.copy) return;
  require(t.weights.dtype == DType::kF32 && (t.copy.dtype == DType::kBF16 || t.copy.dtype == DType::kF16),
          ErrorCode::kInvalidArgument, "copy_dtype", op, "a copy must be bf16 or f16 beside f32 weights");
  require_elements(op, "copy", t.copy, t.weights.shape.elements());
}

// v plus a random fraction of the last kept bit, cut off: rounds up with the probability of the part that is lost.
inline bf16 round_stochastically(float v, uint32_t random) {
  const uint32_t u = std::bit_cast<uint32_t>(v);
  if ((u & 0x7f800000u) == 0x7f800000u) return to_bf16(v);
  const uint32_t raised = u + (random & 0xffffu);
  // Past the largest finite bf16 there is only infinity, which no update asked for.
  return {static_cast<uint16_t>(((raised & 0x7f800000u) == 0x7f800000u ? u : raised) >> 16)};
}

// fn(float* weights, begin, end) over chunks of kFlatGrain elements; weights[0] is element `begin`. What fn leaves
// there is written back.
template <class Fn>
void update_weights(Context& ctx, const UpdateTarget& t, Fn&& fn) {
  const auto move = kernels(ctx.isa).rows.move;
  const bool narrow = t.weights.dtype == DType::kBF16;
  parallel_ranges(ctx, t.weights.shape.elements(), kFlatGrain, [&](int64_t begin, int64_t end) {
    if (!narrow) {
      float* w = static_cast<float*>(t.weights.data) + begin;
      fn(w, begin, end);
      if (t.copy && t.copy.dtype == DType::kBF16) {
        move({w, DType::kF32}, 0, {t.copy.data, DType::kBF16}, begin, end - begin, 1.0f, false);
      } else if (t.copy) {
        f16* half = static_cast<f16*>(t.copy.data) + begin;
        for (int64_t i = 0; i < end - begin; ++i) half[i] = to_f16(w[i]);
      }
      return;
    }
    float w[kFlatGrain];
    bf16* stored = static_cast<bf16*>(t.weights.data) + begin;
    for (int64_t i = 0; i < end - begin; ++i) w[i] = to_f32(stored[i]);
    fn(w, begin, end);
    for (int64_t i = 0; i < end - begin; i += 4) {
      const PhiloxBlock random = t.rounding.block(static_cast<uint64_t>(begin + i) / 4);
      for (int64_t j = i; j < i + 4 && j < end - begin; ++j)
        stored[j] = round_stochastically(w[j], random[static_cast<size_t>(j - i)]);
    }
  });
}

}  // namespace anneal
