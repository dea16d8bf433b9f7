#include "nn/linear.h"

#include <algorithm>
#include <cmath>

#include "ops/columns/column_scale.h"
#include "ops/dropout.h"
#include "ops/elementwise.h"

namespace anneal {

float LoraConfig::scale() const {
  return static_cast<float>(alpha / (rslora ? std::sqrt(static_cast<double>(rank)) : static_cast<double>(rank)));
}

Parameter* declare_low_rank(ParameterSet& parameters, const std::string& module, const std::string& side,
                            const Shape& shape, const std::string& adapter, size_t index) {
  Parameter& p = parameters.declare(module + side + (adapter.empty() ? "" : "." + adapter) + ".weight", shape, true);
  p.trainable = true;
  p.adapter_index = static_cast<int>(index);
  if (!adapter.empty()) p.file_name = module + side + ".weight";
  return &p;
}

int64_t largest_rank(const std::vector<LowRank>& adapters) {
  int64_t largest = 0;
  for (const LowRank& l : adapters) largest = std::max(largest, l.config.rank);
  return largest;
}

Linear::Linear(ParameterSet& parameters, const std::string& name, int64_t out, int64_t in, bool bias) : name_(name) {
  weight_ = &parameters.declare(name + ".weight", {out, in});
  if (bias) bias_ = &parameters.declare(name + ".bias", {out});
}

void Linear::attach_lora(ParameterSet& parameters, const LoraConfig& config, uint32_t id, uint64_t seed,
                         const std::string& adapter) {
  const std::string peft = "base_model.model." + name_;
  id_ = id;
  Parameter* a = declare_low_rank(parameters, peft, ".lora_A", {config.rank, in()}, adapter, adapters_.size());
  Parameter* b = declare_low_rank(parameters, peft, ".lora_B", {out(), config.rank}, adapter, adapters_.size());
  adapters_.push_back({a, b, config, seed});
  if (!config.dora) return;
  magnitude_ = &parameters.declare(peft + ".lora_magnitude_vector", {out()}, true);
  magnitude_->trainable = true;
}

int64_t Linear::rank() const { return largest_rank(adapters_); }

RandomStream Linear::stream(const Pass& pass, const LowRank& adapter) const {
  return {adapter.seed, pass.step, (pass.micro_batch << 16) | (id_ & 0xffffu)};
}

std::vector<AdapterSegment> Linear::segments(const Pass& pass, int64_t n) const {
  if (adapters_.empty() || !pass.adapters) return {};
  if (pass.segments.empty()) return {{pass.adapter, 0, n}};
  return pass.segments;
}

void Linear::forward(Pass& pass, const Tensor& x, Tensor y, const Tensor& residual, Tensor low, Tensor dropped) const {
  const std::vector<AdapterSegment> all = segments(pass, x.rows());
  for (const AdapterSegment& s : all) forward_low(pass, s, x, low, dropped);
  if (magnitude_ && !all.empty()) return forward_dora(pass, x, y, residual, low);
  if (!y) return;
  if (all.size() > 1) return forward_side_by_side(pass, all, x, y, residual, low);
  GemmOptions options;
  options.precision = pass.precision;
  options.residual = residual;
  if (bias_) options.bias = bias_->value;
  for (const AdapterSegment& s : all) {
    options.low_rank_a = low_part(low, s);
    options.low_rank_b = adapters_[static_cast<size_t>(s.adapter)].b->value;
  }
  gemm_abt(pass.ctx, x, weight_->view(), y, options);
}

void Linear::backward_input(Pass& pass, const Tensor& dy, Tensor dx, bool accumulate_dx, Tensor saved,
                            Tensor dropped) const {
  const std::vector<AdapterSegment> all = segments(pass, dy.rows());
  if (all.size() > 1) return backward_side_by_side(pass, all, dy, dx, accumulate_dx, saved, dropped);
  GemmOptions options;
  options.precision = pass.precision;
  options.accumulate = accumulate_dx;
  Tensor inner = dy;
  if (!all.empty()) {
    if (magnitude_) {
      inner = wide_part(saved, dy.rows());
      scale_columns(pass.ctx, dy, factors(), {}, {}, inner);
    }
    const LowRank& adapter = adapters_[static_cast<size_t>(all[0].adapter)];
    GemmOptions low;
    low.precision = pass.precision;
    low.alpha = adapter.config.scale();
    gemm_ab(pass.ctx, inner, adapter.b->value, low_part(saved, all[0]), low);
    if (!dropout_active(pass)) {
      options.low_rank_a = low_part(saved, all[0]);
      options.low_rank_b = adapter.a->value;
    }
  }
  if (!dx) return;
  gemm_ab(pass.ctx, inner, weight_->view(), dx, options);
  if (!all.empty() && dropout_active(pass)) backward_through_dropout(pass, all[0], saved, dx, dropped);
}

void Linear::backward_parameters(Pass& pass, const Tensor& x, const Tensor& dy, const Tensor& saved,
                                 const Tensor& dsaved, Tensor dropped) const {
  GemmOptions options;
  options.precision = pass.precision;
  options.accumulate = true;
  if (weight_->trainable) gemm_atb(pass.ctx, dy, x, weight_->grad, options);
  if (bias_ && bias_->trainable) add_column_sums(pass.ctx, dy, bias_->grad);
  const int64_t n = dy.rows();
  for (const AdapterSegment& s : segments(pass, n)) {
    const LowRank& adapter = adapters_[static_cast<size_t>(s.adapter)];
    if (magnitude_) add_column_dots(pass.ctx, dy, wide_part(saved, n), inverse_norms(), magnitude_->grad);
    gemm_atb(pass.ctx, magnitude_ ? wide_part(dsaved, n) : token_rows(dy, s), low_part(saved, s), adapter.b->grad,
             options);
    Tensor source = token_rows(x, s);
    if (dropout_active(pass)) {
      source = input_part(dropped, s.end - s.begin);
      dropout(pass.ctx, token_rows(x, s), source, adapter.config.dropout, stream(pass, adapter));
    }
    gemm_atb(pass.ctx, low_part(dsaved, s), source, adapter.a->grad, options);
  }
}

}  // namespace anneal
