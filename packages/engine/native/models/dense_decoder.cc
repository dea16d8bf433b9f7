#include "models/dense_decoder.h"

#include <cmath>

namespace anneal {
namespace {

GqaConfig attention_config(const ModelConfig& c, const DenseFamily& family, int64_t layer) {
  GqaConfig g;
  g.hidden_size = c.hidden_size;
  g.fused = family.fused_projections;
  g.qkv_bias = c.qkv_bias;
  g.output_bias = c.output_bias;
  g.qk_norm = family.qk_norm;
  g.norm = {c.norm_epsilon, family.norm_offset};
  g.attention.query_heads = c.heads;
  g.attention.kv_heads = c.kv_heads;
  g.attention.head_size = c.head_size;
  g.attention.scale = static_cast<float>(c.attention_scale > 0.0 ? c.attention_scale
                                                                 : 1.0 / std::sqrt(static_cast<double>(c.head_size)));
  g.attention.window = c.slides(layer) ? c.window : 0;
  g.attention.soft_cap = static_cast<float>(c.attention_soft_cap);
  g.rope = c.has_local_rope && c.slides(layer) ? 1 : 0;
  return g;
}

MlaAttentionConfig latent_attention_config(const ModelConfig& c) {
  MlaAttentionConfig a;
  a.hidden_size = c.hidden_size;
  a.heads = c.heads;
  a.q_rank = c.mla.q_rank;
  a.kv_rank = c.mla.kv_rank;
  a.nope_size = c.mla.nope_size;
  a.rope_size = c.mla.rope_size;
  a.value_size = c.mla.value_size;
  a.bias = c.output_bias;
  a.interleaved = c.mla.interleaved;
  a.norm.epsilon = 1e-6f;  // transformers leaves the latents' norms at their default
  double scale = 1.0 / std::sqrt(static_cast<double>(c.mla.nope_size + c.mla.rope_size));
  if (c.rope.type != "default" && c.rope.mscale_all_dim != 0.0) {
    const double m = yarn_mscale(c.rope.factor, c.rope.mscale_all_dim);
    scale *= m * m;
  }
  a.scale = static_cast<float>(scale);
  return a;
}

MoeBlockConfig moe_config(const ModelConfig& c) {
  MoeBlockConfig m;
  m.hidden_size = c.hidden_size;
  m.experts = c.moe.experts;
  m.ffn_size = c.moe.ffn_size;
  m.shared_ffn_size = c.moe.shared_experts * c.moe.ffn_size;
  m.shared_bias = c.mlp_bias;
  m.correction_bias = c.moe.sigmoid;
  m.router = {c.moe.experts_per_token, c.moe.sigmoid,   c.moe.groups,
              c.moe.topk_groups,       c.moe.normalise, static_cast<float>(c.moe.scale)};
  return m;
}

}  // namespace

DecoderConfig dense_decoder_config(const ModelConfig& c, const DenseFamily& family) {
  DecoderConfig d;
  d.hidden_size = c.hidden_size;
  d.vocab_size = c.vocab_size;
  d.tied_head = c.tied_head;
  d.norm = {c.norm_epsilon, family.norm_offset};
  d.embedding_scale = family.scale_embedding ? static_cast<float>(std::sqrt(static_cast<double>(c.hidden_size))) : 1.0f;
  d.logit_soft_cap = static_cast<float>(c.logit_soft_cap);
  const int64_t rotated = c.mla.kv_rank ? c.mla.rope_size : c.rotated();
  d.ropes.push_back({rope_frequencies(c.rope, rotated), {}, rope_attention_factor(c.rope, c.context_length)});
  if (c.rope.type == "longrope") {
    d.ropes[0].long_frequencies = rope_frequencies(c.rope, rotated, true);
    d.short_tokens = c.rope.original_context;
  }
  if (c.has_local_rope)
    d.ropes.push_back(
        {rope_frequencies(c.local_rope, c.rotated()), {}, rope_attention_factor(c.local_rope, c.context_length)});
  for (int64_t i = 0; i < c.layers; ++i) {
    DecoderLayerConfig layer;
    layer.hidden_size = c.hidden_size;
    layer.norm = d.norm;
    layer.post_norms = family.post_norms;
    if (c.mla.kv_rank) {
      layer.attention = latent_attention_config(c);
    } else {
      layer.attention = attention_config(c, family, i);
    }
    if (c.is_sparse(i)) {
      layer.feed_forward = moe_config(c);
    } else {
      // In a mixture of experts the plain names mean the experts'.
      layer.feed_forward = MlpConfig{c.hidden_size,
                                     c.ffn_size,
                                     c.mlp_bias,
                                     family.fused_projections,
                                     c.gelu ? Activation::kGeluTanh : Activation::kSilu,
                                     c.moe.experts ? "mlp." : ""};
    }
    d.layers.push_back(layer);
  }
  return d;
}

std::unique_ptr<Decoder> build_dense_decoder(const ModelConfig& config, ParameterSet& parameters,
                                             const DenseFamily& family) {
  return std::make_unique<Decoder>(parameters, dense_decoder_config(config, family));
}

}  // namespace anneal
