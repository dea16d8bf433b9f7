// Grouped-query attention: q, k, v in three linears or one, norms on queries and keys where the family has them,
// rotation, window, soft cap.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "nn/block.h"
#include "nn/norm.h"

namespace anneal {

struct GqaConfig {
  int64_t hidden_size = 0;
  AttentionOptions attention;
  bool fused = false;  // one qkv_proj (phi3)
  bool qkv_bias = false;
  bool output_bias = false;
  bool qk_norm = false;  // RMSNorm over each head before the rotation (qwen3, gemma3)
  RmsNormOptions norm;
  size_t rope = 0;  // which of the decoder's rotation tables
};

class GqaAttention final : public AttentionBlock {
 public:
  // Declares NAME.q_proj, k_proj, v_proj (or qkv_proj), o_proj, q_norm and k_norm; `layer` is its row of the cache.
  GqaAttention(ParameterSet& parameters, const std::string& name, const GqaConfig& config, int64_t layer);

  void for_each_linear(const LinearVisitor& visit) override;
  bool trains() const override;
  WorkspaceNeeds needs(bool train) const override;
  Saved place(MemoryLayout& layout, int64_t tokens, DType act) const override;
  void forward(Pass& pass, const Tensor& x, Tensor out, const Tensor& residual, Saved& saved,
               Workspace& w) const override;
  void backward(Pass& pass, const Tensor& x, const Tensor& dout, Tensor dx, Saved& saved, Workspace& w) const override;
  size_t scratch_bytes(const Context& ctx, GemmPrecision precision, int64_t tokens, int64_t longest,
                       bool train) const override;
  int64_t key_columns() const override { return config_.attention.kv_heads * config_.attention.head_size; }
  int64_t value_columns() const override { return key_columns(); }

 private:
  int64_t query_columns() const { return config_.attention.query_heads * config_.attention.head_size; }
  void project(Pass& pass, const Tensor& x, Saved& s, Workspace& w) const;
  void attend(Pass& pass, Saved& s) const;
  // True where anything before the attention itself is trained.
  bool trains_projections() const;
  void backward_norm(Pass& pass, const Norm& norm, const Tensor& dy, const Tensor& raw, const Tensor& inv_rms,
                     Tensor d) const;

  GqaConfig config_;
  int64_t layer_;
  // Declaration order is the order of parameters in files.
  std::optional<Linear> q_proj_, k_proj_, v_proj_, qkv_proj_;
  std::optional<Linear> o_proj_;
  std::optional<Norm> q_norm_, k_norm_;
};

}  // namespace anneal
