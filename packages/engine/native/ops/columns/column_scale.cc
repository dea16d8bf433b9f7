#include "ops/columns/column_scale.h"

#include <algorithm>
#include <vector>

#include "cpu/kernel_table.h"
#include "ops/check.h"

namespace anneal {

namespace {

constexpr int64_t kRun = 256;  // elements of one row at a time, widened to f32

// Elements [at, at + n) of t as f32: where they lie, or in `buffer`.
const float* widened(const RowKernels& rows, const Tensor& t, int64_t at, int64_t n, float* buffer) {
  if (t.dtype == DType::kF32) return t.f32() + at;
  rows.move(const_ref(t), at, {buffer, DType::kF32}, 0, n, 1.0f, false);
  return buffer;
}

}  // namespace

void scale_columns(Context& ctx, const Tensor& x, const Tensor& factors, const Tensor& bias, const Tensor& residual,
                   Tensor y) {
  constexpr const char* kOp = "scale_columns";
  const int64_t n = x.rows(), c = x.cols();
  require_float(kOp, "x", x);
  require_float(kOp, "y", y);
  require_matrix(kOp, "y", y, n, c);
  require_elements(kOp, "factors", factors, c);
  if (bias) require_elements(kOp, "bias", bias, c);
  if (bias) require_dtype(kOp, "bias", bias, DType::kF32, "f32");
  if (residual) require_matrix(kOp, "residual", residual, n, c);
  const RowKernels& rows = kernels(ctx.isa).rows;
  parallel_ranges(ctx, n, row_grain(c), [&](int64_t begin, int64_t end) {
    float in[kRun], extra[kRun], out[kRun];
    for (int64_t i = begin; i < end; ++i)
      for (int64_t j = 0; j < c; j += kRun) {
        const int64_t count = std::min(kRun, c - j), at = i * c + j;
        const float* v = widened(rows, x, at, count, in);
        const float* f = factors.f32() + j;
        for (int64_t k = 0; k < count; ++k) out[k] = v[k] * f[k];
        if (bias)
          for (int64_t k = 0; k < count; ++k) out[k] += bias.f32()[j + k];
        if (residual) {
          const float* r = widened(rows, residual, at, count, extra);
          for (int64_t k = 0; k < count; ++k) out[k] += r[k];
        }
        rows.move({out, DType::kF32}, 0, ref(y), at, count, 1.0f, false);
      }
  });
}

void add_column_dots(Context& ctx, const Tensor& dy, const Tensor& x, const Tensor& factors, Tensor out) {
  constexpr const char* kOp = "add_column_dots";
  const int64_t n = x.rows(), c = x.cols();
  require_float(kOp, "x", x);
  require_float(kOp, "dy", dy);
  require_matrix(kOp, "dy", dy, n, c);
  require_dtype(kOp, "out", out, DType::kF32, "f32");
  require_elements(kOp, "factors", factors, c);
  require_elements(kOp, "out", out, c);
  const RowKernels& rows = kernels(ctx.isa).rows;
  parallel_ranges(ctx, c, kRun, [&](int64_t begin, int64_t end) {
    float a[kRun], b[kRun];
    double sums[kRun] = {};
    const int64_t count = end - begin;
    for (int64_t i = 0; i < n; ++i) {
      const float* u = widened(rows, dy, i * c + begin, count, a);
      const float* v = widened(rows, x, i * c + begin, count, b);
      for (int64_t k = 0; k < count; ++k) sums[k] += static_cast<double>(u[k]) * static_cast<double>(v[k]);
    }
    for (int64_t k = 0; k < count; ++k)
      out.f32()[begin + k] += static_cast<float>(sums[k] * static_cast<double>(factors.f32()[begin + k]));
  });
}

void row_squares(Context& ctx, const MatrixView& w, Tensor out) {
  constexpr const char* kOp = "row_squares";
  require_dtype(kOp, "out", out, DType::kF32, "f32");
  require_elements(kOp, "out", out, w.rows);
  const RowKernels& rows = kernels(ctx.isa).rows;
  ctx.pool.parallel_for(w.rows, [&](int64_t i) {
    std::vector<float> row(static_cast<size_t>(w.cols));
    if (w.codec) {
      w.codec->read(static_cast<const std::byte*>(w.data) + i * w.codec->bytes(w.cols), row.data(), w.cols);
    } else {
      rows.move({w.data, w.dtype}, i * (w.row_stride ? w.row_stride : w.cols), {row.data(), DType::kF32}, 0, w.cols,
                1.0f, false);
    }
    out.f32()[i] = static_cast<float>(rows.sum_of_squares(row.data(), w.cols));
  });
}

}  // namespace anneal
