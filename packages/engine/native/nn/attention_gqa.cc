#include "nn/attention_gqa.h"

#include <algorithm>

#include "ops/columns/columns.h"

namespace anneal {
namespace {

// kQ: rotated, becomes dq in backward; kOut: attention's output; kLow*: low-rank products (kLowQ also that of a fused
// projection); kRaw*, kInv*: before the norm of queries and keys, and its factors.
enum Index { kQ, kK, kV, kOut, kLse, kLowQ, kLowK, kLowV, kLowO, kRawQ, kRawK, kInvQ, kInvK, kCount };

Tensor by_heads(const Tensor& t, int64_t head_size) {
  return {t.data, t.dtype, {t.rows() * t.cols() / head_size, head_size}};
}

}  // namespace

GqaAttention::GqaAttention(ParameterSet& p, const std::string& name, const GqaConfig& c, int64_t layer)
    : config_(c), layer_(layer) {
  const int64_t q = query_columns(), kv = key_columns();
  if (c.fused) {
    qkv_proj_.emplace(p, name + ".qkv_proj", q + 2 * kv, c.hidden_size, c.qkv_bias);
  } else {
    q_proj_.emplace(p, name + ".q_proj", q, c.hidden_size, c.qkv_bias);
    k_proj_.emplace(p, name + ".k_proj", kv, c.hidden_size, c.qkv_bias);
    v_proj_.emplace(p, name + ".v_proj", kv, c.hidden_size, c.qkv_bias);
  }
  o_proj_.emplace(p, name + ".o_proj", c.hidden_size, q, c.output_bias);
  if (c.qk_norm) {
    q_norm_.emplace(p, name + ".q_norm", c.attention.head_size, c.norm);
    k_norm_.emplace(p, name + ".k_norm", c.attention.head_size, c.norm);
  }
}

void GqaAttention::for_each_linear(const LinearVisitor& visit) {
  for (auto* linear : {&q_proj_, &k_proj_, &v_proj_, &qkv_proj_, &o_proj_})
    if (*linear) visit(**linear);
}

bool GqaAttention::trains() const { return Block::trains() || (q_norm_ && (q_norm_->trains() || k_norm_->trains())); }

WorkspaceNeeds GqaAttention::needs(bool train) const {
  const int64_t q = query_columns(), kv = key_columns();
  WorkspaceNeeds n;
  n.act = {std::max(q, config_.fused ? q + 2 * kv : 0)};
  if (!train) return n;
  n.act.insert(n.act.end(), {std::max(q, kv), kv});
  if (config_.qk_norm) n.f32 = {q, kv};
  return n;
}

Saved GqaAttention::place(MemoryLayout& layout, int64_t tokens, DType act) const {
  const AttentionOptions& o = config_.attention;
  auto take = [&](DType dtype, int64_t cols) { return layout.take(Part::kActivations, dtype, {tokens, cols}); };
  auto low = [&](const std::optional<Linear>& l) { return l ? take_low(layout, *l, tokens, act) : Tensor{}; };
  Saved s;
  s.tensors.resize(kCount);
  s[kQ] = take(act, query_columns());
  s[kK] = take(act, key_columns());
  s[kV] = take(act, value_columns());
  s[kOut] = take(act, query_columns());
  s[kLse] = take(DType::kF32, o.query_heads);
  s[kLowQ] = low(config_.fused ? qkv_proj_ : q_proj_);
  s[kLowK] = low(k_proj_);
  s[kLowV] = low(v_proj_);
  s[kLowO] = low(o_proj_);
  if (config_.qk_norm) {
    s[kRawQ] = take(act, query_columns());
    s[kRawK] = take(act, key_columns());
    s[kInvQ] = take(DType::kF32, o.query_heads);
    s[kInvK] = take(DType::kF32, o.kv_heads);
  }
  return s;
}

void GqaAttention::project(Pass& pass, const Tensor& x, Saved& s, Workspace& w) const {
  const Tensor q = config_.qk_norm ? s[kRawQ] : s[kQ], k = config_.qk_norm ? s[kRawK] : s[kK];
  if (config_.fused) {
    const Tensor joined = slot_rows(w.act[0], pass.tokens, query_columns() + 2 * key_columns());
    qkv_proj_->forward(pass, x, joined, {}, s[kLowQ], w.dropped);
    copy_columns(pass.ctx, joined, 0, q, 0, q.cols());
    copy_columns(pass.ctx, joined, q.cols(), k, 0, k.cols());
    copy_columns(pass.ctx, joined, q.cols() + k.cols(), s[kV], 0, s[kV].cols());
  } else {
    q_proj_->forward(pass, x, q, {}, s[kLowQ], w.dropped);
    k_proj_->forward(pass, x, k, {}, s[kLowK], w.dropped);
    v_proj_->forward(pass, x, s[kV], {}, s[kLowV], w.dropped);
  }
  if (!config_.qk_norm) return;
  const int64_t d = config_.attention.head_size;
  q_norm_->forward(pass, by_heads(q, d), by_heads(s[kQ], d), by_heads(s[kInvQ], 1));
  k_norm_->forward(pass, by_heads(k, d), by_heads(s[kK], d), by_heads(s[kInvK], 1));
}

void GqaAttention::attend(Pass& pass, Saved& s) const {
  AttentionOptions o = config_.attention;
  o.bf16_products = pass.precision == GemmPrecision::kBF16;
  rope(pass.ctx, s[kQ], o.query_heads, o.head_size, pass.ropes[config_.rope], pass.positions, false);
  rope(pass.ctx, s[kK], o.kv_heads, o.head_size, pass.ropes[config_.rope], pass.positions, false);
  if (pass.cache) append_to_cache(pass, layer_, s[kK], s[kV]);
  if (pass.mode == PassMode::kDecode) {
    const auto layer = static_cast<size_t>(layer_);
    attention_decode(pass.ctx, s[kQ], pass.cache->keys[layer], pass.cache->values[layer], pass.cache->lengths,
                     pass.cache->slots, s[kOut], o);
  } else {
    attention_forward(pass.ctx, s[kQ], s[kK], s[kV], pass.offsets, s[kOut], s[kLse], o);
  }
}

void GqaAttention::forward(Pass& pass, const Tensor& x, Tensor out, const Tensor& residual, Saved& s,
                           Workspace& w) const {
  project(pass, x, s, w);
  attend(pass, s);
  project_output(pass, *o_proj_, s[kOut], out, residual, s[kLowO], slot_rows(w.act[0], pass.tokens, query_columns()),
                 w);
}

// d (N, columns) f32 overwritten: through the norm of each head.
void GqaAttention::backward_norm(Pass& pass, const Norm& norm, const Tensor& dy, const Tensor& raw,
                                 const Tensor& inv_rms, Tensor d) const {
  const int64_t size = config_.attention.head_size;
  norm.backward(pass, by_heads(dy, size), by_heads(raw, size), by_heads(inv_rms, 1), by_heads(d, size), false);
}

void GqaAttention::backward(Pass& pass, const Tensor& x, const Tensor& dout, Tensor dx, Saved& s, Workspace& w) const {
  AttentionOptions o = config_.attention;
  o.bf16_products = pass.precision == GemmPrecision::kBF16;
  const int64_t n = pass.tokens, q = query_columns(), kv = key_columns();
  const bool below = dx || trains_projections();
  const Tensor dattention = below ? slot_rows(w.act[0], n, q) : Tensor{};
  project_output_backward(pass, *o_proj_, s[kOut], dout, dattention, s[kLowO], slot_rows(w.act[1], n, q), w);
  if (!below) return;
  Tensor dk = slot_rows(w.act[1], n, kv), dv = slot_rows(w.act[2], n, kv), dq = s[kQ];
  attention_backward(pass.ctx, dattention, s[kQ], s[kK], s[kV], s[kOut], s[kLse], pass.offsets, dq, dk, dv, o);
  rope(pass.ctx, dq, o.query_heads, o.head_size, pass.ropes[config_.rope], pass.positions, true);
  rope(pass.ctx, dk, o.kv_heads, o.head_size, pass.ropes[config_.rope], pass.positions, true);
  if (config_.qk_norm) {
    const Tensor raw_dq = slot_rows(w.f32[0], n, q), raw_dk = slot_rows(w.f32[1], n, kv);
    backward_norm(pass, *q_norm_, dq, s[kRawQ], s[kInvQ], raw_dq);
    backward_norm(pass, *k_norm_, dk, s[kRawK], s[kInvK], raw_dk);
    dq = raw_dq;
    dk = raw_dk;
  }
  if (config_.fused) {
    const Tensor joined = slot_rows(w.act[0], n, q + 2 * kv);
    copy_columns(pass.ctx, dq, 0, joined, 0, q);
    copy_columns(pass.ctx, dk, 0, joined, q, kv);
    copy_columns(pass.ctx, dv, 0, joined, q + kv, kv);
    qkv_proj_->backward(pass, x, joined, dx, false, s[kLowQ], w.dlow, w.dropped);
    return;
  }
  q_proj_->backward(pass, x, dq, dx, false, s[kLowQ], w.dlow, w.dropped);
  k_proj_->backward(pass, x, dk, dx, true, s[kLowK], w.dlow, w.dropped);
  v_proj_->backward(pass, x, dv, dx, true, s[kLowV], w.dlow, w.dropped);
}

bool GqaAttention::trains_projections() const {
  for (auto* linear : {&q_proj_, &k_proj_, &v_proj_, &qkv_proj_})
    if (*linear && (*linear)->trains()) return true;
  return q_norm_ && (q_norm_->trains() || k_norm_->trains());
}

size_t GqaAttention::scratch_bytes(const Context& ctx, GemmPrecision precision, int64_t tokens, int64_t longest,
                                   bool train) const {
  AttentionOptions options = config_.attention;
  options.bf16_products = precision == GemmPrecision::kBF16;
  return std::max(attention_scratch_bytes(ctx, options, tokens, longest),
                  Block::scratch_bytes(ctx, precision, tokens, longest, train));
}

}  // namespace anneal
