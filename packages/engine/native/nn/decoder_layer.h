// One pre-norm decoder layer: x += attention(norm(x)); x += feed_forward(norm(x)); with a norm behind each block too
// where the family has it.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "nn/attention_gqa.h"
#include "nn/attention_mla.h"
#include "nn/experts/moe.h"
#include "nn/mlp.h"
#include "nn/norm.h"

namespace anneal {

struct DecoderLayerConfig {
  int64_t hidden_size = 0;
  RmsNormOptions norm;
  bool post_norms = false;  // gemma: post_attention_layernorm and post_feedforward_layernorm behind the blocks
  std::variant<GqaConfig, MlaAttentionConfig> attention;
  std::variant<MlpConfig, MoeBlockConfig> feed_forward;
};

class DecoderLayer {
 public:
  // Declares "model.layers.INDEX.*" under Hugging Face's names.
  DecoderLayer(ParameterSet& parameters, const DecoderLayerConfig& config, int64_t index);

  void for_each_linear(const LinearVisitor& visit);
  void for_each_expert(const ExpertVisitor& visit) { feed_forward_->for_each_expert(visit); }
  // True where any parameter of this layer is trained.
  bool trains() const;
  const AttentionBlock& attention() const { return *attention_; }
  const Block& feed_forward() const { return *feed_forward_; }

  // Takes the tensors one layer needs for `tokens`.
  LayerActivations place(MemoryLayout& layout, int64_t tokens, DType act) const;
  // The same without what the feed-forward keeps.
  LayerActivations place_attention(MemoryLayout& layout, int64_t tokens, DType act) const;
  WorkspaceNeeds needs(bool train) const;
  bool has_post_norms() const { return config_.post_norms; }

  // x (N, C) f32 -> out (N, C) f32; out may be x outside of training; an empty out makes only `a` again
  // (checkpointing). With pass.rows out is (R, C) and not x, and everything behind the attention's sums is done for
  // those rows alone; `a` is cut to them.
  void forward(Pass& pass, const Tensor& x, Tensor out, LayerActivations& a, Workspace& w) const;

  // Makes only what the feed-forward keeps again, from what the attention kept.
  void forward_feed_forward(Pass& pass, LayerActivations& a, Workspace& w) const;

  // dout: the gradient of `out`, used up; dx (N, C) f32: that of x on return (unspecified when !need_dx); one tensor
  // without pass.rows, two with. What the blocks saved is used up. Gradients of trained parameters are added to.
  void backward(Pass& pass, const Tensor& x, Tensor dout, Tensor dx, LayerActivations& a, Workspace& w,
                bool need_dx) const;

  size_t scratch_bytes(const Context& ctx, GemmPrecision precision, int64_t tokens, int64_t longest, bool train) const;
  int64_t max_low_columns() const { return std::max(attention_->max_low_columns(), feed_forward_->max_low_columns()); }
  bool has_dropout() const { return attention_->has_dropout() || feed_forward_->has_dropout(); }
  int64_t widest_input() const { return std::max(attention_->widest_input(), feed_forward_->widest_input()); }

 private:
  // The halves of forward and backward around the attention's output.
  void forward_attention(Pass& pass, const Tensor& normed, const Tensor& x, LayerActivations& a, Workspace& w) const;
  void forward_rest(Pass& pass, Tensor out, LayerActivations& a, Workspace& w) const;
  Tensor backward_rest(Pass& pass, Tensor d, LayerActivations& a, Workspace& w) const;
  void add_normed(Pass& pass, const Norm& norm, const Tensor& y, Tensor inv_rms, const Tensor& x, Tensor out,
                  Workspace& w) const;

  DecoderLayerConfig config_;
  // Declaration order is the order of parameters in files.
  std::optional<Norm> input_norm_;
  std::unique_ptr<AttentionBlock> attention_;
  std::optional<Norm> post_attention_norm_;
  std::optional<Norm> ffn_norm_;
  std::unique_ptr<Block> feed_forward_;
  std::optional<Norm> post_ffn_norm_;
};

}  // namespace anneal
