// Qwen3 mixtures of experts: qwen3's attention, softmax routing, no shared experts.
#include "core/error.h"
#include "models/common_config.h"
#include "models/dense_decoder.h"
#include "models/family.h"
#include "models/gguf/common_gguf.h"

namespace anneal {
namespace {

class Qwen3MoeFamily final : public Family {
 public:
  const char* name() const override { return "qwen3_moe"; }
  const char* gguf_architecture() const override { return "qwen3moe"; }

  ModelConfig read_hf(const JsonValue& config, const std::string& where) const override {
    ModelConfig c = read_common_hf(config, where);
    c.qkv_bias = c.output_bias = config.get_bool_or("attention_bias", false, where);
    // transformers slides every layer, whatever max_window_layers and layer_types say.
    if (config.get_bool_or("use_sliding_window", false, where))
      slide_everywhere(c, read_window(config, 4096, where), where);
    c.moe.experts = config.get_int_or("num_experts", config.get_int_or("num_local_experts", 128, where), where);
    c.moe.experts_per_token = config.get_int_or("num_experts_per_tok", 8, where);
    c.moe.ffn_size = config.get_int_or("moe_intermediate_size", 768, where);
    c.moe.normalise = config.get_bool_or("norm_topk_prob", false, where);
    const int64_t every = config.get_int_or("decoder_sparse_step", 1, where);
    if (every < 1)
      throw Error(ErrorCode::kFormat, "field_below_minimum", where, "{field} must be at least {minimum}",
                  {{"field", "decoder_sparse_step"}, {"minimum", 1}});
    if (c.layers < 1 || c.layers > 1024)
      throw Error(ErrorCode::kFormat, "not_between", where, "{field} must lie between {low} and {high}",
                  {{"field", "num_hidden_layers"}, {"low", 1}, {"high", 1024}});
    c.sparse.assign(static_cast<size_t>(c.layers), 0);
    for (int64_t i = 0; i < c.layers; ++i) c.sparse[static_cast<size_t>(i)] = (i + 1) % every == 0;
    if (const JsonValue* dense = config.find("mlp_only_layers"); dense && !dense->is_null())
      for (const JsonValue& layer : dense->as_array(where + ": mlp_only_layers")) {
        const int64_t i = layer.as_int(where + ": mlp_only_layers");
        if (i >= 0 && i < c.layers) c.sparse[static_cast<size_t>(i)] = 0;
      }
    return c;
  }

  ModelConfig read_gguf(const GgufFile& file) const override {
    ModelConfig c = read_common_gguf(file, "qwen3moe");
    c.family = name();
    c.moe.experts = file.get_int("qwen3moe.expert_count");
    c.moe.experts_per_token = file.get_int("qwen3moe.expert_used_count");
    if (c.moe.experts_per_token < 1)
      throw Error(ErrorCode::kFormat, "field_below_minimum", file.path(), "{field} must be at least {minimum}",
                  {{"field", "qwen3moe.expert_used_count"}, {"minimum", 1}});
    c.moe.ffn_size = file.get_int_or("qwen3moe.expert_feed_forward_length", c.ffn_size / c.moe.experts_per_token);
    c.moe.normalise = true;
    if (c.layers < 1 || c.layers > 1024)
      throw Error(ErrorCode::kFormat, "not_between", file.path(), "{field} must lie between {low} and {high}",
                  {{"field", "qwen3moe.block_count"}, {"low", 1}, {"high", 1024}});
    c.sparse.assign(static_cast<size_t>(c.layers), 1);
    return c;
  }

  std::string write_hf(const ModelConfig& c, const std::string& dtype) const override {
    std::string dense;
    for (size_t i = 0; i < c.sparse.size(); ++i)
      if (!c.sparse[i]) dense += (dense.empty() ? "" : ", ") + std::to_string(i);
    return "{\n" + common_hf_fields(c, name(), "Qwen3MoeForCausalLM", dtype) + window_hf_fields(c) +
           ",\n  \"num_experts\": " + std::to_string(c.moe.experts) +
           ",\n  \"num_experts_per_tok\": " + std::to_string(c.moe.experts_per_token) +
           ",\n  \"moe_intermediate_size\": " + std::to_string(c.moe.ffn_size) +
           ",\n  \"norm_topk_prob\": " + (c.moe.normalise ? "true" : "false") +
           ",\n  \"decoder_sparse_step\": 1,\n  \"mlp_only_layers\": [" + dense + "]\n}\n";
  }

  GgufPlace gguf_place(const ModelConfig& c, const std::string& hf_name) const override {
    return moe_gguf_place(c, hf_name);
  }
  GgufMetadata gguf_keys(const ModelConfig& c) const override {
    refuse_windows(c, "qwen3moe");
    for (int64_t i = 0; i < c.layers; ++i)
      if (!c.is_sparse(i))
        refuse_gguf("gguf_experts_every_layer", "mlp_only_layers",
                    "llama.cpp has experts in every layer of {architecture}, layer {layer} has none",
                    {{"architecture", "qwen3moe"}, {"layer", i}});
    if (!c.moe.normalise)
      refuse_gguf("gguf_normalises_experts", "norm_topk_prob", "llama.cpp always divides by the sum in {architecture}",
                  {{"architecture", "qwen3moe"}});
    GgufMetadata keys;
    keys.emplace_back("qwen3moe.expert_count", GgufValue::u32(static_cast<uint32_t>(c.moe.experts)));
    keys.emplace_back("qwen3moe.expert_used_count", GgufValue::u32(static_cast<uint32_t>(c.moe.experts_per_token)));
    keys.emplace_back("qwen3moe.expert_feed_forward_length", GgufValue::u32(static_cast<uint32_t>(c.moe.ffn_size)));
    return keys;
  }

  std::unique_ptr<Decoder> build(const ModelConfig& config, ParameterSet& parameters) const override {
    return build_dense_decoder(config, parameters, {.qk_norm = true});
  }
};

}  // namespace

const Family& qwen3_moe_family() {
  static const Qwen3MoeFamily family;
  return family;
}

}  // namespace anneal
