// Rows of tokens sorted by expert: weighting them, and bringing them back to their tokens. P = N * k rows.
#pragma once
#include "ops/context.h"

namespace anneal {

// x (P,C) f32|bf16 *= weights[pairs[p]]: row p belongs to pair pairs[p] of (token, choice); weights (N,k) f32, pairs
// (P) i32.
void scale_expert_rows(Context& ctx, Tensor x, const Tensor& weights, const Tensor& pairs);

// Backward of h * weight, for rows [first, first + rows) of the sorted order: h (rows,C) as it was before weighting, dh
// (rows,C). dweights[pair] = dh . h (f32, overwritten); dh *= weight; h *= weight (so that it is what the next product
// read).
void scale_expert_rows_backward(Context& ctx, Tensor h, Tensor dh, const Tensor& weights, const Tensor& pairs,
                                int64_t first, Tensor dweights);

// y (N,C) f32|bf16 += the sum of x (P,C) rows positions[t, 0..k), in that order and in f32.
void add_expert_rows(Context& ctx, const Tensor& x, const Tensor& positions, Tensor y);

}  // namespace anneal
