// The same linear layer of every expert of a mixture, optionally of two outputs that share an input and an adapter
// (gate and up).
#pragma once
#include <string>
#include <vector>

#include "nn/linear.h"

namespace anneal {

// Rows [first, first + count) of the sorted order of a mixture's rows: those that one expert gets of one adapter's
// tokens.
struct ExpertGroup {
  int64_t expert, first, count;
  int adapter;
};

class ExpertLinear {
 public:
  // Declares NAME.EXPERT.PART.weight (out, in) of every expert and part; NAME is the path of the experts.
  ExpertLinear(ParameterSet& parameters, const std::string& name, int64_t experts, std::vector<std::string> parts,
               int64_t out, int64_t in);

  // PEFT's adapter on the experts' merged weight: lora_A (experts * r, in), lora_B (parts * out, r * experts) with the
  // experts innermost. In memory B is (experts * parts * out, r), so that each expert's part is one matrix. `nested`:
  // the wrapper is the inner one of two, and its tensors are called base_layer.*. Called again for every further
  // adapter trained side by side, as Linear's is.
  void attach_lora(ParameterSet& parameters, const LoraConfig& config, bool nested, const std::string& adapter = "");

  const std::string& name() const { return name_; }
  const std::vector<std::string>& parts() const { return parts_; }
  int64_t experts() const { return static_cast<int64_t>(weights_.size()) / static_cast<int64_t>(parts_.size()); }
  int64_t in() const { return in_; }
  int64_t out() const { return out_; }  // of one part
  const std::vector<LowRank>& adapters() const { return adapters_; }
  // The largest of the adapters'; 0 without one.
  int64_t rank() const;
  const Parameter& weight(int64_t expert, size_t part) const {
    return *weights_[static_cast<size_t>(expert) * parts_.size() + part];
  }
  bool trains() const;

  // The rows of one group: x (M, in) -> y[part] (M, out), overwritten; low (M, r of the adapter) kept for backward, in
  // a buffer of M * rank() elements. An empty y[0] makes only `low`.
  void forward(Pass& pass, const ExpertGroup& group, const Tensor& x, const std::vector<Tensor>& y,
               const Tensor& low) const;
  // dy[part] (M, out) -> dx (M, in), overwritten, empty = not wanted; dlow as `low`, overwritten, for
  // backward_parameters.
  void backward_input(Pass& pass, const ExpertGroup& group, const std::vector<Tensor>& dy, Tensor dx,
                      const Tensor& dlow) const;
  void backward_parameters(Pass& pass, const ExpertGroup& group, const Tensor& x, const std::vector<Tensor>& dy,
                           const Tensor& low, const Tensor& dlow) const;
  size_t scratch_bytes(const Context& ctx, GemmPrecision precision, int64_t tokens, bool train) const;

 private:
  // The adapter of a group's rows; null where there is none, or the pass uses none.
  const LowRank* adapter_of(const Pass& pass, const ExpertGroup& group) const;
  // Rows of an adapter matrix that belong to one expert (and part).
  Tensor a_of(const Tensor& a, int64_t rank, int64_t expert) const;
  Tensor b_of(const Tensor& b, int64_t expert, size_t part) const;

  std::string name_;
  std::vector<std::string> parts_;
  int64_t out_, in_;
  std::vector<Parameter*> weights_;  // expert by expert, part by part
  std::vector<LowRank> adapters_;
};

using ExpertVisitor = std::function<void(ExpertLinear&)>;

}  // namespace anneal
