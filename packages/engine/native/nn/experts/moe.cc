#include "nn/experts/moe.h"

#include <algorithm>

#include "nn/experts/router_balance.h"
#include "ops/elementwise.h"
#include "ops/expert/expert_rows.h"

namespace anneal {
namespace {

// Sorted order: rows of expert 0 by token, then of expert 1, ... kRows: the token of each sorted row; kPairs: its
// (token, choice); kPositions: the sorted rows of each token, in the order of its experts' numbers. From kShared on:
// what the shared experts keep.
enum Index {
  kScores,
  kExperts,
  kWeights,
  kRows,
  kPairs,
  kPositions,
  kDWeights,
  kGate,
  kUp,
  kLowGateUp,
  kLowDown,
  kShared
};

// (N, k * cols) kept for each token -> (N * k, cols) of the sorted rows.
Tensor sorted_rows(const Tensor& t, int64_t cols) {
  return t.data ? Tensor{t.data, t.dtype, {t.rows() * t.cols() / cols, cols}} : Tensor{};
}

Tensor block(const Tensor& t, int64_t first, int64_t count) {
  if (!t.data) return {};
  const size_t row = dense_bytes(t.dtype, {t.cols()});
  return {static_cast<char*>(t.data) + static_cast<size_t>(first) * row, t.dtype, {count, t.cols()}};
}

Tensor flat(const Tensor& t) { return {t.data, t.dtype, {t.shape.elements()}}; }

// First sorted row of each expert, and the end.
std::vector<int64_t> expert_offsets(const Tensor& experts, int64_t count) {
  std::vector<int64_t> offsets(static_cast<size_t>(count) + 1);
  for (int64_t i = 0; i < experts.shape.elements(); ++i) ++offsets[static_cast<size_t>(experts.as<int32_t>()[i]) + 1];
  for (size_t e = 1; e < offsets.size(); ++e) offsets[e] += offsets[e - 1];
  return offsets;
}

}  // namespace

Moe::Moe(ParameterSet& p, const std::string& name, const MoeBlockConfig& c, int64_t layer)
    : config_(c), layer_(layer), gate_(&p.declare(name + ".gate.weight", {c.experts, c.hidden_size})) {
  if (c.correction_bias) {
    bias_ = &p.declare(name + ".gate.e_score_correction_bias", {c.experts});
    bias_->buffer = true;
  }
  gate_up_.emplace(p, name + ".experts", c.experts, std::vector<std::string>{"gate_proj", "up_proj"}, c.ffn_size,
                   c.hidden_size);
  down_.emplace(p, name + ".experts", c.experts, std::vector<std::string>{"down_proj"}, c.hidden_size, c.ffn_size);
  if (c.shared_ffn_size)
    shared_.emplace(
        p, name + ".shared_experts",
        MlpConfig{c.hidden_size, c.shared_ffn_size, c.shared_bias, false, Activation::kSilu, "shared_experts."});
}

void Moe::for_each_linear(const LinearVisitor& visit) {
  if (shared_) shared_->for_each_linear(visit);
}

void Moe::for_each_expert(const ExpertVisitor& visit) {
  visit(*gate_up_);
  visit(*down_);
}

bool Moe::trains() const { return gate_->trainable || gate_up_->trains() || down_->trains() || Block::trains(); }

int64_t Moe::max_low_columns() const { return std::max({gate_up_->rank(), down_->rank(), Block::max_low_columns()}); }

// act 0: sorted rows of the stream or of its gradient; 1: gated, and its gradient; 2: gated again for backward. f32 0:
// gradient of the sorted rows.
WorkspaceNeeds Moe::needs(bool train) const {
  const int64_t k = config_.router.top_k;
  WorkspaceNeeds n;
  n.act = {k * config_.hidden_size, k * config_.ffn_size};
  if (train) {
    n.act.push_back(k * config_.ffn_size);
    n.f32 = {k * config_.hidden_size};
  }
  if (shared_) n.merge(shared_->needs(train));
  return n;
}

Saved Moe::place(MemoryLayout& layout, int64_t tokens, DType act) const {
  const int64_t k = config_.router.top_k;
  auto take = [&](DType dtype, int64_t cols) { return layout.take(Part::kActivations, dtype, {tokens, cols}); };
  Saved s;
  s.tensors.resize(kShared);
  s[kScores] = take(DType::kF32, config_.experts);
  s[kExperts] = take(DType::kI32, k);
  s[kWeights] = take(DType::kF32, k);
  s[kRows] = take(DType::kI32, k);
  s[kPairs] = take(DType::kI32, k);
  s[kPositions] = take(DType::kI32, k);
  s[kDWeights] = take(DType::kF32, k);
  s[kGate] = take(act, k * config_.ffn_size);
  s[kUp] = take(act, k * config_.ffn_size);
  if (gate_up_->rank()) s[kLowGateUp] = take(act, k * gate_up_->rank());
  if (down_->rank()) s[kLowDown] = take(act, k * down_->rank());
  if (shared_)
    for (const Tensor& t : shared_->place(layout, tokens, act).tensors) s.tensors.push_back(t);
  return s;
}

Saved Moe::shared_saved(const Saved& s) const { return {{s.tensors.begin() + kShared, s.tensors.end()}}; }

// The router works in f32 whatever the precision: a choice that flips changes everything behind it.
void Moe::route(Pass& pass, const Tensor& x, Saved& s) const {
  gemm_abt(pass.ctx, x, gate_->view(), s[kScores]);
  router_forward(pass.ctx, s[kScores], bias_ ? bias_->value : Tensor{}, s[kExperts], s[kWeights], config_.router);
  if (pass.balance) pass.balance->observe(pass, layer_, s[kScores], s[kExperts], config_.router);
  const int64_t k = config_.router.top_k, n = pass.tokens;
  std::vector<int64_t> next = expert_offsets(s[kExperts], config_.experts);
  std::vector<int64_t> filled(static_cast<size_t>(n), 0);
  // By token within each expert; then each token finds its rows in the order of experts.
  for (int64_t pair = 0; pair < n * k; ++pair) {
    const int64_t row = next[static_cast<size_t>(s[kExperts].as<int32_t>()[pair])]++;
    s[kRows].as<int32_t>()[row] = static_cast<int32_t>(pair / k);
    s[kPairs].as<int32_t>()[row] = static_cast<int32_t>(pair);
  }
  for (int64_t row = 0; row < n * k; ++row) {
    const int32_t token = s[kRows].as<int32_t>()[row];
    s[kPositions].as<int32_t>()[token * k + filled[static_cast<size_t>(token)]++] = static_cast<int32_t>(row);
  }
}

// An expert's rows come by token, and the tokens of one adapter lie together, so they do as well. Each product then has
// the rows that it has where the adapter trains alone: the same bits, however few an expert gets.
std::vector<ExpertGroup> Moe::groups(const Pass& pass, const Saved& s) const {
  std::vector<AdapterSegment> segments = pass.segments;
  if (segments.empty()) segments.push_back({pass.adapter, 0, pass.tokens});
  const std::vector<int64_t> offsets = expert_offsets(s[kExperts], config_.experts);
  const int32_t* tokens = s[kRows].as<int32_t>();
  std::vector<ExpertGroup> all;
  for (int64_t e = 0; e < config_.experts; ++e) {
    int64_t row = offsets[static_cast<size_t>(e)];
    const int64_t end = offsets[static_cast<size_t>(e) + 1];
    for (const AdapterSegment& segment : segments) {
      const int64_t first = row;
      while (row < end && tokens[row] < segment.end) ++row;
      if (row > first) all.push_back({e, first, row - first, segment.adapter});
    }
  }
  return all;
}

void Moe::forward(Pass& pass, const Tensor& x, Tensor out, const Tensor& residual, Saved& s, Workspace& w) const {
  const int64_t k = config_.router.top_k, n = pass.tokens, f = config_.ffn_size, c = config_.hidden_size;
  if (shared_) {
    Saved own = shared_saved(s);
    shared_->forward(pass, x, out, residual, own, w);
  } else if (out && residual) {
    cast(pass.ctx, residual, out);
  } else if (out) {
    fill_zero(pass.ctx, out);
  }
  route(pass, x, s);
  const std::vector<ExpertGroup> all = groups(pass, s);
  const Tensor sorted = slot_rows(w.act[0], n * k, c), gated = slot_rows(w.act[1], n * k, f);
  const Tensor gate = sorted_rows(s[kGate], f), up = sorted_rows(s[kUp], f);
  const Tensor low_gate_up = sorted_rows(s[kLowGateUp], std::max<int64_t>(gate_up_->rank(), 1));
  const Tensor low_down = sorted_rows(s[kLowDown], std::max<int64_t>(down_->rank(), 1));
  gather_rows(pass.ctx, x, flat(s[kRows]), sorted);
  for (const ExpertGroup& g : all)
    gate_up_->forward(pass, g, block(sorted, g.first, g.count),
                      {block(gate, g.first, g.count), block(up, g.first, g.count)},
                      block(low_gate_up, g.first, g.count));
  gated_activation_forward(pass.ctx, gate, up, gated);
  scale_expert_rows(pass.ctx, gated, s[kWeights], flat(s[kPairs]));
  for (const ExpertGroup& g : all)
    down_->forward(pass, g, block(gated, g.first, g.count), {out ? block(sorted, g.first, g.count) : Tensor{}},
                   block(low_down, g.first, g.count));
  if (out) add_expert_rows(pass.ctx, sorted, s[kPositions], out);
}

void Moe::backward(Pass& pass, const Tensor& x, const Tensor& dout, Tensor dx, Saved& s, Workspace& w) const {
  const int64_t k = config_.router.top_k, n = pass.tokens, f = config_.ffn_size, c = config_.hidden_size;
  if (shared_) {
    Saved own = shared_saved(s);
    shared_->backward(pass, x, dout, dx, own, w);
  } else if (dx) {
    fill_zero(pass.ctx, dx);
  }
  const std::vector<ExpertGroup> all = groups(pass, s);
  const Tensor sorted = slot_rows(w.act[0], n * k, c), dgated = slot_rows(w.act[1], n * k, f),
               gated = slot_rows(w.act[2], n * k, f);
  const Tensor dsorted = slot_rows(w.f32[0], n * k, c);
  const Tensor gate = sorted_rows(s[kGate], f), up = sorted_rows(s[kUp], f);
  const Tensor low_gate_up = sorted_rows(s[kLowGateUp], std::max<int64_t>(gate_up_->rank(), 1));
  const Tensor low_down = sorted_rows(s[kLowDown], std::max<int64_t>(down_->rank(), 1));
  auto dlow_of = [&](const ExpertLinear& l, int64_t count) {
    return l.rank() ? slot_rows(w.dlow, count, l.rank()) : Tensor{};
  };

  gather_rows(pass.ctx, dout, flat(s[kRows]), sorted);
  gated_activation_forward(pass.ctx, gate, up, gated);
  for (const ExpertGroup& g : all) {
    const std::vector<Tensor> dy = {block(sorted, g.first, g.count)};
    const Tensor dh = block(dgated, g.first, g.count), h = block(gated, g.first, g.count),
                 dlow = dlow_of(*down_, g.count);
    down_->backward_input(pass, g, dy, dh, dlow);
    scale_expert_rows_backward(pass.ctx, h, dh, s[kWeights], flat(s[kPairs]), g.first, s[kDWeights]);
    down_->backward_parameters(pass, g, h, dy, block(low_down, g.first, g.count), dlow);
  }
  gated_activation_backward(pass.ctx, dgated, gate, up, gate, up, {});
  gather_rows(pass.ctx, x, flat(s[kRows]), sorted);
  for (const ExpertGroup& g : all) {
    const std::vector<Tensor> dy = {block(gate, g.first, g.count), block(up, g.first, g.count)};
    const Tensor dlow = dlow_of(*gate_up_, g.count);
    gate_up_->backward_input(pass, g, dy, block(dsorted, g.first, g.count), dlow);
    gate_up_->backward_parameters(pass, g, block(sorted, g.first, g.count), dy, block(low_gate_up, g.first, g.count),
                                  dlow);
  }
  if (dx) add_expert_rows(pass.ctx, dsorted, s[kPositions], dx);
  backward_router(pass, x, dx, s);
}

void Moe::backward_router(Pass& pass, const Tensor& x, Tensor dx, Saved& s) const {
  {
    const ArenaScope scope(pass.ctx.scratch);
    const BalanceSlopes balance =
        pass.balance ? pass.balance->slopes(pass, s[kScores], s[kExperts], config_.router) : BalanceSlopes{};
    router_backward(pass.ctx, s[kScores], s[kExperts], s[kDWeights], config_.router, balance);
  }
  GemmOptions options;
  options.accumulate = true;
  if (gate_->trainable) gemm_atb(pass.ctx, s[kScores], x, gate_->grad, options);
  if (dx) gemm_ab(pass.ctx, s[kScores], gate_->view(), dx, options);
}

size_t Moe::scratch_bytes(const Context& ctx, GemmPrecision precision, int64_t tokens, int64_t longest,
                          bool train) const {
  size_t most = Block::scratch_bytes(ctx, precision, tokens, longest, train);
  for (const ExpertLinear* l : {&*gate_up_, &*down_})
    most = std::max(most, l->scratch_bytes(ctx, precision, tokens, train));
  most = std::max(most, gemm_scratch_bytes(ctx, GemmPrecision::kF32, tokens, config_.experts, config_.hidden_size));
  // Balancing: two values for each expert and sequence.
  most = std::max(most, static_cast<size_t>(tokens * config_.experts) * 2 * sizeof(float) + 2 * kAlignment);
  if (!train) return most;
  most = std::max(most, gemm_scratch_bytes(ctx, GemmPrecision::kF32, tokens, config_.hidden_size, config_.experts));
  return std::max(most, gemm_scratch_bytes(ctx, GemmPrecision::kF32, config_.experts, config_.hidden_size, tokens));
}

}  // namespace anneal
