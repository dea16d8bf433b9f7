#include "nn/decoder_layer.h"

#include <algorithm>

#include "ops/elementwise.h"

namespace anneal {
namespace {

std::unique_ptr<AttentionBlock> make_block(ParameterSet& p, const std::string& name, const GqaConfig& c,
                                           int64_t layer) {
  return std::make_unique<GqaAttention>(p, name, c, layer);
}
std::unique_ptr<AttentionBlock> make_block(ParameterSet& p, const std::string& name, const MlaAttentionConfig& c,
                                           int64_t layer) {
  return std::make_unique<MlaAttention>(p, name, c, layer);
}
std::unique_ptr<Block> make_block(ParameterSet& p, const std::string& name, const MlpConfig& c, int64_t) {
  return std::make_unique<Mlp>(p, name, c);
}
std::unique_ptr<Block> make_block(ParameterSet& p, const std::string& name, const MoeBlockConfig& c, int64_t layer) {
  return std::make_unique<Moe>(p, name, c, layer);
}

}  // namespace

DecoderLayer::DecoderLayer(ParameterSet& p, const DecoderLayerConfig& c, int64_t index) : config_(c) {
  const std::string name = "model.layers." + std::to_string(index) + ".";
  input_norm_.emplace(p, name + "input_layernorm", c.hidden_size, c.norm);
  std::visit([&](const auto& a) { attention_ = make_block(p, name + "self_attn", a, index); }, c.attention);
  // Without norms behind the blocks Hugging Face calls the feed-forward's own norm after the attention before it.
  if (c.post_norms) post_attention_norm_.emplace(p, name + "post_attention_layernorm", c.hidden_size, c.norm);
  ffn_norm_.emplace(p, name + (c.post_norms ? "pre_feedforward_layernorm" : "post_attention_layernorm"), c.hidden_size,
                    c.norm);
  std::visit([&](const auto& f) { feed_forward_ = make_block(p, name + "mlp", f, index); }, c.feed_forward);
  if (c.post_norms) post_ffn_norm_.emplace(p, name + "post_feedforward_layernorm", c.hidden_size, c.norm);
}

void DecoderLayer::for_each_linear(const LinearVisitor& visit) {
  attention_->for_each_linear(visit);
  feed_forward_->for_each_linear(visit);
}

bool DecoderLayer::trains() const {
  for (auto* norm : {&input_norm_, &post_attention_norm_, &ffn_norm_, &post_ffn_norm_})
    if (*norm && (*norm)->trains()) return true;
  return attention_->trains() || feed_forward_->trains();
}

LayerActivations DecoderLayer::place_attention(MemoryLayout& layout, int64_t tokens, DType act) const {
  auto take = [&](DType dtype, const Shape& shape) { return layout.take(Part::kActivations, dtype, shape); };
  LayerActivations a;
  a.inv_rms_attention = take(DType::kF32, {tokens});
  a.middle = take(DType::kF32, {tokens, config_.hidden_size});
  a.inv_rms_ffn = take(DType::kF32, {tokens});
  if (config_.post_norms) {
    a.attention_out = take(act, {tokens, config_.hidden_size});
    a.ffn_out = take(act, {tokens, config_.hidden_size});
    a.inv_rms_attention_out = take(DType::kF32, {tokens});
    a.inv_rms_ffn_out = take(DType::kF32, {tokens});
  }
  a.attention = attention_->place(layout, tokens, act);
  return a;
}

LayerActivations DecoderLayer::place(MemoryLayout& layout, int64_t tokens, DType act) const {
  LayerActivations a = place_attention(layout, tokens, act);
  a.ffn = feed_forward_->place(layout, tokens, act);
  return a;
}

WorkspaceNeeds DecoderLayer::needs(bool train) const {
  WorkspaceNeeds n = attention_->needs(train);
  n.merge(feed_forward_->needs(train));
  return n;
}

// out = x + norm(y)
void DecoderLayer::add_normed(Pass& pass, const Norm& norm, const Tensor& y, Tensor inv_rms, const Tensor& x,
                              Tensor out, Workspace& w) const {
  norm.forward(pass, y, w.normed, inv_rms);
  if (out.data != x.data) cast(pass.ctx, x, out);
  add(pass.ctx, w.normed, out);
}

void DecoderLayer::forward(Pass& pass, const Tensor& x, Tensor out, LayerActivations& a, Workspace& w) const {
  input_norm_->forward(pass, x, w.normed, a.inv_rms_attention);
  if (pass.rows) {
    gather_rows(pass.ctx, x, pass.rows, out);
    forward_attention(pass, w.normed, out, a, w);
    Pass own = pass_of_rows(pass);
    Workspace rest = workspace_rows(w, own.tokens);
    return forward_rest(own, out, a, rest);
  }
  forward_attention(pass, w.normed, x, a, w);
  forward_rest(pass, out, a, w);
}

// a.middle = x + attention(normed), for the rows of x.
void DecoderLayer::forward_attention(Pass& pass, const Tensor& normed, const Tensor& x, LayerActivations& a,
                                     Workspace& w) const {
  if (!config_.post_norms) return attention_->forward(pass, normed, a.middle, x, a.attention, w);
  attention_->forward(pass, normed, a.attention_out, {}, a.attention, w);
  Workspace own = workspace_rows(w, x.rows());
  add_normed(pass, *post_attention_norm_, a.attention_out, a.inv_rms_attention_out, x, a.middle, own);
}

void DecoderLayer::forward_rest(Pass& pass, Tensor out, LayerActivations& a, Workspace& w) const {
  ffn_norm_->forward(pass, a.middle, w.normed, a.inv_rms_ffn);
  if (config_.post_norms) {
    feed_forward_->forward(pass, w.normed, a.ffn_out, {}, a.ffn, w);
    if (out) {
      add_normed(pass, *post_ffn_norm_, a.ffn_out, a.inv_rms_ffn_out, a.middle, out, w);
    } else {
      post_ffn_norm_->forward(pass, a.ffn_out, w.normed, a.inv_rms_ffn_out);
    }
  } else {
    feed_forward_->forward(pass, w.normed, out, a.middle, a.ffn, w);
  }
}

void DecoderLayer::forward_feed_forward(Pass& pass, LayerActivations& a, Workspace& w) const {
  ffn_norm_->forward(pass, a.middle, w.normed, a.inv_rms_ffn);
  feed_forward_->forward(pass, w.normed, {}, {}, a.ffn, w);
}

void DecoderLayer::backward(Pass& pass, const Tensor& x, Tensor dout, Tensor dx, LayerActivations& a, Workspace& w,
                            bool need_dx) const {
  const bool below = need_dx || input_norm_->trains();
  Tensor dattention;
  if (pass.rows) {
    Pass own = pass_of_rows(pass);
    Workspace rest = workspace_rows(w, own.tokens);
    dattention = backward_rest(own, dout, a, rest);
    if (below) {
      fill_zero(pass.ctx, dx);
      scatter_rows(pass.ctx, dout, pass.rows, dx, false);
    }
  } else {
    dattention = backward_rest(pass, dout, a, w);
  }
  input_norm_->forward(pass, x, w.normed, a.inv_rms_attention);
  attention_->backward(pass, w.normed, dattention, below ? w.dnormed : Tensor{}, a.attention, w);
  if (below) input_norm_->backward(pass, w.dnormed, x, a.inv_rms_attention, dx, true);
}

// d: the gradient of the layer's output on entry, of a.middle on return. Returns that of what the attention puts out.
Tensor DecoderLayer::backward_rest(Pass& pass, Tensor d, LayerActivations& a, Workspace& w) const {
  // The norms' outputs are made again from the stream and inv_rms instead of being kept.
  if (config_.post_norms) post_ffn_norm_->backward(pass, d, a.ffn_out, a.inv_rms_ffn_out, w.dout, false);
  ffn_norm_->forward(pass, a.middle, w.normed, a.inv_rms_ffn);
  feed_forward_->backward(pass, w.normed, config_.post_norms ? w.dout : d, w.dnormed, a.ffn, w);
  ffn_norm_->backward(pass, w.dnormed, a.middle, a.inv_rms_ffn, d, true);
  if (!config_.post_norms) return d;
  post_attention_norm_->backward(pass, d, a.attention_out, a.inv_rms_attention_out, w.dout, false);
  return w.dout;
}

size_t DecoderLayer::scratch_bytes(const Context& ctx, GemmPrecision precision, int64_t tokens, int64_t longest,
                                   bool train) const {
  return std::max(attention_->scratch_bytes(ctx, precision, tokens, longest, train),
                  feed_forward_->scratch_bytes(ctx, precision, tokens, longest, train));
}

}  // namespace anneal
