// A causal language model: embedding, decoder layers, final norm, head. Runs forward, loss and backward over a placed
// set of buffers.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "nn/activations.h"
#include "nn/decoder_layer.h"
#include "nn/norm.h"
#include "nn/parameter.h"
#include "nn/pass.h"

namespace anneal {

// One rotation table: a layer's attention names it by its place in the decoder's list.
struct RopeSpec {
  std::vector<float> frequencies;       // half the rotated channels of a head
  std::vector<float> long_frequencies;  // of sequences beyond DecoderConfig::short_tokens (longrope); empty = the same
  float attention_factor = 1.0f;        // YaRN: every cosine and sine times this
};

struct DecoderConfig {
  int64_t hidden_size = 0;
  int64_t vocab_size = 0;
  bool tied_head = false;
  RmsNormOptions norm;           // of the final norm
  float embedding_scale = 1.0f;  // gemma: sqrt(C)
  float logit_soft_cap = 0.0f;   // gemma2; 0 = none
  std::vector<RopeSpec> ropes;
  int64_t short_tokens = 0;  // sequences of more tokens turn by the long frequencies; 0 = all alike
  std::vector<DecoderLayerConfig> layers;
};

// What the backward pass computes again instead of keeping it.
enum class Recompute { kNothing, kLayers, kFeedForward };

// What a supervised token's loss is made of, and whether its gradient is wanted.
struct HeadLoss {
  float label_smoothing = 0;
  float z_loss = 0;
  bool gradient = true;  // in training passes only
};

// Everything passes of up to `tokens` tokens write to. Made once, used for every micro-batch.
struct PassBuffers {
  int64_t tokens = 0;
  bool train = false;
  Recompute recompute = Recompute::kNothing;
  std::vector<LayerActivations>
      layers;                         // one per layer when training without checkpointing, else one per kind of layer
  std::vector<size_t> layer_buffers;  // which of them each layer uses
  std::vector<uint64_t> layer_bytes;  // of each of them
  std::vector<Tensor> stream;  // (N, C) f32: input of each layer and the last output; one in place when not training
  Workspace workspace;
  std::vector<RopeTable> ropes;  // (longest sequence, R/2) each, twice as many rows where long sequences turn otherwise
  int64_t long_rows = 0;         // the row where a long sequence starts; 0 = as any other
  Tensor token_ids, positions;   // (N) i32
  Tensor offsets;                // (N + 1) i32
  // The head sees supervised rows only.
  Tensor head_rows, head_targets;  // (N) i32
  Tensor head_weights;             // (N) f32: gradient of the loss with respect to each token's loss
  Tensor head_input, dhead_input;  // (N, C) f32
  Tensor head_inv_rms;             // (N) f32
  Tensor head_normed;              // (N, C) act
  Tensor nll, penalty;             // (N) f32: penalty is what smoothing and z-loss add
  Tensor best;                     // (N) i32
};

class Decoder {
 public:
  Decoder(ParameterSet& parameters, const DecoderConfig& config);
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  const DecoderConfig& config() const { return config_; }
  void for_each_linear(const LinearVisitor& visit);
  void for_each_expert(const ExpertVisitor& visit);
  int64_t layers() const { return static_cast<int64_t>(layers_.size()); }
  const AttentionBlock& attention(int64_t layer) const { return layers_[static_cast<size_t>(layer)].attention(); }

  PassBuffers place(MemoryLayout& layout, int64_t tokens, int64_t longest, DType act, bool train,
                    Recompute recompute) const;
  void fill_rope(PassBuffers& buffers) const;
  // Row of the rotation tables that the first token of a sequence of so many tokens turns by. A sequence that is
  // generated counts with all tokens it may get, so that keys in the cache and new ones turn alike (as llama.cpp
  // decides by the context it is given).
  int32_t first_position(const PassBuffers& buffers, int64_t tokens) const {
    return tokens > config_.short_tokens ? static_cast<int32_t>(buffers.long_rows) : 0;
  }
  size_t scratch_bytes(const Context& ctx, GemmPrecision precision, const PassBuffers& buffers, int64_t longest) const;

  // Token ids, positions and offsets are read from `pass`. Returns the stream after the last layer of the first `count`
  // tokens of buffers.head_rows, (count, C) f32 inside buffers; the last layer makes no other rows where it need not.
  // In training they must be distinct.
  Tensor forward(Pass& pass, PassBuffers& buffers, int64_t count) const;

  // Final norm and head over rows (R, C) that forward returned, or some of them. logits (R, V) f32 overwritten.
  void logits(Pass& pass, PassBuffers& buffers, const Tensor& rows, Tensor logits) const;

  // Final norm over rows that forward returned: what the head multiplies, (count, C) act inside buffers.
  Tensor head_input(Pass& pass, PassBuffers& buffers, const Tensor& rows) const;
  MatrixView head_view() const { return head().view(); }
  bool head_trains() const { return head().trainable; }
  // Gradient accumulated by the head's weight; empty when it is frozen.
  Tensor head_gradient() const { return head_trains() ? head().grad : Tensor{}; }

  // Loss of the supervised rows that forward returned: writes buffers.nll, penalty and best. In training with a
  // gradient also that of sum(head_weights * (nll + penalty)) with respect to the rows, (count, C) f32 inside buffers,
  // which is returned; else empty.
  Tensor loss(Pass& pass, PassBuffers& buffers, const Tensor& rows, const HeadLoss& options = {}) const;

  // Takes the gradient of head_input's result (workspace.dnormed) back to the rows, as loss() does.
  Tensor head_backward(Pass& pass, PassBuffers& buffers, const Tensor& rows) const;

  // drows as loss() returned it, used up. Adds to the gradients of every trained parameter; stops below the first
  // trained one.
  void backward(Pass& pass, PassBuffers& buffers, Tensor drows) const;

 private:
  const Parameter& head() const { return head_ ? *head_ : *embedding_; }
  // True where the last layer of this pass makes `count` rows alone.
  bool narrows(const Pass& pass, int64_t count) const;
  void add_noise(Pass& pass, const Tensor& x) const;
  void place_layers(MemoryLayout& layout, PassBuffers& buffers, DType act) const;

  DecoderConfig config_;
  Parameter* embedding_;
  std::vector<DecoderLayer> layers_;
  std::optional<Norm> final_norm_;  // declared after the layers
  Parameter* head_ = nullptr;       // nullptr when tied
};

}  // namespace anneal
