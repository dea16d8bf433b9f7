#include "nn/decoder.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "ops/elementwise.h"
#include "ops/embedding/embedding.h"
#include "ops/embedding/embedding_noise.h"
#include "ops/objective/cross_entropy.h"

namespace anneal {
namespace {

// Random stream of the embeddings' noise; linears count up from 0.
constexpr uint32_t kNoiseId = 0xffffu;

// Layers with the same key can share one set of buffers: everything they keep has the same shape.
std::string buffer_key(const LayerActivations& a) {
  std::string key;
  for (const Saved* saved : {&a.attention, &a.ffn})
    for (const Tensor& t : saved->tensors) key += t.shape.to_string();
  return key;
}

}  // namespace

Decoder::Decoder(ParameterSet& parameters, const DecoderConfig& config)
    : config_(config),
      embedding_(&parameters.declare("model.embed_tokens.weight", {config.vocab_size, config.hidden_size})) {
  layers_.reserve(config.layers.size());
  for (const DecoderLayerConfig& layer : config.layers)
    layers_.emplace_back(parameters, layer, static_cast<int64_t>(layers_.size()));
  final_norm_.emplace(parameters, "model.norm", config.hidden_size, config.norm);
  if (!config.tied_head) head_ = &parameters.declare("lm_head.weight", {config.vocab_size, config.hidden_size});
}

void Decoder::for_each_linear(const LinearVisitor& visit) {
  for (DecoderLayer& layer : layers_) layer.for_each_linear(visit);
}

void Decoder::for_each_expert(const ExpertVisitor& visit) {
  for (DecoderLayer& layer : layers_) layer.for_each_expert(visit);
}

PassBuffers Decoder::place(MemoryLayout& layout, int64_t tokens, int64_t longest, DType act, bool train,
                           Recompute recompute) const {
  const int64_t hidden = config_.hidden_size;
  auto take = [&](Part part, DType dtype, const Shape& shape) { return layout.take(part, dtype, shape); };
  auto rows = [&](DType dtype, int64_t cols) {
    return cols ? take(Part::kActivations, dtype, {tokens, cols}) : Tensor{};
  };
  auto vector = [&](DType dtype) { return take(Part::kActivations, dtype, {tokens}); };

  PassBuffers b;
  b.tokens = tokens;
  b.train = train;
  b.recompute = recompute;
  place_layers(layout, b, act);
  const size_t streams = train ? layers_.size() + 1 : 1;
  for (size_t i = 0; i < streams; ++i) b.stream.push_back(rows(DType::kF32, hidden));

  WorkspaceNeeds needs;
  int64_t low_columns = 0, widest = 0;
  bool dropout = false, post_norms = false;
  for (const DecoderLayer& layer : layers_) {
    needs.merge(layer.needs(train));
    low_columns = std::max(low_columns, layer.max_low_columns());
    widest = std::max(widest, layer.widest_input());
    dropout = dropout || layer.has_dropout();
    post_norms = post_norms || layer.has_post_norms();
  }
  b.workspace.normed = rows(act, hidden);
  for (int64_t cols : needs.act) b.workspace.act.push_back(rows(act, cols));
  for (int64_t cols : needs.f32) b.workspace.f32.push_back(rows(DType::kF32, cols));
  if (train) {
    b.workspace.dnormed = rows(DType::kF32, hidden);
    if (post_norms) b.workspace.dout = rows(DType::kF32, hidden);
    if (low_columns) b.workspace.dlow = rows(act, low_columns);
    if (dropout) b.workspace.dropped = rows(act, widest);
    b.dhead_input = rows(DType::kF32, hidden);
  }
  b.long_rows = config_.short_tokens && longest > config_.short_tokens ? longest : 0;
  for (const RopeSpec& rope : config_.ropes) {
    const Shape table{longest + b.long_rows, static_cast<int64_t>(rope.frequencies.size())};
    b.ropes.push_back({take(Part::kRuntime, DType::kF32, table), take(Part::kRuntime, DType::kF32, table)});
  }
  b.token_ids = vector(DType::kI32);
  b.positions = vector(DType::kI32);
  b.offsets = take(Part::kActivations, DType::kI32, {tokens + 1});
  b.head_rows = vector(DType::kI32);
  b.head_targets = vector(DType::kI32);
  b.head_weights = vector(DType::kF32);
  b.head_input = rows(DType::kF32, hidden);
  b.head_inv_rms = vector(DType::kF32);
  b.head_normed = rows(act, hidden);
  b.nll = vector(DType::kF32);
  b.penalty = vector(DType::kF32);
  b.best = vector(DType::kI32);
  return b;
}

void Decoder::place_layers(MemoryLayout& layout, PassBuffers& b, DType act) const {
  std::map<std::string, size_t> kinds;
  Saved feed_forward;  // shared by layers whose feed-forward is made again
  std::string feed_forward_key;
  for (const DecoderLayer& layer : layers_) {
    const uint64_t before = layout.total_bytes();
    if (b.train && b.recompute == Recompute::kFeedForward) {
      MemoryLayout counting;
      LayerActivations a = layer.place(counting, b.tokens, act);
      std::string key;
      for (const Tensor& t : a.ffn.tensors) key += t.shape.to_string();
      if (feed_forward.tensors.empty() || key != feed_forward_key)
        feed_forward = layer.feed_forward().place(layout, b.tokens, act);
      feed_forward_key = key;
      b.layer_buffers.push_back(b.layers.size());
      b.layers.push_back(layer.place_attention(layout, b.tokens, act));
      b.layers.back().ffn = feed_forward;
    } else {
      if (!b.train || b.recompute == Recompute::kLayers) {
        MemoryLayout counting;
        const auto [kind, is_new] =
            kinds.try_emplace(buffer_key(layer.place(counting, b.tokens, act)), b.layers.size());
        b.layer_buffers.push_back(kind->second);
        if (!is_new) continue;
      } else {
        b.layer_buffers.push_back(b.layers.size());
      }
      b.layers.push_back(layer.place(layout, b.tokens, act));
    }
    b.layer_bytes.push_back(layout.total_bytes() - before);
  }
}

void Decoder::fill_rope(PassBuffers& buffers) const {
  const auto part = [](Tensor t, int64_t first, int64_t count) {
    return Tensor{t.f32() + first * t.cols(), DType::kF32, {count, t.cols()}};
  };
  for (size_t i = 0; i < config_.ropes.size(); ++i) {
    const RopeSpec& rope = config_.ropes[i];
    const RopeTable& table = buffers.ropes[i];
    const int64_t rows = table.cos.rows() - buffers.long_rows;
    rope_fill_table(rope.frequencies, rope.attention_factor, {part(table.cos, 0, rows), part(table.sin, 0, rows)});
    if (buffers.long_rows)
      rope_fill_table(rope.long_frequencies.empty() ? rope.frequencies : rope.long_frequencies, rope.attention_factor,
                      {part(table.cos, rows, buffers.long_rows), part(table.sin, rows, buffers.long_rows)});
  }
}

size_t Decoder::scratch_bytes(const Context& ctx, GemmPrecision precision, const PassBuffers& b,
                              int64_t longest) const {
  size_t most = layers_.front().scratch_bytes(ctx, precision, b.tokens, longest, b.train);
  for (const DecoderLayer& layer : layers_)
    most = std::max(most, layer.scratch_bytes(ctx, precision, b.tokens, longest, b.train));
  CrossEntropyOptions options;
  options.precision = precision;
  most = std::max(most, cross_entropy_scratch_bytes(ctx, options, b.tokens, config_.hidden_size, config_.vocab_size,
                                                    head().trainable));
  most = std::max(most, gemm_scratch_bytes(ctx, precision, b.tokens, config_.vocab_size, config_.hidden_size));
  return most;
}

// Of adapters side by side each has the noise of training alone.
void Decoder::add_noise(Pass& pass, const Tensor& x) const {
  const auto stream = [&](uint64_t seed) { return RandomStream{seed, pass.step, (pass.micro_batch << 16) | kNoiseId}; };
  if (pass.segments.empty()) return add_embedding_noise(pass.ctx, x, pass.offsets, pass.noise_alpha, stream(pass.seed));
  const int32_t* offsets = pass.offsets.as<int32_t>();
  const int64_t sequences = pass.offsets.shape[0] - 1;
  int64_t s = 0;
  for (const AdapterSegment& segment : pass.segments) {
    std::vector<int32_t> own{0};
    for (; s < sequences && offsets[s + 1] <= segment.end; ++s)
      own.push_back(offsets[s + 1] - static_cast<int32_t>(segment.begin));
    const Tensor bounds{own.data(), DType::kI32, {static_cast<int64_t>(own.size())}};
    add_embedding_noise(pass.ctx, token_rows(x, segment), bounds, pass.noise_alpha, stream(segment.seed));
  }
}

// Balanced routers count every token. In training few rows would take gemm's path for few, whose bits differ from those
// of a larger batch.
bool Decoder::narrows(const Pass& pass, int64_t count) const {
  const bool few = pass.mode == PassMode::kTrain && count <= kSmallRows;
  return count > 0 && count < pass.tokens && !pass.balance && !few;
}

Tensor Decoder::forward(Pass& pass, PassBuffers& b, int64_t count) const {
  const int64_t n = pass.tokens;
  const bool train = pass.mode == PassMode::kTrain, narrow = narrows(pass, count);
  Workspace w = workspace_rows(b.workspace, n);
  Tensor x = first_rows(b.stream[0], n);
  const Tensor rows = first_rows(b.head_rows, count), wanted = first_rows(b.head_input, count);
  embedding_forward(pass.ctx, pass.token_ids, embedding_->view(), x, config_.embedding_scale);
  if (train && pass.noise_alpha > 0) add_noise(pass, x);
  for (size_t i = 0; i < layers_.size(); ++i) {
    const bool last = narrow && i + 1 == layers_.size();
    Tensor out = train ? first_rows(b.stream[i + 1], n) : x;
    if (last) {
      pass.rows = rows;
      out = wanted;
    }
    LayerActivations a = layer_rows(b.layers[b.layer_buffers[i]], n, out.rows());
    layers_[i].forward(pass, x, out, a, w);
    x = out;
  }
  pass.rows = {};
  if (!narrow && count > 0) gather_rows(pass.ctx, x, rows, wanted);
  return wanted;
}

Tensor Decoder::head_input(Pass& pass, PassBuffers& b, const Tensor& rows) const {
  const Tensor normed = first_rows(b.head_normed, rows.rows());
  final_norm_->forward(pass, rows, normed, first_rows(b.head_inv_rms, rows.rows()));
  return normed;
}

void Decoder::logits(Pass& pass, PassBuffers& b, const Tensor& rows, Tensor logits) const {
  const Tensor normed = head_input(pass, b, rows);
  GemmOptions options;
  options.precision = pass.precision;
  gemm_abt(pass.ctx, normed, head_view(), logits, options);
  if (config_.logit_soft_cap > 0) soft_cap(pass.ctx, logits, config_.logit_soft_cap);
}

Tensor Decoder::loss(Pass& pass, PassBuffers& b, const Tensor& rows, const HeadLoss& loss) const {
  const bool backward = pass.mode == PassMode::kTrain && loss.gradient;
  const int64_t count = rows.rows();
  const Tensor normed = head_input(pass, b, rows);
  CrossEntropyOptions options;
  options.precision = pass.precision;
  options.logit_soft_cap = config_.logit_soft_cap;
  options.label_smoothing = loss.label_smoothing;
  options.z_loss = loss.z_loss;
  const Tensor dnormed = backward ? first_rows(b.workspace.dnormed, count) : Tensor{};
  const Tensor weights = backward ? first_rows(b.head_weights, count) : Tensor{};
  cross_entropy_head(pass.ctx, normed, head_view(), first_rows(b.head_targets, count), weights,
                     first_rows(b.nll, count), first_rows(b.penalty, count), first_rows(b.best, count), dnormed,
                     backward ? head_gradient() : Tensor{}, options);
  return backward ? head_backward(pass, b, rows) : Tensor{};
}

Tensor Decoder::head_backward(Pass& pass, PassBuffers& b, const Tensor& rows) const {
  const int64_t count = rows.rows();
  const Tensor drows = first_rows(b.dhead_input, count);
  final_norm_->backward(pass, first_rows(b.workspace.dnormed, count), rows, first_rows(b.head_inv_rms, count), drows,
                        false);
  return drows;
}

void Decoder::backward(Pass& pass, PassBuffers& b, Tensor drows) const {
  const int64_t n = pass.tokens;
  Workspace w = workspace_rows(b.workspace, n);
  const Tensor rows = first_rows(b.head_rows, drows.rows()), dstream = first_rows(b.stream.back(), n);
  const bool narrow = narrows(pass, drows.rows());
  if (!narrow) {
    fill_zero(pass.ctx, dstream);
    scatter_rows(pass.ctx, drows, rows, dstream, false);
  }
  size_t first = 0;
  if (!embedding_->trainable)
    while (first < layers_.size() && !layers_[first].trains()) ++first;
  for (size_t i = layers_.size(); i-- > first;) {
    const bool last = i + 1 == layers_.size();
    const Tensor dout = last && narrow ? drows : dstream;
    LayerActivations a = layer_rows(b.layers[b.layer_buffers[i]], n, dout.rows());
    const Tensor x = first_rows(b.stream[i], n);
    // The last layer's activations are still in the shared buffers.
    if (!last && b.recompute == Recompute::kLayers) layers_[i].forward(pass, x, {}, a, w);
    if (!last && b.recompute == Recompute::kFeedForward) layers_[i].forward_feed_forward(pass, a, w);
    if (last && narrow) pass.rows = rows;
    layers_[i].backward(pass, x, dout, dstream, a, w, i > first || embedding_->trainable);
    pass.rows = {};
  }
  if (embedding_->trainable)
    embedding_backward(pass.ctx, pass.token_ids, dstream, embedding_->grad, config_.embedding_scale);
}

}  // namespace anneal
