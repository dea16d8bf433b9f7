// RMSNorm: y = x * inv_rms * (weight + weight_offset), inv_rms = 1 / sqrt(mean(x^2) + epsilon), all in f32 (as Hugging
// Face does).
#pragma once
#include "ops/context.h"

namespace anneal {

struct RmsNormOptions {
  float epsilon = 1e-5f;
  float weight_offset = 0.0f;  // 1 for gemma
};

// x (N,C) f32|bf16; weight (C) f32|bf16; y (N,C) f32|bf16, overwritten, may be x when dtypes are equal; inv_rms (N)
// f32, overwritten.
void rms_norm_forward(Context& ctx, const Tensor& x, const Tensor& weight, Tensor y, Tensor inv_rms,
                      const RmsNormOptions& options);

// Fused: x += delta (x is the f32 residual stream, updated in place), then y = norm(x). delta (N,C) f32|bf16.
void add_rms_norm_forward(Context& ctx, Tensor x, const Tensor& delta, const Tensor& weight, Tensor y, Tensor inv_rms,
                          const RmsNormOptions& options);

// dy (N,C) f32|bf16; x, weight, inv_rms as in forward. dx (N,C) f32: added to when accumulate_dx (the residual's
// gradient), else overwritten. dweight (C) f32, added to; empty tensor = not wanted. Sum over tokens in a fixed order
// of 64-token blocks.
void rms_norm_backward(Context& ctx, const Tensor& dy, const Tensor& x, const Tensor& weight, const Tensor& inv_rms,
                       Tensor dx, bool accumulate_dx, Tensor dweight, const RmsNormOptions& options);

}  // namespace anneal
