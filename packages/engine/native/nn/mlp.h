// Gated feed-forward: down(act(gate(x)) * up(x)); gate and up in two linears or one.
#pragma once
#include <optional>
#include <string>

#include "nn/block.h"
#include "ops/swiglu.h"

namespace anneal {

struct MlpConfig {
  int64_t hidden_size = 0;
  int64_t ffn_size = 0;
  bool bias = false;
  bool fused = false;  // one gate_up_proj (phi3)
  Activation activation = Activation::kSilu;
  std::string target_prefix;  // before the linears' short names
};

class Mlp final : public Block {
 public:
  // Declares NAME.gate_proj and up_proj (or gate_up_proj), and down_proj.
  Mlp(ParameterSet& parameters, const std::string& name, const MlpConfig& config);

  void for_each_linear(const LinearVisitor& visit) override;
  WorkspaceNeeds needs(bool train) const override;
  Saved place(MemoryLayout& layout, int64_t tokens, DType act) const override;
  void forward(Pass& pass, const Tensor& x, Tensor out, const Tensor& residual, Saved& saved,
               Workspace& w) const override;
  void backward(Pass& pass, const Tensor& x, const Tensor& dout, Tensor dx, Saved& saved, Workspace& w) const override;

 private:
  MlpConfig config_;
  std::optional<Linear> gate_proj_, up_proj_, gate_up_proj_, down_proj_;
};

}  // namespace anneal
