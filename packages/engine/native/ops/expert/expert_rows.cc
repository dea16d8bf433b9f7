#include "ops/expert/expert_rows.h"

#include <vector>

#include "cpu/kernel_table.h"
#include "ops/check.h"

namespace anneal {
namespace {

void require_pairs(const char* op, const Tensor& pairs, int64_t limit) {
  require_dtype(op, "pairs", pairs, DType::kI32, "i32");
  for (int64_t i = 0; i < pairs.shape.elements(); ++i)
    require(pairs.as<int32_t>()[i] >= 0 && pairs.as<int32_t>()[i] < limit, ErrorCode::kInvalidArgument, "pair_outside",
            op, "pair {pair} is outside [0, {limit})", {{"pair", pairs.as<int32_t>()[i]}, {"limit", limit}});
}

}  // namespace

void scale_expert_rows(Context& ctx, Tensor x, const Tensor& weights, const Tensor& pairs) {
  require_float("scale_expert_rows", "x", x);
  require_dtype("scale_expert_rows", "weights", weights, DType::kF32, "f32");
  require_elements("scale_expert_rows", "pairs", pairs, x.rows());
  require_pairs("scale_expert_rows", pairs, weights.shape.elements());
  const auto move = kernels(ctx.isa).rows.move;
  const int64_t n = x.cols();
  parallel_ranges(ctx, x.rows(), row_grain(n), [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p)
      move(const_ref(x), p * n, ref(x), p * n, n, weights.f32()[pairs.as<int32_t>()[p]], false);
  });
}

void scale_expert_rows_backward(Context& ctx, Tensor h, Tensor dh, const Tensor& weights, const Tensor& pairs,
                                int64_t first, Tensor dweights) {
  constexpr const char* kOp = "scale_expert_rows_backward";
  require_float(kOp, "h", h);
  require_float(kOp, "dh", dh);
  require_matrix(kOp, "dh", dh, h.rows(), h.cols());
  require_dtype(kOp, "weights", weights, DType::kF32, "f32");
  require_dtype(kOp, "dweights", dweights, DType::kF32, "f32");
  require_elements(kOp, "dweights", dweights, weights.shape.elements());
  require(first >= 0 && first + h.rows() <= pairs.shape.elements(), ErrorCode::kShape, "too_few_pairs", kOp,
          "pairs hold fewer rows");
  require_pairs(kOp, pairs, weights.shape.elements());
  const auto move = kernels(ctx.isa).rows.move;
  const int64_t n = h.cols();
  parallel_ranges(ctx, h.rows(), row_grain(n), [&](int64_t begin, int64_t end) {
    std::vector<float> a(static_cast<size_t>(n)), b(static_cast<size_t>(n));
    const Tensor fa{a.data(), DType::kF32, {n}}, fb{b.data(), DType::kF32, {n}};
    for (int64_t p = begin; p < end; ++p) {
      const int32_t pair = pairs.as<int32_t>()[first + p];
      const float weight = weights.f32()[pair];
      move(const_ref(h), p * n, ref(fa), 0, n, 1.0f, false);
      move(const_ref(dh), p * n, ref(fb), 0, n, 1.0f, false);
      double dot = 0.0;
      for (int64_t c = 0; c < n; ++c)
        dot += static_cast<double>(a[static_cast<size_t>(c)]) * static_cast<double>(b[static_cast<size_t>(c)]);
      dweights.f32()[pair] = static_cast<float>(dot);
      move(const_ref(h), p * n, ref(h), p * n, n, weight, false);
      move(const_ref(dh), p * n, ref(dh), p * n, n, weight, false);
    }
  });
}

void add_expert_rows(Context& ctx, const Tensor& x, const Tensor& positions, Tensor y) {
  require_float("add_expert_rows", "x", x);
  require_float("add_expert_rows", "y", y);
  require(x.cols() == y.cols() && positions.rows() == y.rows(), ErrorCode::kShape, "expert_rows_shape",
          "add_expert_rows", "x {x}, positions {positions} and y {y} do not fit",
          {{"x", x.shape.to_string()}, {"positions", positions.shape.to_string()}, {"y", y.shape.to_string()}});
  require_pairs("add_expert_rows", positions, x.rows());
  const auto move = kernels(ctx.isa).rows.move;
  const int64_t n = x.cols(), k = positions.cols();
  parallel_ranges(ctx, y.rows(), row_grain(n * k), [&](int64_t begin, int64_t end) {
    std::vector<float> sum(static_cast<size_t>(n));
    const Tensor sums{sum.data(), DType::kF32, {n}};
    for (int64_t t = begin; t < end; ++t) {
      for (int64_t j = 0; j < k; ++j)
        move(const_ref(x), positions.as<int32_t>()[t * k + j] * n, ref(sums), 0, n, 1.0f, j > 0);
      move(const_ref(sums), 0, ref(y), t * n, n, 1.0f, true);
    }
  });
}

}  // namespace anneal
