#include "nn/experts/router_balance.h"

#include <algorithm>

namespace anneal {

void RouterBalance::begin(const std::vector<BalanceShare>& shares, double loss_scale) {
  shares_ = shares;
  loss_scale_ = loss_scale;
  collecting_ = kept_ = false;
  parts_.clear();
  const auto e = static_cast<size_t>(config_.experts);
  for (const BalanceShare& share : shares) {
    Part part;
    part.tokens = static_cast<double>(share.tokens);
    part.sequences = static_cast<double>(share.sequences);
    part.choices.assign(e, 0.0);
    part.probability.assign(e, 0.0);
    part.load.assign(static_cast<size_t>(config_.layers) * e, 0.0);
    parts_.push_back(std::move(part));
  }
}

void RouterBalance::keep_choices() {
  std::vector<Part> seen = std::move(parts_);
  const std::vector<BalanceShare> shares = shares_;
  begin(shares, loss_scale_);
  for (size_t k = 0; k < parts_.size(); ++k) parts_[k].choices = std::move(seen[k].choices);
  kept_ = true;
}

std::vector<size_t> RouterBalance::owners(const Pass& pass) {
  std::vector<size_t> all;
  size_t segment = 0;
  for (int64_t s = 0; s + 1 < pass.offsets.shape[0]; ++s) {
    if (pass.segments.empty()) {
      all.push_back(static_cast<size_t>(pass.adapter));
      continue;
    }
    while (pass.offsets.as<int32_t>()[s] >= pass.segments[segment].end) ++segment;
    all.push_back(static_cast<size_t>(pass.segments[segment].adapter));
  }
  return all;
}

void RouterBalance::observe(const Pass& pass, int64_t layer, const Tensor& scores, const Tensor& experts,
                            const RouterOptions& options) {
  if (!collecting_) return;
  const ArenaScope scope(pass.ctx.scratch);
  const std::vector<size_t> owner = owners(pass);
  const int64_t sequences = pass.offsets.shape[0] - 1, e = config_.experts, k = experts.cols();
  const Tensor choices = pass.ctx.scratch.tensor(DType::kF32, {sequences, e});
  const Tensor probability = pass.ctx.scratch.tensor(DType::kF32, {sequences, e});
  router_load(pass.ctx, scores, experts, pass.offsets, choices, probability, options);
  for (int64_t s = 0; s < sequences; ++s) {
    Part& part = parts_[owner[static_cast<size_t>(s)]];
    const int64_t begin = pass.offsets.as<int32_t>()[s], end = pass.offsets.as<int32_t>()[s + 1];
    double* load = part.load.data() + layer * e;
    for (int64_t i = begin * k; i < end * k; ++i) load[experts.as<int32_t>()[i]] += 1.0;
    const auto length = static_cast<double>(end - begin);
    double sum = 0;
    for (int64_t i = 0; i < e; ++i) {
      const auto count = static_cast<double>(choices.f32()[s * e + i]),
                 p = static_cast<double>(probability.f32()[s * e + i]);
      if (!kept_) part.choices[static_cast<size_t>(i)] += count;
      part.probability[static_cast<size_t>(i)] += p;
      sum += count * p;
    }
    part.by_sequence += static_cast<double>(e) / static_cast<double>(config_.top_k) * sum / (length * length);
  }
}

BalanceSlopes RouterBalance::slopes(const Pass& pass, const Tensor& scores, const Tensor& experts,
                                    const RouterOptions& options) {
  const int64_t e = config_.experts;
  const double factor = config_.weight * loss_scale_ * static_cast<double>(e);
  if (!config_.by_sequence) {
    std::vector<AdapterSegment> segments = pass.segments;
    if (segments.empty()) segments.push_back({pass.adapter, 0, pass.tokens});
    slopes_.clear();
    bounds_.assign(1, 0);
    for (const AdapterSegment& segment : segments) {
      const Part& part = parts_[static_cast<size_t>(segment.adapter)];
      const double all = part.tokens * static_cast<double>(config_.sparse_layers);
      for (const double choices : part.choices) slopes_.push_back(static_cast<float>(factor * choices / (all * all)));
      bounds_.push_back(static_cast<int32_t>(segment.end));
    }
    const auto rows = static_cast<int64_t>(segments.size());
    return {{slopes_.data(), DType::kF32, {rows, e}}, {bounds_.data(), DType::kI32, {rows + 1}}};
  }
  const int64_t sequences = pass.offsets.shape[0] - 1;
  const std::vector<size_t> owner = owners(pass);
  Tensor slopes = pass.ctx.scratch.tensor(DType::kF32, {sequences, e});  // first the choices
  router_load(pass.ctx, scores, experts, pass.offsets, slopes, pass.ctx.scratch.tensor(DType::kF32, {sequences, e}),
              options);
  for (int64_t s = 0; s < sequences; ++s) {
    const double length = pass.offsets.as<int32_t>()[s + 1] - pass.offsets.as<int32_t>()[s];
    const double of_sequence = factor / (static_cast<double>(config_.top_k) * length * length *
                                         parts_[owner[static_cast<size_t>(s)]].sequences);
    for (int64_t i = s * e; i < (s + 1) * e; ++i)
      slopes.f32()[i] = static_cast<float>(of_sequence * static_cast<double>(slopes.f32()[i]));
  }
  return {slopes, pass.offsets};
}

double RouterBalance::loss(size_t adapter) const {
  const Part& part = parts_[adapter];
  if (config_.by_sequence) return part.by_sequence / part.sequences;
  const double all = part.tokens * static_cast<double>(config_.sparse_layers);
  double sum = 0;
  for (size_t i = 0; i < part.choices.size(); ++i) sum += part.choices[i] * part.probability[i];
  return static_cast<double>(config_.experts) * sum / (all * all);
}

double RouterBalance::mean_loss() const {
  double sum = 0, count = 0;
  for (size_t k = 0; k < parts_.size(); ++k)
    if (trains(k)) sum += loss(k), count += 1;
  return sum / count;
}

double RouterBalance::extreme_load(bool most) const {
  double all = 0, count = 0;
  for (const Part& part : parts_) {
    if (!(part.tokens > 0)) continue;
    double sum = 0;
    for (int64_t layer = 0; layer < config_.layers; ++layer) {
      const auto begin = part.load.begin() + layer * config_.experts, end = begin + config_.experts;
      const double share = most ? *std::max_element(begin, end) : *std::min_element(begin, end);
      sum += share * static_cast<double>(config_.experts) / (part.tokens * static_cast<double>(config_.top_k));
    }
    all += sum / static_cast<double>(config_.sparse_layers);
    count += 1;
  }
  return all / count;
}

}  // namespace anneal
