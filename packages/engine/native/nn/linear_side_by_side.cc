// Adapters trained side by side: the base's product runs once over all tokens, each adapter's over its own.
#include <algorithm>

#include "nn/linear.h"
#include "ops/dropout.h"

namespace anneal {

Tensor Linear::low_part(const Tensor& saved, const AdapterSegment& s) const {
  const int64_t bytes = saved.dtype == DType::kF32 ? 4 : 2;
  return {static_cast<std::byte*>(saved.data) + s.begin * rank() * bytes,
          saved.dtype,
          {s.end - s.begin, adapters_[static_cast<size_t>(s.adapter)].config.rank}};
}

void Linear::forward_low(Pass& pass, const AdapterSegment& s, const Tensor& x, const Tensor& low,
                         const Tensor& dropped) const {
  const LowRank& adapter = adapters_[static_cast<size_t>(s.adapter)];
  Tensor source = token_rows(x, s);
  if (dropout_active(pass)) {
    source = input_part(dropped, s.end - s.begin);
    dropout(pass.ctx, token_rows(x, s), source, adapter.config.dropout, stream(pass, adapter));
  }
  GemmOptions options;
  options.precision = pass.precision;
  options.alpha = adapter.config.scale();
  gemm_abt(pass.ctx, source, adapter.a->value, low_part(low, s), options);
}

// The base's sums stay f32 until an adapter's are added: the same sums in the same order as with one adapter.
void Linear::forward_side_by_side(Pass& pass, const std::vector<AdapterSegment>& all, const Tensor& x, Tensor y,
                                  const Tensor& residual, const Tensor& low) const {
  ArenaScope scope(pass.ctx.scratch);
  const Tensor sums = y.dtype == DType::kF32 ? y : pass.ctx.scratch.tensor(DType::kF32, {x.rows(), out()});
  GemmOptions base;
  base.precision = pass.precision;
  gemm_abt(pass.ctx, x, weight_->view(), sums, base);
  for (const AdapterSegment& s : all) {
    GemmOptions options;
    options.precision = pass.precision;
    options.start = token_rows(sums, s);
    if (bias_) options.bias = bias_->value;
    if (residual) options.residual = token_rows(residual, s);
    gemm_abt(pass.ctx, low_part(low, s), adapters_[static_cast<size_t>(s.adapter)].b->value, token_rows(y, s), options);
  }
}

void Linear::backward_side_by_side(Pass& pass, const std::vector<AdapterSegment>& all, const Tensor& dy, Tensor dx,
                                   bool accumulate_dx, const Tensor& dlow, const Tensor& dropped) const {
  for (const AdapterSegment& s : all) {
    const LowRank& adapter = adapters_[static_cast<size_t>(s.adapter)];
    GemmOptions low;
    low.precision = pass.precision;
    low.alpha = adapter.config.scale();
    gemm_ab(pass.ctx, token_rows(dy, s), adapter.b->value, low_part(dlow, s), low);
  }
  if (!dx) return;
  GemmOptions base;
  base.precision = pass.precision;
  base.accumulate = accumulate_dx;
  if (dropout_active(pass)) {
    gemm_ab(pass.ctx, dy, weight_->view(), dx, base);
    for (const AdapterSegment& s : all) backward_through_dropout(pass, s, dlow, dx, dropped);
    return;
  }
  ArenaScope scope(pass.ctx.scratch);
  Tensor sums = dx;
  if (dx.dtype != DType::kF32) {
    sums = pass.ctx.scratch.tensor(DType::kF32, {dx.rows(), in()});
    base.accumulate = false;
    if (accumulate_dx) base.start = dx;
  }
  gemm_ab(pass.ctx, dy, weight_->view(), sums, base);
  for (const AdapterSegment& s : all) {
    GemmOptions options;
    options.precision = pass.precision;
    options.start = token_rows(sums, s);
    gemm_ab(pass.ctx, low_part(dlow, s), adapters_[static_cast<size_t>(s.adapter)].a->value, token_rows(dx, s),
            options);
  }
}

void Linear::backward_through_dropout(Pass& pass, const AdapterSegment& s, const Tensor& dlow, Tensor dx,
                                      const Tensor& dropped) const {
  const LowRank& adapter = adapters_[static_cast<size_t>(s.adapter)];
  GemmOptions options;
  options.precision = pass.precision;
  const Tensor dsource = input_part(dropped, s.end - s.begin);
  gemm_ab(pass.ctx, low_part(dlow, s), adapter.a->value, dsource, options);
  dropout(pass.ctx, dsource, token_rows(dx, s), adapter.config.dropout, stream(pass, adapter), true);
}

size_t Linear::side_by_side_bytes(int64_t tokens) const {
  return adapters_.size() > 1 ? static_cast<size_t>(tokens * std::max(in(), out()) * 4) + kAlignment : 0;
}

}  // namespace anneal
