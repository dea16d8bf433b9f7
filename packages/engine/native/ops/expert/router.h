// Choosing experts: scores of a router's logits, the k best (within the best groups where there are several), and their
// weights; and what balancing the experts needs of them. Legend beside that of context.h: E experts, k of them for each
// token.
#pragma once
#include "ops/context.h"

namespace anneal {

struct RouterOptions {
  int64_t top_k = 1;
  bool sigmoid = false;     // score = sigmoid(logit), else softmax over all experts
  int64_t groups = 1;       // equal runs of experts; only the topk_groups best are chosen from
  int64_t topk_groups = 1;  // a group counts its best score (softmax) or its two best together (sigmoid)
  bool normalise = false;   // chosen scores are divided by their sum
  float scale = 1.0f;       // and multiplied by this
};

// logits (N,E) f32, overwritten by the scores. bias (E) f32 (empty = none): added to scores for choosing, not to
// weights. experts (N,k) i32 and weights (N,k) f32, overwritten: best first, the lower expert on ties.
void router_forward(Context& ctx, Tensor logits, const Tensor& bias, Tensor experts, Tensor weights,
                    const RouterOptions& options);

// Gradient of a loss over the tokens' probabilities of each expert: a softmax's scores, or sigmoids over their sum.
struct BalanceSlopes {
  Tensor slopes;   // (S,E) f32: of each sequence's tokens; (1,E): of all; empty = none
  Tensor offsets;  // (S+1) i32; not read where there is one row
};

// scores as forward left them; dweights (N,k) f32 -> scores are overwritten by the gradient of the logits (N,E).
void router_backward(Context& ctx, Tensor scores, const Tensor& experts, const Tensor& dweights,
                     const RouterOptions& options, const BalanceSlopes& balance = {});

// Of each sequence, overwritten: choices (S,E) f32, how many of its tokens have the expert among their k best, and
// probability (S,E) f32, the sum of its tokens' probabilities. The k best are those of `experts`; with sigmoids, those
// by the score alone, without bias and groups (DeepSeek-V3, arXiv 2412.19437, equation 18).
void router_load(Context& ctx, const Tensor& scores, const Tensor& experts, const Tensor& offsets, Tensor choices,
                 Tensor probability, const RouterOptions& options);

}  // namespace anneal
