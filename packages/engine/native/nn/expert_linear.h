// The same linear layer of every expert of a mixture, optionally of two outputs that share an input and an adapter (gate and up).
#pragma once
#include <string>
#include <vector>

#include "nn/linear.h"

namespace anneal {

class ExpertLinear {
 public:
  // Declares NAME.EXPERT.PART.weight (out, in) of every expert and part; NAME is the path of the experts.
  ExpertLinear(ParameterSet& parameters, const std::string& name, int64_t experts, std::vector<std::string> parts, int64_t out,
               int64_t in);

  // PEFT's adapter on the experts' merged weight: lora_A (experts * r, in), lora_B (parts * out, r * experts) with the experts
  // innermost. In memory B is (experts * parts * out, r), so that each expert's part is one matrix. `nested`: the wrapper is the inner
  // one of two, and its tensors are called base_layer.*.
  void attach_lora(ParameterSet& parameters, const LoraConfig& config, uint32_t id, bool nested);

  const std::string& name() const { return name_; }
  const std::vector<std::string>& parts() const { return parts_; }
  int64_t experts() const { return static_cast<int64_t>(weights_.size()) / static_cast<int64_t>(parts_.size()); }
  int64_t in() const { return in_; }
  int64_t out() const { return out_; }  // of one part
  int64_t rank() const { return lora_a_ ? lora_.rank : 0; }
  uint32_t id() const { return id_; }
  const LoraConfig& lora() const { return lora_; }
  Parameter* lora_a() const { return lora_a_; }
  Parameter* lora_b() const { return lora_b_; }
  const Parameter& weight(int64_t expert, size_t part) const { return *weights_[static_cast<size_t>(expert) * parts_.size() + part]; }
  bool trains() const;

  // x (M, in) of one expert -> y[part] (M, out), overwritten; low (M, r) kept for backward. An empty y[0] makes only `low`.
  void forward(Pass& pass, int64_t expert, const Tensor& x, const std::vector<Tensor>& y, Tensor low) const;
  // dy[part] (M, out) -> dx (M, in), overwritten, empty = not wanted; dlow (M, r) overwritten, for backward_parameters.
  void backward_input(Pass& pass, int64_t expert, const std::vector<Tensor>& dy, Tensor dx, Tensor dlow) const;
  void backward_parameters(Pass& pass, int64_t expert, const Tensor& x, const std::vector<Tensor>& dy, const Tensor& low,
                           const Tensor& dlow) const;
  size_t scratch_bytes(const Context& ctx, GemmPrecision precision, int64_t tokens, bool train) const;

 private:
  // Rows of an adapter matrix that belong to one expert (and part).
  Tensor a_of(const Tensor& a, int64_t expert) const;
  Tensor b_of(const Tensor& b, int64_t expert, size_t part) const;

  std::string name_;
  std::vector<std::string> parts_;
  int64_t out_, in_;
  std::vector<Parameter*> weights_;  // expert by expert, part by part
  Parameter* lora_a_ = nullptr;
  Parameter* lora_b_ = nullptr;
  LoraConfig lora_;
  uint32_t id_ = 0;
};

using ExpertVisitor = std::function<void(ExpertLinear&)>;

}  // namespace anneal
