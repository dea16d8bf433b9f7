#include "nn/decoder.h"

#include <algorithm>

#include "ops/cross_entropy.h"
#include "ops/elementwise.h"
#include "ops/embedding.h"

namespace anneal {
namespace {

LayerActivations activation_rows(const LayerActivations& full, int64_t n) {
  LayerActivations a = full;
  for (Tensor* t : {&a.inv_rms_attention, &a.q, &a.k, &a.v, &a.attention, &a.lse, &a.middle, &a.inv_rms_ffn, &a.gate, &a.up,
                    &a.q_proj.low, &a.k_proj.low, &a.v_proj.low, &a.o_proj.low, &a.gate_proj.low, &a.up_proj.low,
                    &a.down_proj.low})
    if (t->shape.rank > 0) t->shape.dims[0] = n;
  return a;
}

}  // namespace

Decoder::Decoder(ParameterSet& parameters, const DecoderConfig& config)
    : config_(config),
      embedding_(&parameters.declare("model.embed_tokens.weight", {config.vocab_size, config.layer.hidden_size})) {
  layers_.reserve(static_cast<size_t>(config.layers));
  for (int64_t i = 0; i < config.layers; ++i) layers_.emplace_back(parameters, config.layer, i);
  final_norm_.emplace_back(parameters, "model.norm", config.layer.hidden_size, config.layer.norm_epsilon);
  if (!config.tied_head) head_ = &parameters.declare("lm_head.weight", {config.vocab_size, config.layer.hidden_size});
}

void Decoder::for_each_linear(const LinearVisitor& visit) {
  for (DecoderLayer& layer : layers_) layer.for_each_linear(visit);
}

PassBuffers Decoder::place(MemoryLayout& layout, int64_t tokens, int64_t longest, DType act, bool train,
                           bool checkpointing) const {
  const DecoderLayerConfig& c = config_.layer;
  const AttentionOptions& o = c.attention;
  auto take = [&](Part part, DType dtype, const Shape& shape) { return layout.take(part, dtype, shape); };
  auto rows = [&](DType dtype, int64_t cols) { return take(Part::kActivations, dtype, {tokens, cols}); };
  auto vector = [&](DType dtype) { return take(Part::kActivations, dtype, {tokens}); };

  PassBuffers b;
  b.tokens = tokens;
  b.train = train;
  b.checkpointing = checkpointing;
  const int64_t kept = train && !checkpointing ? config_.layers : 1;
  for (int64_t i = 0; i < kept; ++i) b.layers.push_back(layers_[static_cast<size_t>(i)].place(layout, tokens, act));
  const int64_t streams = train ? config_.layers + 1 : 1;
  for (int64_t i = 0; i < streams; ++i) b.stream.push_back(rows(DType::kF32, c.hidden_size));

  b.workspace.normed = rows(act, c.hidden_size);
  b.workspace.gated = rows(act, c.ffn_size);
  int64_t rank = 0;
  bool dropout = false;
  for (const DecoderLayer& layer : layers_) {
    rank = std::max(rank, layer.max_rank());
    dropout = dropout || layer.has_dropout();
  }
  if (train) {
    b.workspace.dnormed = rows(DType::kF32, c.hidden_size);
    b.workspace.dattention = rows(act, o.query_heads * o.head_size);
    b.workspace.dk = rows(act, o.kv_heads * o.head_size);
    b.workspace.dv = rows(act, o.kv_heads * o.head_size);
    if (rank) b.workspace.dlow = rows(act, rank);
    if (dropout) b.workspace.dropped = rows(act, std::max({c.hidden_size, c.ffn_size, o.query_heads * o.head_size}));
    b.dhead_input = rows(DType::kF32, c.hidden_size);
  }
  const Shape table{longest, o.head_size / 2};
  b.rope = {take(Part::kRuntime, DType::kF32, table), take(Part::kRuntime, DType::kF32, table)};
  b.token_ids = vector(DType::kI32);
  b.positions = vector(DType::kI32);
  b.offsets = take(Part::kActivations, DType::kI32, {tokens + 1});
  b.head_rows = vector(DType::kI32);
  b.head_targets = vector(DType::kI32);
  b.head_weights = vector(DType::kF32);
  b.head_input = rows(DType::kF32, c.hidden_size);
  b.head_inv_rms = vector(DType::kF32);
  b.head_normed = rows(act, c.hidden_size);
  b.nll = vector(DType::kF32);
  b.best = vector(DType::kI32);
  return b;
}

void Decoder::fill_rope(PassBuffers& buffers) const { rope_fill_table(config_.rope_frequencies, 1.0f, buffers.rope); }

size_t Decoder::scratch_bytes(const Context& ctx, GemmPrecision precision, const PassBuffers& b, int64_t longest) const {
  size_t most = layers_.front().scratch_bytes(ctx, precision, b.tokens, longest, b.train);
  for (const DecoderLayer& layer : layers_)
    most = std::max(most, layer.scratch_bytes(ctx, precision, b.tokens, longest, b.train));
  CrossEntropyOptions options;
  options.precision = precision;
  most = std::max(most, cross_entropy_scratch_bytes(ctx, options, b.tokens, config_.layer.hidden_size, config_.vocab_size));
  most = std::max(most, gemm_scratch_bytes(ctx, precision, b.tokens, config_.vocab_size, config_.layer.hidden_size));
  return most;
}

// A buffer's first n rows; one with fewer columns than the buffer was made for would break contiguity, so rows only.
Workspace Decoder::workspace_rows(const Workspace& full, int64_t n) const {
  Workspace w = full;
  for (Tensor* t : {&w.normed, &w.gated, &w.dnormed, &w.dattention, &w.dk, &w.dv, &w.dlow, &w.dropped})
    if (t->shape.rank > 0) t->shape.dims[0] = n;
  return w;
}

Tensor Decoder::forward(Pass& pass, PassBuffers& b) const {
  const int64_t n = pass.tokens;
  const bool train = pass.mode == PassMode::kTrain;
  Workspace w = workspace_rows(b.workspace, n);
  Tensor x = first_rows(b.stream[0], n);
  embedding_forward(pass.ctx, pass.token_ids, embedding_->value, x);
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Tensor out = train ? first_rows(b.stream[i + 1], n) : x;
    LayerActivations a = activation_rows(b.layers[train && !b.checkpointing ? i : 0], n);
    layers_[i].forward(pass, x, out, a, w);
    x = out;
  }
  return x;
}

void Decoder::logits(Pass& pass, PassBuffers& b, const Tensor& stream, int64_t count, Tensor logits) const {
  const Tensor input = first_rows(b.head_input, count), normed = first_rows(b.head_normed, count);
  gather_rows(pass.ctx, stream, first_rows(b.head_rows, count), input);
  final_norm_[0].forward(pass, input, normed, first_rows(b.head_inv_rms, count));
  GemmOptions options;
  options.precision = pass.precision;
  gemm_abt(pass.ctx, normed, head().value, logits, options);
}

Tensor Decoder::loss(Pass& pass, PassBuffers& b, const Tensor& stream, int64_t count) const {
  const bool train = pass.mode == PassMode::kTrain;
  const Tensor rows = first_rows(b.head_rows, count);
  const Tensor input = first_rows(b.head_input, count), normed = first_rows(b.head_normed, count);
  const Tensor inv_rms = first_rows(b.head_inv_rms, count);
  gather_rows(pass.ctx, stream, rows, input);
  final_norm_[0].forward(pass, input, normed, inv_rms);
  CrossEntropyOptions options;
  options.precision = pass.precision;
  const Tensor dnormed = train ? first_rows(b.workspace.dnormed, count) : Tensor{};
  const Tensor weights = train ? first_rows(b.head_weights, count) : Tensor{};
  const Tensor dhead = train && head().trainable ? head().grad : Tensor{};
  cross_entropy_head(pass.ctx, normed, head().value, first_rows(b.head_targets, count), weights, first_rows(b.nll, count),
                     first_rows(b.best, count), dnormed, dhead, options);
  if (!train) return {};
  const Tensor dinput = first_rows(b.dhead_input, count);
  final_norm_[0].backward(pass, dnormed, input, inv_rms, dinput, false);
  fill_zero(pass.ctx, stream);
  scatter_rows(pass.ctx, dinput, rows, stream, false);
  return stream;
}

void Decoder::backward(Pass& pass, PassBuffers& b, Tensor dstream) const {
  const int64_t n = pass.tokens;
  Workspace w = workspace_rows(b.workspace, n);
  size_t first = 0;
  if (!embedding_->trainable)
    while (first < layers_.size() && !layers_[first].trains()) ++first;
  for (size_t i = layers_.size(); i-- > first;) {
    LayerActivations a = activation_rows(b.layers[b.checkpointing ? 0 : i], n);
    const Tensor x = first_rows(b.stream[i], n);
    // The last layer's activations are still in the shared buffers.
    if (b.checkpointing && i + 1 < layers_.size()) layers_[i].forward(pass, x, {}, a, w);
    layers_[i].backward(pass, x, dstream, a, w, i > first || embedding_->trainable);
  }
  if (embedding_->trainable) embedding_backward(pass.ctx, pass.token_ids, dstream, embedding_->grad);
}

}  // namespace anneal
