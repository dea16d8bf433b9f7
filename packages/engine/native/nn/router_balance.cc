#include "nn/router_balance.h"

#include <algorithm>

namespace anneal {

void RouterBalance::begin(int64_t tokens, int64_t sequences, double loss_scale) {
  tokens_ = static_cast<double>(tokens);
  sequences_ = static_cast<double>(sequences);
  loss_scale_ = loss_scale;
  collecting_ = kept_ = false;
  const auto e = static_cast<size_t>(config_.experts);
  choices_.assign(e, 0.0);
  probability_.assign(e, 0.0);
  load_.assign(static_cast<size_t>(config_.layers) * e, 0.0);
  slopes_.assign(e, 0.0f);
  by_sequence_ = 0;
}

void RouterBalance::keep_choices() {
  const std::vector<double> choices = choices_;
  begin(static_cast<int64_t>(tokens_), static_cast<int64_t>(sequences_), loss_scale_);
  choices_ = choices;
  kept_ = true;
}

void RouterBalance::observe(Context& ctx, int64_t layer, const Tensor& scores, const Tensor& experts, const Tensor& offsets,
                            const RouterOptions& options) {
  if (!collecting_) return;
  double* load = load_.data() + layer * config_.experts;
  for (int64_t i = 0; i < experts.shape.elements(); ++i) load[experts.as<int32_t>()[i]] += 1.0;
  const ArenaScope scope(ctx.scratch);
  const int64_t sequences = offsets.shape[0] - 1, e = config_.experts;
  const Tensor choices = ctx.scratch.tensor(DType::kF32, {sequences, e}), probability = ctx.scratch.tensor(DType::kF32, {sequences, e});
  router_load(ctx, scores, experts, offsets, choices, probability, options);
  for (int64_t s = 0; s < sequences; ++s) {
    const double length = offsets.as<int32_t>()[s + 1] - offsets.as<int32_t>()[s];
    double sum = 0;
    for (int64_t i = 0; i < e; ++i) {
      const auto count = static_cast<double>(choices.f32()[s * e + i]), p = static_cast<double>(probability.f32()[s * e + i]);
      if (!kept_) choices_[static_cast<size_t>(i)] += count;
      probability_[static_cast<size_t>(i)] += p;
      sum += count * p;
    }
    by_sequence_ += static_cast<double>(e) / static_cast<double>(config_.top_k) * sum / (length * length);
  }
}

BalanceSlopes RouterBalance::slopes(Context& ctx, const Tensor& scores, const Tensor& experts, const Tensor& offsets,
                                    const RouterOptions& options) {
  const int64_t e = config_.experts;
  const double factor = config_.weight * loss_scale_ * static_cast<double>(e);
  if (!config_.by_sequence) {
    const double all = tokens_ * static_cast<double>(config_.sparse_layers);
    for (size_t i = 0; i < slopes_.size(); ++i) slopes_[i] = static_cast<float>(factor * choices_[i] / (all * all));
    return {{slopes_.data(), DType::kF32, {1, e}}, {}};
  }
  const int64_t sequences = offsets.shape[0] - 1;
  Tensor slopes = ctx.scratch.tensor(DType::kF32, {sequences, e});  // first the choices
  router_load(ctx, scores, experts, offsets, slopes, ctx.scratch.tensor(DType::kF32, {sequences, e}), options);
  for (int64_t s = 0; s < sequences; ++s) {
    const double length = offsets.as<int32_t>()[s + 1] - offsets.as<int32_t>()[s];
    const double of_sequence = factor / (static_cast<double>(config_.top_k) * length * length * sequences_);
    for (int64_t i = s * e; i < (s + 1) * e; ++i) slopes.f32()[i] = static_cast<float>(of_sequence * static_cast<double>(slopes.f32()[i]));
  }
  return {slopes, offsets};
}

double RouterBalance::loss() const {
  if (config_.by_sequence) return by_sequence_ / sequences_;
  const double all = tokens_ * static_cast<double>(config_.sparse_layers);
  double sum = 0;
  for (size_t i = 0; i < choices_.size(); ++i) sum += choices_[i] * probability_[i];
  return static_cast<double>(config_.experts) * sum / (all * all);
}

double RouterBalance::extreme_load(bool most) const {
  double sum = 0;
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    const auto begin = load_.begin() + layer * config_.experts, end = begin + config_.experts;
    const double share = most ? *std::max_element(begin, end) : *std::min_element(begin, end);
    sum += share * static_cast<double>(config_.experts) / (tokens_ * static_cast<double>(config_.top_k));
  }
  return sum / static_cast<double>(config_.sparse_layers);
}

}  // namespace anneal
