#include "models/dense_decoder.h"

#include <cmath>

namespace anneal {

std::unique_ptr<Decoder> build_dense_decoder(const ModelConfig& c, ParameterSet& parameters) {
  DecoderConfig d;
  d.layers = c.layers;
  d.vocab_size = c.vocab_size;
  d.tied_head = c.tied_head;
  d.rope_frequencies = rope_frequencies(c);
  d.layer.hidden_size = c.hidden_size;
  d.layer.ffn_size = c.ffn_size;
  d.layer.norm_epsilon = c.norm_epsilon;
  d.layer.qkv_bias = c.qkv_bias;
  d.layer.output_bias = c.output_bias;
  d.layer.mlp_bias = c.mlp_bias;
  d.layer.attention.query_heads = c.heads;
  d.layer.attention.kv_heads = c.kv_heads;
  d.layer.attention.head_size = c.head_size;
  d.layer.attention.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(c.head_size)));
  return std::make_unique<Decoder>(parameters, d);
}

}  // namespace anneal
