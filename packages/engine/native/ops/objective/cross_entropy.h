// Cross-entropy fused with the LM head: logits exist only for a chunk of tokens at a time, never as (Ns,V).
#pragma once
#include "ops/gemm/gemm.h"

namespace anneal {

struct CrossEntropyOptions {
  GemmPrecision precision = GemmPrecision::kF32;
  float logit_soft_cap = 0.0f;   // gemma2: logits = cap * tanh(logits / cap)
  float logit_scale = 1.0f;      // logits = scale * (hidden . head^T)
  float label_smoothing = 0.0f;  // share of the target spread evenly over the vocabulary, 0 <= it < 1
  float z_loss = 0.0f;           // weight of log(sum of exponentials)^2
  int64_t chunk_tokens =
      0;  // 0 = chosen so that a chunk of logits stays within 32 MiB; the plan uses cross_entropy_scratch_bytes
};

// Ns supervised tokens: hidden (Ns,C) f32|bf16; head (V,C); targets (Ns) i32 in [0,V); token_weights (Ns) f32: the
// gradient of the total loss with respect to each nll (usually 1 / supervised tokens of the step); empty tensor =
// forward only. Writes nll (Ns) f32 = -log p(target); best (Ns) i32 = argmax of the logits (lowest id on ties; empty =
// not wanted). penalty (Ns) f32: what smoothing and z-loss add to a token's nll; empty = not wanted. Gradients are of
// nll + penalty. d_hidden (Ns,C) f32|bf16, overwritten (empty = not wanted); d_head (V,C) f32, added to (empty = frozen
// head).
void cross_entropy_head(Context& ctx, const Tensor& hidden, const MatrixView& head, const Tensor& targets,
                        const Tensor& token_weights, Tensor nll, Tensor penalty, Tensor best, Tensor d_hidden,
                        Tensor d_head, const CrossEntropyOptions& options);

// `head_trains`: calls come with a d_head.
size_t cross_entropy_scratch_bytes(const Context& ctx, const CrossEntropyOptions& options, int64_t supervised_tokens,
                                   int64_t channels, int64_t vocabulary, bool head_trains);

}  // namespace anneal
