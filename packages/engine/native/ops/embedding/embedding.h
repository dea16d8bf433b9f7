// Token embedding: gather rows forward, deterministic scatter-add backward.
#pragma once
#include "ops/gemm/gemm.h"

namespace anneal {

// tokens (N) i32 in [0,V); weight (V,C) f32|bf16|f16, or blocks with their codec; y (N,C) f32|bf16 = weight[token] *
// scale. Throws kInvalidArgument for a token out of range.
void embedding_forward(Context& ctx, const Tensor& tokens, const MatrixView& weight, Tensor y, float scale = 1.0f);

// dweight (V,C) f32 += scale * dy (N,C) f32|bf16; equal tokens are summed in increasing position.
void embedding_backward(Context& ctx, const Tensor& tokens, const Tensor& dy, Tensor dweight, float scale = 1.0f);

}  // namespace anneal
