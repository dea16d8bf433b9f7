#include "nn/attention_mla.h"

#include <algorithm>

#include "ops/columns/columns.h"

namespace anneal {
namespace {

// kQ: rotated, becomes dq; kQLatent, kLatent: before their norms; kLow*: low-rank products (kLowQ of q_proj or
// q_a_proj).
enum Index {
  kQ,
  kK,
  kV,
  kOut,
  kLse,
  kQLatent,
  kInvQ,
  kLatent,
  kInvLatent,
  kLowQ,
  kLowQb,
  kLowKvA,
  kLowKvB,
  kLowO,
  kCount
};

}  // namespace

MlaAttention::MlaAttention(ParameterSet& p, const std::string& name, const MlaAttentionConfig& c, int64_t layer)
    : config_(c), layer_(layer) {
  if (c.q_rank) {
    q_a_proj_.emplace(p, name + ".q_a_proj", c.q_rank, c.hidden_size, c.bias);
    q_a_norm_.emplace(p, name + ".q_a_layernorm", c.q_rank, c.norm);
    q_b_proj_.emplace(p, name + ".q_b_proj", c.heads * key_size(), c.q_rank, false);
  } else {
    q_proj_.emplace(p, name + ".q_proj", c.heads * key_size(), c.hidden_size, false);
  }
  kv_a_proj_.emplace(p, name + ".kv_a_proj_with_mqa", c.kv_rank + c.rope_size, c.hidden_size, c.bias);
  kv_a_norm_.emplace(p, name + ".kv_a_layernorm", c.kv_rank, c.norm);
  kv_b_proj_.emplace(p, name + ".kv_b_proj", c.heads * pair_size(), c.kv_rank, false);
  o_proj_.emplace(p, name + ".o_proj", c.hidden_size, c.heads * c.value_size, c.bias);
}

void MlaAttention::for_each_linear(const LinearVisitor& visit) {
  for (auto* linear : {&q_proj_, &q_a_proj_, &q_b_proj_, &kv_a_proj_, &kv_b_proj_, &o_proj_})
    if (*linear) visit(**linear);
}

bool MlaAttention::trains() const {
  return Block::trains() || kv_a_norm_->trains() || (q_a_norm_ && q_a_norm_->trains());
}

// act 0: what a linear puts out before it is taken apart, or its gradient; 1: dk, forward the shared key; 2: dv; 3:
// gradient of the shared key; 4: a latent behind its norm. f32 0, 1: gradients of a latent behind and before its norm.
WorkspaceNeeds MlaAttention::needs(bool train) const {
  const MlaAttentionConfig& c = config_;
  const int64_t latent = std::max(c.q_rank, c.kv_rank);
  const int64_t joined = std::max({c.heads * pair_size(), c.kv_rank + c.rope_size, value_columns()});
  WorkspaceNeeds n;
  n.act = {joined, train ? std::max(key_columns(), value_columns()) : c.rope_size, train ? value_columns() : 0,
           train ? c.rope_size : 0, latent};
  if (train) n.f32 = {latent, latent};
  return n;
}

Saved MlaAttention::place(MemoryLayout& layout, int64_t tokens, DType act) const {
  const MlaAttentionConfig& c = config_;
  auto take = [&](DType dtype, int64_t cols) { return layout.take(Part::kActivations, dtype, {tokens, cols}); };
  Saved s;
  s.tensors.resize(kCount);
  s[kQ] = take(act, key_columns());
  s[kK] = take(act, key_columns());
  s[kV] = take(act, value_columns());
  s[kOut] = take(act, value_columns());
  s[kLse] = take(DType::kF32, c.heads);
  if (c.q_rank) {
    s[kQLatent] = take(act, c.q_rank);
    s[kInvQ] = layout.take(Part::kActivations, DType::kF32, {tokens});
    s[kLowQb] = take_low(layout, *q_b_proj_, tokens, act);
  }
  s[kLatent] = take(act, c.kv_rank);
  s[kInvLatent] = layout.take(Part::kActivations, DType::kF32, {tokens});
  s[kLowQ] = take_low(layout, c.q_rank ? *q_a_proj_ : *q_proj_, tokens, act);
  s[kLowKvA] = take_low(layout, *kv_a_proj_, tokens, act);
  s[kLowKvB] = take_low(layout, *kv_b_proj_, tokens, act);
  s[kLowO] = take_low(layout, *o_proj_, tokens, act);
  return s;
}

AttentionOptions MlaAttention::options(bool bf16_products) const {
  AttentionOptions o;
  o.query_heads = o.kv_heads = config_.heads;
  o.head_size = key_size();
  o.value_head_size = config_.value_size;
  o.scale = config_.scale;
  o.bf16_products = bf16_products;
  return o;
}

void MlaAttention::queries(Pass& pass, const Tensor& x, Saved& s, Workspace& w) const {
  if (config_.q_rank) {
    const Tensor normed = slot_rows(w.act[4], pass.tokens, config_.q_rank);
    q_a_proj_->forward(pass, x, s[kQLatent], {}, s[kLowQ], w.dropped);
    q_a_norm_->forward(pass, s[kQLatent], normed, s[kInvQ]);
    q_b_proj_->forward(pass, normed, s[kQ], {}, s[kLowQb], w.dropped);
  } else {
    q_proj_->forward(pass, x, s[kQ], {}, s[kLowQ], w.dropped);
  }
  rope(pass.ctx, s[kQ], config_.heads, key_size(), pass.ropes[0], pass.positions, false,
       {config_.nope_size, config_.interleaved});
}

void MlaAttention::keys_and_values(Pass& pass, const Tensor& x, Saved& s, Workspace& w) const {
  const MlaAttentionConfig& c = config_;
  const int64_t n = pass.tokens;
  const Tensor joined = slot_rows(w.act[0], n, c.kv_rank + c.rope_size);
  const Tensor shared = slot_rows(w.act[1], n, c.rope_size);
  kv_a_proj_->forward(pass, x, joined, {}, s[kLowKvA], w.dropped);
  copy_columns(pass.ctx, joined, 0, s[kLatent], 0, c.kv_rank);
  copy_columns(pass.ctx, joined, c.kv_rank, shared, 0, c.rope_size);
  rope(pass.ctx, shared, 1, c.rope_size, pass.ropes[0], pass.positions, false, {0, c.interleaved});
  const Tensor normed = slot_rows(w.act[4], n, c.kv_rank);
  kv_a_norm_->forward(pass, s[kLatent], normed, s[kInvLatent]);
  const Tensor pairs = slot_rows(w.act[0], n, c.heads * pair_size());
  kv_b_proj_->forward(pass, normed, pairs, {}, s[kLowKvB], w.dropped);
  copy_head_columns(pass.ctx, pairs, pair_size(), 0, s[kK], key_size(), 0, c.nope_size, c.heads);
  copy_head_columns(pass.ctx, shared, 0, 0, s[kK], key_size(), c.nope_size, c.rope_size, c.heads);
  copy_head_columns(pass.ctx, pairs, pair_size(), c.nope_size, s[kV], c.value_size, 0, c.value_size, c.heads);
}

void MlaAttention::forward(Pass& pass, const Tensor& x, Tensor out, const Tensor& residual, Saved& s,
                           Workspace& w) const {
  queries(pass, x, s, w);
  keys_and_values(pass, x, s, w);
  if (pass.cache) append_to_cache(pass, layer_, s[kK], s[kV]);
  if (pass.mode == PassMode::kDecode) {
    const auto layer = static_cast<size_t>(layer_);
    attention_decode(pass.ctx, s[kQ], pass.cache->keys[layer], pass.cache->values[layer], pass.cache->lengths,
                     pass.cache->slots, s[kOut], options(pass.precision == GemmPrecision::kBF16));
  } else {
    attention_forward(pass.ctx, s[kQ], s[kK], s[kV], pass.offsets, s[kOut], s[kLse],
                      options(pass.precision == GemmPrecision::kBF16));
  }
  project_output(pass, *o_proj_, s[kOut], out, residual, s[kLowO], slot_rows(w.act[0], pass.tokens, value_columns()),
                 w);
}

void MlaAttention::backward(Pass& pass, const Tensor& x, const Tensor& dout, Tensor dx, Saved& s, Workspace& w) const {
  const int64_t n = pass.tokens;
  const Tensor dattention = slot_rows(w.act[0], n, value_columns());
  project_output_backward(pass, *o_proj_, s[kOut], dout, dattention, s[kLowO], slot_rows(w.act[1], n, value_columns()),
                          w);
  const Tensor dk = slot_rows(w.act[1], n, key_columns()), dv = slot_rows(w.act[2], n, value_columns()), dq = s[kQ];
  attention_backward(pass.ctx, dattention, s[kQ], s[kK], s[kV], s[kOut], s[kLse], pass.offsets, dq, dk, dv,
                     options(pass.precision == GemmPrecision::kBF16));
  rope(pass.ctx, dq, config_.heads, key_size(), pass.ropes[0], pass.positions, true,
       {config_.nope_size, config_.interleaved});
  backward_keys(pass, x, dk, dv, dx, s, w);
  backward_queries(pass, x, dq, dx, s, w);
}

// dx overwritten.
void MlaAttention::backward_keys(Pass& pass, const Tensor& x, const Tensor& dk, const Tensor& dv, Tensor dx, Saved& s,
                                 Workspace& w) const {
  const MlaAttentionConfig& c = config_;
  const int64_t n = pass.tokens;
  const Tensor dshared = slot_rows(w.act[3], n, c.rope_size), dpairs = slot_rows(w.act[0], n, c.heads * pair_size());
  const Tensor normed = slot_rows(w.act[4], n, c.kv_rank);
  const Tensor dnormed = slot_rows(w.f32[0], n, c.kv_rank), dlatent = slot_rows(w.f32[1], n, c.kv_rank);
  sum_head_columns(pass.ctx, dk, key_size(), c.nope_size, dshared, c.rope_size, c.heads);
  rope(pass.ctx, dshared, 1, c.rope_size, pass.ropes[0], pass.positions, true, {0, c.interleaved});
  copy_head_columns(pass.ctx, dk, key_size(), 0, dpairs, pair_size(), 0, c.nope_size, c.heads);
  copy_head_columns(pass.ctx, dv, c.value_size, 0, dpairs, pair_size(), c.nope_size, c.value_size, c.heads);
  kv_a_norm_->forward(pass, s[kLatent], normed, s[kInvLatent]);
  kv_b_proj_->backward(pass, normed, dpairs, dnormed, false, s[kLowKvB], w.dlow, w.dropped);
  kv_a_norm_->backward(pass, dnormed, s[kLatent], s[kInvLatent], dlatent, false);
  const Tensor djoined = slot_rows(w.act[0], n, c.kv_rank + c.rope_size);
  copy_columns(pass.ctx, dlatent, 0, djoined, 0, c.kv_rank);
  copy_columns(pass.ctx, dshared, 0, djoined, c.kv_rank, c.rope_size);
  kv_a_proj_->backward(pass, x, djoined, dx, false, s[kLowKvA], w.dlow, w.dropped);
}

// dx added to.
void MlaAttention::backward_queries(Pass& pass, const Tensor& x, const Tensor& dq, Tensor dx, Saved& s,
                                    Workspace& w) const {
  if (!config_.q_rank) {
    q_proj_->backward(pass, x, dq, dx, true, s[kLowQ], w.dlow, w.dropped);
    return;
  }
  const int64_t n = pass.tokens, rank = config_.q_rank;
  const Tensor normed = slot_rows(w.act[4], n, rank);
  const Tensor dnormed = slot_rows(w.f32[0], n, rank), dlatent = slot_rows(w.f32[1], n, rank);
  q_a_norm_->forward(pass, s[kQLatent], normed, s[kInvQ]);
  q_b_proj_->backward(pass, normed, dq, dnormed, false, s[kLowQb], w.dlow, w.dropped);
  q_a_norm_->backward(pass, dnormed, s[kQLatent], s[kInvQ], dlatent, false);
  q_a_proj_->backward(pass, x, dlatent, dx, true, s[kLowQ], w.dlow, w.dropped);
}

size_t MlaAttention::scratch_bytes(const Context& ctx, GemmPrecision precision, int64_t tokens, int64_t longest,
                                   bool train) const {
  return std::max(attention_scratch_bytes(ctx, options(precision == GemmPrecision::kBF16), tokens, longest),
                  Block::scratch_bytes(ctx, precision, tokens, longest, train));
}

}  // namespace anneal
