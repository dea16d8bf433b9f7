// Scaling of columns, and what its backward needs: DoRA's magnitudes.
#pragma once
#include "ops/gemm/gemm.h"

namespace anneal {

// y (N,C) f32|bf16 = x (N,C) f32|bf16 * factors (C) f32 + bias (C) f32 + residual (N,C) f32|bf16; bias and residual may
// be empty.
void scale_columns(Context& ctx, const Tensor& x, const Tensor& factors, const Tensor& bias, const Tensor& residual,
                   Tensor y);

// out (C) f32 += factors (C) * column sums of dy * x, both (N,C) f32|bf16; f64 sums in the order of rows.
void add_column_dots(Context& ctx, const Tensor& dy, const Tensor& x, const Tensor& factors, Tensor out);

// out (R) f32 = sum of squares of each row of w (R,C), of any type a product reads.
void row_squares(Context& ctx, const MatrixView& w, Tensor out);

}  // namespace anneal
