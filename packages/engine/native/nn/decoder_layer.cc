#include "nn/decoder_layer.h"

#include <algorithm>
#include <cstring>

namespace anneal {
namespace {

std::string module_name(int64_t index, const char* rest) {
  return "model.layers." + std::to_string(index) + "." + rest;
}

}  // namespace

DecoderLayer::DecoderLayer(ParameterSet& p, const DecoderLayerConfig& c, int64_t index)
    : config_(c),
      index_(index),
      input_norm_(p, module_name(index, "input_layernorm"), c.hidden_size, c.norm_epsilon),
      q_proj_(p, module_name(index, "self_attn.q_proj"), c.attention.query_heads * c.attention.head_size, c.hidden_size,
              c.qkv_bias),
      k_proj_(p, module_name(index, "self_attn.k_proj"), c.attention.kv_heads * c.attention.head_size, c.hidden_size,
              c.qkv_bias),
      v_proj_(p, module_name(index, "self_attn.v_proj"), c.attention.kv_heads * c.attention.head_size, c.hidden_size,
              c.qkv_bias),
      o_proj_(p, module_name(index, "self_attn.o_proj"), c.hidden_size, c.attention.query_heads * c.attention.head_size,
              c.output_bias),
      post_norm_(p, module_name(index, "post_attention_layernorm"), c.hidden_size, c.norm_epsilon),
      gate_proj_(p, module_name(index, "mlp.gate_proj"), c.ffn_size, c.hidden_size, c.mlp_bias),
      up_proj_(p, module_name(index, "mlp.up_proj"), c.ffn_size, c.hidden_size, c.mlp_bias),
      down_proj_(p, module_name(index, "mlp.down_proj"), c.hidden_size, c.ffn_size, c.mlp_bias) {}

void DecoderLayer::for_each_linear(const LinearVisitor& visit) {
  for (Linear* linear : {&q_proj_, &k_proj_, &v_proj_, &o_proj_, &gate_proj_, &up_proj_, &down_proj_}) visit(*linear);
}

bool DecoderLayer::trains() const {
  if (input_norm_.trains() || post_norm_.trains()) return true;
  const auto all = linears();
  return std::any_of(all.begin(), all.end(), [](const Linear* l) { return l->trains(); });
}

int64_t DecoderLayer::max_rank() const {
  int64_t rank = 0;
  for (const Linear* l : linears()) rank = std::max(rank, l->rank());
  return rank;
}

bool DecoderLayer::has_dropout() const {
  const auto all = linears();
  return std::any_of(all.begin(), all.end(), [](const Linear* l) { return l->has_dropout(); });
}

LayerActivations DecoderLayer::place(MemoryLayout& layout, int64_t tokens, DType act) const {
  const AttentionOptions& o = config_.attention;
  auto take = [&](DType dtype, int64_t cols) { return layout.take(Part::kActivations, dtype, {tokens, cols}); };
  auto take_low = [&](const Linear& linear) {
    return LinearSaved{linear.rank() ? take(act, linear.rank()) : Tensor{}};
  };
  LayerActivations a;
  a.inv_rms_attention = layout.take(Part::kActivations, DType::kF32, {tokens});
  a.q = take(act, o.query_heads * o.head_size);
  a.k = take(act, o.kv_heads * o.head_size);
  a.v = take(act, o.kv_heads * o.head_size);
  a.attention = take(act, o.query_heads * o.head_size);
  a.lse = take(DType::kF32, o.query_heads);
  a.middle = take(DType::kF32, config_.hidden_size);
  a.inv_rms_ffn = layout.take(Part::kActivations, DType::kF32, {tokens});
  a.gate = take(act, config_.ffn_size);
  a.up = take(act, config_.ffn_size);
  a.q_proj = take_low(q_proj_);
  a.k_proj = take_low(k_proj_);
  a.v_proj = take_low(v_proj_);
  a.o_proj = take_low(o_proj_);
  a.gate_proj = take_low(gate_proj_);
  a.up_proj = take_low(up_proj_);
  a.down_proj = take_low(down_proj_);
  return a;
}

void DecoderLayer::forward(Pass& pass, const Tensor& x, Tensor out, LayerActivations& a, Workspace& w) const {
  input_norm_.forward(pass, x, w.normed, a.inv_rms_attention);
  q_proj_.forward(pass, w.normed, a.q, {}, a.q_proj, w.dropped);
  k_proj_.forward(pass, w.normed, a.k, {}, a.k_proj, w.dropped);
  v_proj_.forward(pass, w.normed, a.v, {}, a.v_proj, w.dropped);
  attend(pass, a);
  o_proj_.forward(pass, a.attention, a.middle, x, a.o_proj, w.dropped);
  post_norm_.forward(pass, a.middle, w.normed, a.inv_rms_ffn);
  gate_proj_.forward(pass, w.normed, a.gate, {}, a.gate_proj, w.dropped);
  up_proj_.forward(pass, w.normed, a.up, {}, a.up_proj, w.dropped);
  gated_activation_forward(pass.ctx, a.gate, a.up, w.gated, config_.activation);
  down_proj_.forward(pass, w.gated, out, a.middle, a.down_proj, w.dropped);
}

void DecoderLayer::attend(Pass& pass, LayerActivations& a) const {
  const AttentionOptions& o = config_.attention;
  AttentionOptions options = o;
  options.bf16_products = pass.precision == GemmPrecision::kBF16;
  rope(pass.ctx, a.q, o.query_heads, o.head_size, pass.rope, pass.positions, false);
  rope(pass.ctx, a.k, o.kv_heads, o.head_size, pass.rope, pass.positions, false);
  if (pass.cache) append_to_cache(pass, a);
  if (pass.mode == PassMode::kDecode) {
    const auto layer = static_cast<size_t>(index_);
    attention_decode(pass.ctx, a.q, pass.cache->keys[layer], pass.cache->values[layer], pass.cache->lengths,
                     pass.cache->slots, a.attention, options);
  } else {
    attention_forward(pass.ctx, a.q, a.k, a.v, pass.offsets, a.attention, a.lse, options);
  }
}

// Copies this pass's keys and values behind those already in their sequences' cache rows.
void DecoderLayer::append_to_cache(Pass& pass, const LayerActivations& a) const {
  KvCache& cache = *pass.cache;
  const Tensor& keys = cache.keys[static_cast<size_t>(index_)];
  const Tensor& values = cache.values[static_cast<size_t>(index_)];
  const int64_t cols = a.k.cols();
  const size_t row_bytes = dense_bytes(a.k.dtype, {cols});
  const int32_t* offsets = pass.offsets.as<int32_t>();
  const int32_t* positions = pass.positions.as<int32_t>();
  const int32_t* slots = cache.slots.as<int32_t>();
  const int64_t sequences = pass.offsets.shape[0] - 1;
  for (int64_t s = 0; s < sequences; ++s) {
    const int64_t first = offsets[s], count = offsets[s + 1] - first;
    const int64_t row = slots[s] * cache.capacity + positions[first];
    const size_t to = static_cast<size_t>(row) * row_bytes, from = static_cast<size_t>(first) * row_bytes;
    std::memcpy(static_cast<char*>(keys.data) + to, static_cast<const char*>(a.k.data) + from,
                static_cast<size_t>(count) * row_bytes);
    std::memcpy(static_cast<char*>(values.data) + to, static_cast<const char*>(a.v.data) + from,
                static_cast<size_t>(count) * row_bytes);
  }
}

void DecoderLayer::backward(Pass& pass, const Tensor& x, Tensor dx, LayerActivations& a, Workspace& w,
                            bool need_dx) const {
  backward_ffn(pass, dx, a, w);
  backward_attention(pass, x, dx, a, w, need_dx);
}

// dx += d middle. The norm's output is made again from the stream and inv_rms instead of being kept.
void DecoderLayer::backward_ffn(Pass& pass, Tensor dx, LayerActivations& a, Workspace& w) const {
  const Tensor dgated = w.gated;
  // The down projection's adapter and weight need silu(gate) * up, which shares a buffer with its own gradient: backward of the
  // activation writes the forward value over dgated, so dX comes first and the parameter gradients after.
  down_proj_.backward_input(pass, dx, dgated, false, w.dlow, w.dropped);
  gated_activation_backward(pass.ctx, dgated, a.gate, a.up, a.gate, a.up, w.gated, config_.activation);
  down_proj_.backward_parameters(pass, w.gated, dx, a.down_proj, w.dlow, w.dropped);
  post_norm_.forward(pass, a.middle, w.normed, a.inv_rms_ffn);
  gate_proj_.backward(pass, w.normed, a.gate, w.dnormed, false, a.gate_proj, w.dlow, w.dropped);
  up_proj_.backward(pass, w.normed, a.up, w.dnormed, true, a.up_proj, w.dlow, w.dropped);
  post_norm_.backward(pass, w.dnormed, a.middle, a.inv_rms_ffn, dx, true);
}

void DecoderLayer::backward_attention(Pass& pass, const Tensor& x, Tensor dx, LayerActivations& a, Workspace& w,
                                      bool need_dx) const {
  const AttentionOptions& o = config_.attention;
  const bool below = need_dx || input_norm_.trains();
  const bool qkv = below || q_proj_.trains() || k_proj_.trains() || v_proj_.trains();
  o_proj_.backward(pass, a.attention, dx, qkv ? w.dattention : Tensor{}, false, a.o_proj, w.dlow, w.dropped);
  if (!qkv) return;
  AttentionOptions options = o;
  options.bf16_products = pass.precision == GemmPrecision::kBF16;
  attention_backward(pass.ctx, w.dattention, a.q, a.k, a.v, a.attention, a.lse, pass.offsets, a.q, w.dk, w.dv, options);
  rope(pass.ctx, a.q, o.query_heads, o.head_size, pass.rope, pass.positions, true);
  rope(pass.ctx, w.dk, o.kv_heads, o.head_size, pass.rope, pass.positions, true);
  input_norm_.forward(pass, x, w.normed, a.inv_rms_attention);
  const Tensor dnormed = below ? w.dnormed : Tensor{};
  q_proj_.backward(pass, w.normed, a.q, dnormed, false, a.q_proj, w.dlow, w.dropped);
  k_proj_.backward(pass, w.normed, w.dk, dnormed, true, a.k_proj, w.dlow, w.dropped);
  v_proj_.backward(pass, w.normed, w.dv, dnormed, true, a.v_proj, w.dlow, w.dropped);
  if (below) input_norm_.backward(pass, w.dnormed, x, a.inv_rms_attention, dx, true);
}

size_t DecoderLayer::scratch_bytes(const Context& ctx, GemmPrecision precision, int64_t tokens, int64_t longest,
                                   bool train) const {
  size_t most = attention_scratch_bytes(ctx, config_.attention, tokens, longest);
  for (const Linear* l : linears()) {
    const int64_t rank = std::max<int64_t>(l->rank(), 1);
    most = std::max(most, gemm_scratch_bytes(ctx, precision, tokens, l->out(), l->in(), l->rank()));
    most = std::max(most, gemm_scratch_bytes(ctx, precision, tokens, rank, l->in()));
    if (!train) continue;
    most = std::max(most, gemm_scratch_bytes(ctx, precision, tokens, l->in(), l->out(), l->rank()));
    most = std::max(most, gemm_scratch_bytes(ctx, precision, tokens, rank, l->out()));
    most = std::max(most, gemm_scratch_bytes(ctx, precision, tokens, l->in(), rank));
    most = std::max(most, gemm_scratch_bytes(ctx, precision, l->out(), rank, tokens));
    most = std::max(most, gemm_scratch_bytes(ctx, precision, rank, l->in(), tokens));
    if (l->weight().trainable) most = std::max(most, gemm_scratch_bytes(ctx, precision, l->out(), l->in(), tokens));
  }
  return most;
}

}  // namespace anneal
