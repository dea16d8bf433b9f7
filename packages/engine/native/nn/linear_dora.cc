#include <algorithm>
#include <cmath>

#include "nn/linear.h"
#include "ops/columns/column_scale.h"
#include "ops/elementwise.h"

namespace anneal {

Tensor Linear::wide_part(const Tensor& saved, int64_t n) const {
  const int64_t bytes = saved.dtype == DType::kF32 ? 4 : 2;
  return {static_cast<std::byte*>(saved.data) + n * rank() * bytes, saved.dtype, {n, out()}};
}

void Linear::forward_dora(Pass& pass, const Tensor& x, Tensor y, const Tensor& residual, const Tensor& saved) const {
  const int64_t n = x.rows();
  const Tensor inner = wide_part(saved, n);
  GemmOptions options;
  options.precision = pass.precision;
  options.low_rank_a = low_part(saved, {0, 0, n});
  options.low_rank_b = adapters_[0].b->value;
  gemm_abt(pass.ctx, x, weight_->view(), inner, options);
  if (y) scale_columns(pass.ctx, inner, factors(), bias_ ? bias_->value : Tensor{}, residual, y);
}

void Linear::start_dora(Context& ctx, bool fresh) {
  weight_squares_.resize(static_cast<size_t>(out()));
  factors_.resize(weight_squares_.size());
  inverse_norms_.resize(weight_squares_.size());
  row_squares(ctx, weight_->view(), Tensor{weight_squares_.data(), DType::kF32, {out()}});
  if (fresh)
    for (size_t j = 0; j < weight_squares_.size(); ++j) magnitude_->value.f32()[j] = std::sqrt(weight_squares_[j]);
  refresh_dora(ctx);
}

// |w_j + s b_j A|^2 = |w_j|^2 + 2 s b_j . (A w_j) + s^2 b_j (A A^T) b_j^T: two thin products instead of the merged
// matrix.
void Linear::refresh_dora(Context& ctx) {
  const LowRank& adapter = adapters_[0];
  const int64_t r = adapter.config.rank, columns = out();
  const double s = static_cast<double>(adapter.config.scale());
  ArenaScope scope(ctx.scratch);
  const Tensor aw = ctx.scratch.tensor(DType::kF32, {r, columns}), aa = ctx.scratch.tensor(DType::kF32, {r, r});
  gemm_abt(ctx, adapter.a->value, weight_->view(), aw);
  gemm_abt(ctx, adapter.a->value, adapter.a->value, aa);
  std::vector<float> b(static_cast<size_t>(columns * r));
  Tensor wide{b.data(), DType::kF32, {columns, r}};
  cast(ctx, adapter.b->value, wide);
  ctx.pool.parallel_for(columns, [&](int64_t j) {
    const float* row = b.data() + j * r;
    double square = static_cast<double>(weight_squares_[static_cast<size_t>(j)]);
    for (int64_t i = 0; i < r; ++i) {
      double through = 0;
      for (int64_t k = 0; k < r; ++k) through += static_cast<double>(row[k]) * static_cast<double>(aa.f32()[i * r + k]);
      square +=
          static_cast<double>(row[i]) * (2 * s * static_cast<double>(aw.f32()[i * columns + j]) + s * s * through);
    }
    const double norm = std::sqrt(std::max(square, 1e-30));
    inverse_norms_[static_cast<size_t>(j)] = static_cast<float>(1 / norm);
    factors_[static_cast<size_t>(j)] = static_cast<float>(static_cast<double>(magnitude_->value.f32()[j]) / norm);
  });
}

size_t Linear::dora_scratch_bytes(const Context& ctx) const {
  if (!magnitude_) return 0;
  const int64_t r = rank();
  return static_cast<size_t>(r * (out() + r)) * 4 + 2 * kAlignment +
         std::max(gemm_scratch_bytes(ctx, GemmPrecision::kF32, r, out(), in()),
                  gemm_scratch_bytes(ctx, GemmPrecision::kF32, r, r, in()));
}

}  // namespace anneal
