// Casts, sums and row moves. x, y: f32|bf16 (sources also f16) with the same number of elements unless said otherwise.
#pragma once
#include "ops/context.h"

namespace anneal {

void cast(Context& ctx, const Tensor& x, Tensor y);                     // y = x, rounded to y's dtype
void add(Context& ctx, const Tensor& x, Tensor y, float scale = 1.0f);  // y += scale * x
void scale(Context& ctx, Tensor y, float factor);                       // y *= factor
void fill_zero(Context& ctx, Tensor y);
// y (M,V) f32 = cap * tanh(y / cap), cap > 0.
void soft_cap(Context& ctx, Tensor y, float cap);

// y (M,C) = x[rows[i]] ; x (N,C); rows (M) i32 in [0,N). Dtypes free.
void gather_rows(Context& ctx, const Tensor& x, const Tensor& rows, Tensor y);
// y[rows[i]] (N,C) = or += x (M,C); rows must be distinct; rows of y not named are left alone.
void scatter_rows(Context& ctx, const Tensor& x, const Tensor& rows, Tensor y, bool accumulate);
// y (C) f32 += column sums of x (N,C): the gradient of a bias; 64-token blocks in a fixed order.
void add_column_sums(Context& ctx, const Tensor& x, Tensor y);
// True when every element is finite.
bool all_finite(Context& ctx, const Tensor& x);

}  // namespace anneal
