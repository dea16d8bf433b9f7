// Linear layer y = x W^T + b, optionally with a low-rank adapter as PEFT defines it: y += scale * dropout(x) A^T B^T.
// With DoRA y = f (x W^T + scale * x A^T B^T) + b, f = magnitude / |W + scale * B A| of each output, the norm held
// constant in backward.
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/philox.h"
#include "nn/parameter.h"
#include "nn/pass.h"

namespace anneal {

struct LoraConfig {
  int64_t rank = 0;
  double alpha = 0;
  float dropout = 0;
  bool rslora = false;
  bool dora = false;
  // alpha / rank, or alpha / sqrt(rank) with rsLoRA.
  float scale() const;
};

// One adapter of a linear.
struct LowRank {
  Parameter* a;  // (r, in)
  Parameter* b;  // (out, r)
  LoraConfig config;
  uint64_t seed;  // of its dropout
};

// Declares MODULE + SIDE (".lora_A", ".lora_B") as a trained matrix of the `index`th adapter. Adapters trained side by
// side have names, as PEFT has them in memory; their files leave them out.
Parameter* declare_low_rank(ParameterSet& parameters, const std::string& module, const std::string& side,
                            const Shape& shape, const std::string& adapter, size_t index);
// The largest of the adapters'; 0 without one.
int64_t largest_rank(const std::vector<LowRank>& adapters);

class Linear {
 public:
  // Declares NAME.weight (out, in) and, with bias, NAME.bias (out). `name` is Hugging Face's module path.
  Linear(ParameterSet& parameters, const std::string& name, int64_t out, int64_t in, bool bias);

  // Declares PEFT's lora_A (r, in) and lora_B (out, r), with DoRA lora_magnitude_vector (out). `id` and `seed` key the
  // dropout stream. Called again for every further adapter trained side by side.
  void attach_lora(ParameterSet& parameters, const LoraConfig& config, uint32_t id, uint64_t seed,
                   const std::string& adapter = "");

  const std::string& name() const { return name_; }
  // What a method's targets call it: the last part of the name ("q_proj"), behind a prefix where that alone would not
  // tell
  // ("shared_experts.gate_proj").
  std::string short_name() const { return target_prefix_ + name_.substr(name_.rfind('.') + 1); }
  void set_target_prefix(const std::string& prefix) { target_prefix_ = prefix; }
  int64_t in() const { return weight_->shape[1]; }
  int64_t out() const { return weight_->shape[0]; }
  const std::vector<LowRank>& adapters() const { return adapters_; }
  // The largest of the adapters'; 0 without one.
  int64_t rank() const;
  bool has_dropout() const { return !adapters_.empty() && adapters_[0].config.dropout > 0; }
  const Parameter& weight() const { return *weight_; }
  Parameter* bias() const { return bias_; }
  Parameter* magnitude() const { return magnitude_; }
  // Columns of `low` and `dlow` below, which hold more than the low-rank product with DoRA.
  int64_t saved_columns() const { return rank() + (magnitude_ ? out() : 0); }

  // DoRA, once the weights are loaded: measures W; a fresh adapter's magnitudes become W's norms.
  void start_dora(Context& ctx, bool fresh);
  // DoRA, whenever A, B or the magnitudes have changed.
  void refresh_dora(Context& ctx);
  size_t dora_scratch_bytes(const Context& ctx) const;
  // (out) DoRA's f, or null.
  const float* output_factors() const { return magnitude_ ? factors_.data() : nullptr; }
  // Forward passes then run with others; the next exchange brings the own ones back.
  void exchange_output_factors(float* others) { std::swap_ranges(factors_.begin(), factors_.end(), others); }
  // True where backward has anything to learn here.
  bool trains() const { return weight_->trainable || (bias_ && bias_->trainable) || !adapters_.empty(); }
  // Scratch of passes with several adapters, beside that of products.
  size_t side_by_side_bytes(int64_t tokens) const;

  // x (N, in); y (N, out) overwritten = linear(x) + residual (N, out; may be empty). `dropped` (N, in or more):
  // scratch, dropout only. low (N, saved_columns): scale * dropout(x) A^T, (N, r) end to end, and with DoRA behind it
  // the output before f, (N, out); written for backward; empty without an adapter. An empty y computes `low` alone, for
  // recomputed layers.
  void forward(Pass& pass, const Tensor& x, Tensor y, const Tensor& residual, Tensor low, Tensor dropped) const;

  // dy (N, out) -> dx (N, in), overwritten, or added to when accumulate_dx; empty = not wanted. dlow (N, saved_columns)
  // is overwritten and must reach backward_parameters as it is; dropped (N, in) is scratch.
  void backward_input(Pass& pass, const Tensor& dy, Tensor dx, bool accumulate_dx, Tensor dlow, Tensor dropped) const;
  // Adds to the gradients of trained parameters.
  void backward_parameters(Pass& pass, const Tensor& x, const Tensor& dy, const Tensor& low, const Tensor& dlow,
                           Tensor dropped) const;
  void backward(Pass& pass, const Tensor& x, const Tensor& dy, Tensor dx, bool accumulate_dx, const Tensor& low,
                Tensor dlow, Tensor dropped) const {
    backward_input(pass, dy, dx, accumulate_dx, dlow, dropped);
    backward_parameters(pass, x, dy, low, dlow, dropped);
  }

 private:
  bool dropout_active(const Pass& pass) const { return has_dropout() && pass.mode == PassMode::kTrain; }
  RandomStream stream(const Pass& pass, const LowRank& adapter) const;
  // The segments of a pass over n tokens; empty where the linear has no adapter or the pass uses none.
  std::vector<AdapterSegment> segments(const Pass& pass, int64_t n) const;
  // dropout(x) A^T * scale of one segment -> its part of `low`.
  void forward_low(Pass& pass, const AdapterSegment& s, const Tensor& x, const Tensor& low,
                   const Tensor& dropped) const;
  void forward_side_by_side(Pass& pass, const std::vector<AdapterSegment>& all, const Tensor& x, Tensor y,
                            const Tensor& residual, const Tensor& low) const;
  void backward_side_by_side(Pass& pass, const std::vector<AdapterSegment>& all, const Tensor& dy, Tensor dx,
                             bool accumulate_dx, const Tensor& dlow, const Tensor& dropped) const;
  void backward_through_dropout(Pass& pass, const AdapterSegment& s, const Tensor& dlow, Tensor dx,
                                const Tensor& dropped) const;
  // The low-rank part of `low` and `dlow` that belongs to a segment, and DoRA's part of n tokens.
  Tensor low_part(const Tensor& saved, const AdapterSegment& s) const;
  Tensor wide_part(const Tensor& saved, int64_t n) const;
  Tensor factors() const { return {const_cast<float*>(factors_.data()), DType::kF32, {out()}}; }
  Tensor inverse_norms() const { return {const_cast<float*>(inverse_norms_.data()), DType::kF32, {out()}}; }
  void forward_dora(Pass& pass, const Tensor& x, Tensor y, const Tensor& residual, const Tensor& saved) const;
  // The part of the scratch for dropped inputs, as wide as the widest layer, that n tokens of this layer fill.
  Tensor input_part(const Tensor& scratch, int64_t n) const { return {scratch.data, scratch.dtype, {n, in()}}; }

  std::string name_, target_prefix_;
  Parameter* weight_ = nullptr;
  Parameter* bias_ = nullptr;
  std::vector<LowRank> adapters_;
  Parameter* magnitude_ = nullptr;
  std::vector<float> weight_squares_, factors_, inverse_norms_;  // (out) each, with DoRA
  uint32_t id_ = 0;
};

using LinearVisitor = std::function<void(Linear&)>;

}  // namespace anneal
