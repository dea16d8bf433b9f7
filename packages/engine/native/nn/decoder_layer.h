// One pre-norm decoder layer: x += attention(norm(x)); x += mlp(norm(x)). Grouped-query attention and gated feed-forward.
#pragma once
#include <cstdint>
#include <string>

#include "nn/activations.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "ops/swiglu.h"

namespace anneal {

struct DecoderLayerConfig {
  int64_t hidden_size = 0;
  int64_t ffn_size = 0;
  AttentionOptions attention;
  float norm_epsilon = 1e-6f;
  bool qkv_bias = false;
  bool output_bias = false;
  bool mlp_bias = false;
  Activation activation = Activation::kSilu;
};

class DecoderLayer {
 public:
  // Declares "model.layers.INDEX.*" under Hugging Face's names.
  DecoderLayer(ParameterSet& parameters, const DecoderLayerConfig& config, int64_t index);

  void for_each_linear(const LinearVisitor& visit);
  // True where any parameter of this layer is trained.
  bool trains() const;

  // Takes the tensors one layer needs for `tokens`; `saved` also those that backward reads.
  LayerActivations place(MemoryLayout& layout, int64_t tokens, DType act) const;

  // x (N, C) f32 -> out (N, C) f32; out may be x outside of training; an empty out makes only `a` again (checkpointing).
  void forward(Pass& pass, const Tensor& x, Tensor out, LayerActivations& a, Workspace& w) const;

  // dx (N, C) f32: the gradient of `out` on entry, of x on return (unspecified when !need_dx). q, gate and up of `a` are
  // overwritten. Gradients of trained parameters are added to.
  void backward(Pass& pass, const Tensor& x, Tensor dx, LayerActivations& a, Workspace& w, bool need_dx) const;

  // Scratch bytes of the ops of one layer, backward included when train.
  size_t scratch_bytes(const Context& ctx, GemmPrecision precision, int64_t tokens, int64_t longest, bool train) const;
  int64_t max_rank() const;
  bool has_dropout() const;

 private:
  void attend(Pass& pass, LayerActivations& a) const;
  void append_to_cache(Pass& pass, const LayerActivations& a) const;
  void backward_ffn(Pass& pass, Tensor dx, LayerActivations& a, Workspace& w) const;
  void backward_attention(Pass& pass, const Tensor& x, Tensor dx, LayerActivations& a, Workspace& w, bool need_dx) const;
  std::vector<const Linear*> linears() const {
    return {&q_proj_, &k_proj_, &v_proj_, &o_proj_, &gate_proj_, &up_proj_, &down_proj_};
  }

  DecoderLayerConfig config_;
  int64_t index_;
  // Declaration order is the order of parameters in files.
  Norm input_norm_;
  Linear q_proj_, k_proj_, v_proj_, o_proj_;
  Norm post_norm_;
  Linear gate_proj_, up_proj_, down_proj_;
};

}  // namespace anneal
