// Choosing experts: scores of a router's logits, the k best (within the best groups where there are several), and their weights.
#pragma once
#include "ops/context.h"

namespace anneal {

struct RouterOptions {
  int64_t top_k = 1;
  bool sigmoid = false;         // score = sigmoid(logit), else softmax over all experts
  int64_t groups = 1;           // equal runs of experts; only the topk_groups best are chosen from
  int64_t topk_groups = 1;      // a group counts its best score (softmax) or its two best together (sigmoid)
  bool normalise = false;       // chosen scores are divided by their sum
  float scale = 1.0f;           // and multiplied by this
};

// logits (N,E) f32, overwritten by the scores. bias (E) f32 (empty = none): added to scores for choosing, not to weights.
// experts (N,k) i32 and weights (N,k) f32, overwritten: best first, the lower expert on ties.
void router_forward(Context& ctx, Tensor logits, const Tensor& bias, Tensor experts, Tensor weights, const RouterOptions& options);

// scores as forward left them; dweights (N,k) f32 -> scores are overwritten by the gradient of the logits (N,E).
void router_backward(Context& ctx, Tensor scores, const Tensor& experts, const Tensor& dweights, const RouterOptions& options);

}  // namespace anneal
