#include "nn/experts/expert_linear.h"

#include <algorithm>

namespace anneal {
namespace {

Tensor row_block(const Tensor& t, int64_t first, int64_t count) {
  const size_t row = dense_bytes(t.dtype, {t.cols()});
  return {static_cast<char*>(t.data) + static_cast<size_t>(first) * row, t.dtype, {count, t.cols()}};
}

// The group's rows of an adapter's low-rank product, in a buffer wide enough for the largest rank.
Tensor low_part(const Tensor& buffer, const ExpertGroup& group, const LowRank& adapter) {
  return {buffer.data, buffer.dtype, {group.count, adapter.config.rank}};
}

}  // namespace

ExpertLinear::ExpertLinear(ParameterSet& p, const std::string& name, int64_t experts, std::vector<std::string> parts,
                           int64_t out, int64_t in)
    : name_(name), parts_(std::move(parts)), out_(out), in_(in) {
  for (int64_t e = 0; e < experts; ++e)
    for (const std::string& part : parts_)
      weights_.push_back(&p.declare(name + "." + std::to_string(e) + "." + part + ".weight", {out, in}));
}

void ExpertLinear::attach_lora(ParameterSet& p, const LoraConfig& config, bool nested, const std::string& adapter) {
  const std::string peft = "base_model.model." + name_ + (nested ? ".base_layer" : "");
  const auto parts = static_cast<int64_t>(parts_.size());
  Parameter* a = declare_low_rank(p, peft, ".lora_A", {experts() * config.rank, in_}, adapter, adapters_.size());
  Parameter* b =
      declare_low_rank(p, peft, ".lora_B", {experts() * parts * out_, config.rank}, adapter, adapters_.size());
  b->experts = experts();
  adapters_.push_back({a, b, config, 0});
}

int64_t ExpertLinear::rank() const { return largest_rank(adapters_); }

bool ExpertLinear::trains() const {
  return !adapters_.empty() ||
         std::any_of(weights_.begin(), weights_.end(), [](const Parameter* w) { return w->trainable; });
}

const LowRank* ExpertLinear::adapter_of(const Pass& pass, const ExpertGroup& group) const {
  return adapters_.empty() || !pass.adapters ? nullptr : &adapters_[static_cast<size_t>(group.adapter)];
}

Tensor ExpertLinear::a_of(const Tensor& a, int64_t rank, int64_t expert) const {
  return row_block(a, expert * rank, rank);
}

Tensor ExpertLinear::b_of(const Tensor& b, int64_t expert, size_t part) const {
  return row_block(b, (expert * static_cast<int64_t>(parts_.size()) + static_cast<int64_t>(part)) * out_, out_);
}

void ExpertLinear::forward(Pass& pass, const ExpertGroup& group, const Tensor& x, const std::vector<Tensor>& y,
                           const Tensor& low) const {
  GemmOptions options;
  options.precision = pass.precision;
  const LowRank* adapter = adapter_of(pass, group);
  if (adapter) {
    GemmOptions down = options;
    down.alpha = adapter->config.scale();
    const Tensor own = low_part(low, group, *adapter);
    gemm_abt(pass.ctx, x, a_of(adapter->a->value, adapter->config.rank, group.expert), own, down);
    options.low_rank_a = own;
  }
  for (size_t part = 0; part < parts_.size() && y[0]; ++part) {
    if (adapter) options.low_rank_b = b_of(adapter->b->value, group.expert, part);
    gemm_abt(pass.ctx, x, weight(group.expert, part).view(), y[part], options);
  }
}

void ExpertLinear::backward_input(Pass& pass, const ExpertGroup& group, const std::vector<Tensor>& dy, Tensor dx,
                                  const Tensor& dlow) const {
  GemmOptions options;
  options.precision = pass.precision;
  const LowRank* adapter = adapter_of(pass, group);
  if (adapter) {
    GemmOptions up = options;
    up.alpha = adapter->config.scale();
    for (size_t part = 0; part < parts_.size(); ++part) {
      up.accumulate = part > 0;
      gemm_ab(pass.ctx, dy[part], b_of(adapter->b->value, group.expert, part), low_part(dlow, group, *adapter), up);
    }
  }
  if (!dx) return;
  for (size_t part = 0; part < parts_.size(); ++part) {
    options.accumulate = part > 0;
    const bool last = part + 1 == parts_.size();
    if (adapter && last) {
      options.low_rank_a = low_part(dlow, group, *adapter);
      options.low_rank_b = a_of(adapter->a->value, adapter->config.rank, group.expert);
    }
    gemm_ab(pass.ctx, dy[part], weight(group.expert, part).view(), dx, options);
  }
}

void ExpertLinear::backward_parameters(Pass& pass, const ExpertGroup& group, const Tensor& x,
                                       const std::vector<Tensor>& dy, const Tensor& low, const Tensor& dlow) const {
  GemmOptions options;
  options.precision = pass.precision;
  options.accumulate = true;
  for (size_t part = 0; part < parts_.size(); ++part) {
    const Parameter& w = weight(group.expert, part);
    if (w.trainable) gemm_atb(pass.ctx, dy[part], x, w.grad, options);
  }
  const LowRank* adapter = adapter_of(pass, group);
  if (!adapter) return;
  for (size_t part = 0; part < parts_.size(); ++part)
    gemm_atb(pass.ctx, dy[part], low_part(low, group, *adapter), b_of(adapter->b->grad, group.expert, part), options);
  gemm_atb(pass.ctx, low_part(dlow, group, *adapter), x, a_of(adapter->a->grad, adapter->config.rank, group.expert),
           options);
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
