// The network that most families share: grouped-query attention and a gated feed-forward, or a mixture of experts, in
// every layer.
#pragma once
#include <memory>

#include "models/model_config.h"
#include "nn/decoder.h"
#include "nn/parameter.h"

namespace anneal {

// What sets a family apart beyond its ModelConfig.
struct DenseFamily {
  bool fused_projections = false;  // qkv_proj and gate_up_proj
  bool qk_norm = false;
  bool post_norms = false;
  float norm_offset = 0.0f;      // norms multiply by (weight + offset)
  bool scale_embedding = false;  // by sqrt(C)
};

DecoderConfig dense_decoder_config(const ModelConfig& config, const DenseFamily& family = {});
std::unique_ptr<Decoder> build_dense_decoder(const ModelConfig& config, ParameterSet& parameters,
                                             const DenseFamily& family = {});

}  // namespace anneal
