// Gated activations: h = act(gate) * up, act = silu (llama, qwen) or gelu with tanh (gemma).
#pragma once
#include "ops/context.h"

namespace anneal {

enum class Activation { kSilu, kGeluTanh };

// gate, up, h: (N,F) f32|bf16, each dtype free; h may be gate or up when dtypes are equal.
void gated_activation_forward(Context& ctx, const Tensor& gate, const Tensor& up, Tensor h,
                              Activation activation = Activation::kSilu);

// dh (N,F) -> dgate, dup (N,F), overwritten; each of dgate, dup, h may be any of dh, gate, up when dtypes are equal and
// they differ from one another. h: when given, the forward value is written again (for dW of the down projection
// without having saved it).
void gated_activation_backward(Context& ctx, const Tensor& dh, const Tensor& gate, const Tensor& up, Tensor dgate,
                               Tensor dup, Tensor h, Activation activation = Activation::kSilu);

}  // namespace anneal
