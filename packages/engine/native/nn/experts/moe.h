// A mixture of experts: a router sends every token to its k best experts, whose weighted answers are added up; shared
// experts see every token.
#pragma once
#include <optional>
#include <string>

#include "nn/mlp.h"
#include "ops/expert/router.h"

namespace anneal {

struct MoeBlockConfig {
  int64_t hidden_size = 0;
  int64_t experts = 0;
  int64_t ffn_size = 0;         // of one expert
  int64_t shared_ffn_size = 0;  // 0 = no shared experts
  bool shared_bias = false;
  bool correction_bias = false;
  RouterOptions router;
};

class Moe final : public Block {
 public:
  // Declares NAME.gate, NAME.experts.*, NAME.shared_experts.*.
  Moe(ParameterSet& parameters, const std::string& name, const MoeBlockConfig& config, int64_t layer);

  void for_each_linear(const LinearVisitor& visit) override;
  void for_each_expert(const ExpertVisitor& visit) override;
  bool trains() const override;
  WorkspaceNeeds needs(bool train) const override;
  Saved place(MemoryLayout& layout, int64_t tokens, DType act) const override;
  void forward(Pass& pass, const Tensor& x, Tensor out, const Tensor& residual, Saved& saved,
               Workspace& w) const override;
  void backward(Pass& pass, const Tensor& x, const Tensor& dout, Tensor dx, Saved& saved, Workspace& w) const override;
  size_t scratch_bytes(const Context& ctx, GemmPrecision precision, int64_t tokens, int64_t longest,
                       bool train) const override;
  int64_t max_low_columns() const override;

 private:
  void route(Pass& pass, const Tensor& x, Saved& s) const;
  // The sorted rows by expert, and within each by adapter where several train side by side; none is empty.
  std::vector<ExpertGroup> groups(const Pass& pass, const Saved& s) const;
  void backward_router(Pass& pass, const Tensor& x, Tensor dx, Saved& s) const;
  Saved shared_saved(const Saved& s) const;

  MoeBlockConfig config_;
  int64_t layer_;
  Parameter* gate_;
  Parameter* bias_ = nullptr;
  std::optional<ExpertLinear> gate_up_, down_;
  std::optional<Mlp> shared_;
};

}  // namespace anneal
