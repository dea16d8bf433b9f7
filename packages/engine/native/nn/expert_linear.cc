#include "nn/expert_linear.h"

#include <algorithm>

namespace anneal {
namespace {

Tensor row_block(const Tensor& t, int64_t first, int64_t count) {
  const size_t row = dense_bytes(t.dtype, {t.cols()});
  return {static_cast<char*>(t.data) + static_cast<size_t>(first) * row, t.dtype, {count, t.cols()}};
}

}  // namespace

ExpertLinear::ExpertLinear(ParameterSet& p, const std::string& name, int64_t experts, std::vector<std::string> parts, int64_t out,
                           int64_t in)
    : name_(name), parts_(std::move(parts)), out_(out), in_(in) {
  for (int64_t e = 0; e < experts; ++e)
    for (const std::string& part : parts_)
      weights_.push_back(&p.declare(name + "." + std::to_string(e) + "." + part + ".weight", {out, in}));
}

void ExpertLinear::attach_lora(ParameterSet& p, const LoraConfig& config, uint32_t id, bool nested) {
  const std::string peft = "base_model.model." + name_ + (nested ? ".base_layer" : "");
  const auto parts = static_cast<int64_t>(parts_.size());
  lora_ = config;
  id_ = id;
  lora_a_ = &p.declare(peft + ".lora_A.weight", {experts() * config.rank, in_}, true);
  lora_b_ = &p.declare(peft + ".lora_B.weight", {experts() * parts * out_, config.rank}, true);
  lora_a_->trainable = lora_b_->trainable = true;
  lora_b_->experts = experts();
}

bool ExpertLinear::trains() const {
  return lora_a_ || std::any_of(weights_.begin(), weights_.end(), [](const Parameter* w) { return w->trainable; });
}

Tensor ExpertLinear::a_of(const Tensor& a, int64_t expert) const { return row_block(a, expert * lora_.rank, lora_.rank); }

Tensor ExpertLinear::b_of(const Tensor& b, int64_t expert, size_t part) const {
  return row_block(b, (expert * static_cast<int64_t>(parts_.size()) + static_cast<int64_t>(part)) * out_, out_);
}

void ExpertLinear::forward(Pass& pass, int64_t expert, const Tensor& x, const std::vector<Tensor>& y, Tensor low) const {
  GemmOptions options;
  options.precision = pass.precision;
  const bool adapted = lora_a_ && pass.adapters;
  if (adapted) {
    GemmOptions down = options;
    down.alpha = lora_.scale();
    gemm_abt(pass.ctx, x, a_of(lora_a_->value, expert), low, down);
    options.low_rank_a = low;
  }
  for (size_t part = 0; part < parts_.size() && y[0]; ++part) {
    if (adapted) options.low_rank_b = b_of(lora_b_->value, expert, part);
    gemm_abt(pass.ctx, x, weight(expert, part).view(), y[part], options);
  }
}

void ExpertLinear::backward_input(Pass& pass, int64_t expert, const std::vector<Tensor>& dy, Tensor dx, Tensor dlow) const {
  GemmOptions options;
  options.precision = pass.precision;
  const bool adapted = lora_a_ && pass.adapters;
  if (adapted) {
    GemmOptions up = options;
    up.alpha = lora_.scale();
    for (size_t part = 0; part < parts_.size(); ++part) {
      up.accumulate = part > 0;
      gemm_ab(pass.ctx, dy[part], b_of(lora_b_->value, expert, part), dlow, up);
    }
  }
  if (!dx) return;
  for (size_t part = 0; part < parts_.size(); ++part) {
    options.accumulate = part > 0;
    const bool last = part + 1 == parts_.size();
    if (adapted && last) {
      options.low_rank_a = dlow;
      options.low_rank_b = a_of(lora_a_->value, expert);
    }
    gemm_ab(pass.ctx, dy[part], weight(expert, part).view(), dx, options);
  }
}

void ExpertLinear::backward_parameters(Pass& pass, int64_t expert, const Tensor& x, const std::vector<Tensor>& dy,
                                       const Tensor& low, const Tensor& dlow) const {
  GemmOptions options;
  options.precision = pass.precision;
  options.accumulate = true;
  for (size_t part = 0; part < parts_.size(); ++part) {
    const Parameter& w = weight(expert, part);
    if (w.trainable) gemm_atb(pass.ctx, dy[part], x, w.grad, options);
  }
  if (!lora_a_ || !pass.adapters) return;
  for (size_t part = 0; part < parts_.size(); ++part)
    gemm_atb(pass.ctx, dy[part], low, b_of(lora_b_->grad, expert, part), options);
  gemm_atb(pass.ctx, dlow, x, a_of(lora_a_->grad, expert), options);
}

size_t ExpertLinear::scratch_bytes(const Context& ctx, GemmPrecision precision, int64_t tokens, bool train) const {
  const int64_t rank = std::max<int64_t>(this->rank(), 1);
  size_t most = gemm_scratch_bytes(ctx, precision, tokens, out_, in_, this->rank());
  most = std::max(most, gemm_scratch_bytes(ctx, precision, tokens, rank, in_));
  if (!train) return most;
  most = std::max(most, gemm_scratch_bytes(ctx, precision, tokens, in_, out_, this->rank()));
  most = std::max(most, gemm_scratch_bytes(ctx, precision, tokens, rank, out_));
  most = std::max(most, gemm_scratch_bytes(ctx, precision, out_, rank, tokens));
  most = std::max(most, gemm_scratch_bytes(ctx, precision, rank, in_, tokens));
  return std::max(most, gemm_scratch_bytes(ctx, precision, out_, in_, tokens));
}

}  // namespace anneal
