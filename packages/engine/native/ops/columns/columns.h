// Copies of columns between matrices, for projections that one linear computes side by side and for heads put together
// from parts.
#pragma once
#include "ops/context.h"

namespace anneal {

// y[:, y_first .. + count) = x[:, x_first .. + count). x (N, X), y (N, Y): f32|bf16, dtypes free.
void copy_columns(Context& ctx, const Tensor& x, int64_t x_first, Tensor y, int64_t y_first, int64_t count);

// The same inside each of `heads` heads: x holds heads of x_head channels (x_head == 0: one part shared by all heads),
// y of y_head.
void copy_head_columns(Context& ctx, const Tensor& x, int64_t x_head, int64_t x_first, Tensor y, int64_t y_head,
                       int64_t y_first, int64_t count, int64_t heads);

// y (N, count) f32|bf16, overwritten = sum over heads, in order and in f32, of x[:, h * x_head + x_first .. + count):
// backward of a shared part.
void sum_head_columns(Context& ctx, const Tensor& x, int64_t x_head, int64_t x_first, Tensor y, int64_t count,
                      int64_t heads);

}  // namespace anneal
