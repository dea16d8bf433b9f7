// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434): keys and values come from one narrow latent per token,
// queries from another or straight from the stream; only a part of each head, whose key all heads share, is rotated.
#pragma once
#include <optional>
#include <string>

#include "nn/block.h"
#include "nn/norm.h"

namespace anneal {

struct MlaAttentionConfig {
  int64_t hidden_size = 0;
  int64_t heads = 0;
  int64_t q_rank = 0;  // 0 = queries straight from the stream
  int64_t kv_rank = 0;
  int64_t nope_size = 0, rope_size = 0, value_size = 0;  // per head: unrotated, rotated, value
  float scale = 0.0f;
  bool bias = false;
  bool interleaved = true;
  RmsNormOptions norm;  // of the latents
};

class MlaAttention final : public AttentionBlock {
 public:
  MlaAttention(ParameterSet& parameters, const std::string& name, const MlaAttentionConfig& config, int64_t layer);

  void for_each_linear(const LinearVisitor& visit) override;
  bool trains() const override;
  WorkspaceNeeds needs(bool train) const override;
  Saved place(MemoryLayout& layout, int64_t tokens, DType act) const override;
  void forward(Pass& pass, const Tensor& x, Tensor out, const Tensor& residual, Saved& saved,
               Workspace& w) const override;
  void backward(Pass& pass, const Tensor& x, const Tensor& dout, Tensor dx, Saved& saved, Workspace& w) const override;
  size_t scratch_bytes(const Context& ctx, GemmPrecision precision, int64_t tokens, int64_t longest,
                       bool train) const override;
  int64_t key_columns() const override { return config_.heads * key_size(); }
  int64_t value_columns() const override { return config_.heads * config_.value_size; }

 private:
  int64_t key_size() const { return config_.nope_size + config_.rope_size; }
  int64_t pair_size() const { return config_.nope_size + config_.value_size; }
  AttentionOptions options(bool bf16_products) const;
  void queries(Pass& pass, const Tensor& x, Saved& s, Workspace& w) const;
  void keys_and_values(Pass& pass, const Tensor& x, Saved& s, Workspace& w) const;
  void backward_keys(Pass& pass, const Tensor& x, const Tensor& dk, const Tensor& dv, Tensor dx, Saved& s,
                     Workspace& w) const;
  void backward_queries(Pass& pass, const Tensor& x, const Tensor& dq, Tensor dx, Saved& s, Workspace& w) const;

  MlaAttentionConfig config_;
  int64_t layer_;
  // Declaration order is the order of parameters in files.
  std::optional<Linear> q_proj_, q_a_proj_;
  std::optional<Norm> q_a_norm_;
  std::optional<Linear> q_b_proj_, kv_a_proj_;
  std::optional<Norm> kv_a_norm_;
  std::optional<Linear> kv_b_proj_, o_proj_;
};

}  // namespace anneal
