// DeepSeek-V2 (also V2-Lite) and V3 (also R1): latent attention, shared experts, experts chosen within groups. V2
// scores them by a softmax, V3 by sigmoids with a correction bias.
#include "core/error.h"
#include "models/common_config.h"
#include "models/dense_decoder.h"
#include "models/family.h"
#include "models/gguf/deepseek_gguf.h"

namespace anneal {
namespace {

class DeepseekFamily final : public Family {
 public:
  explicit DeepseekFamily(bool v3) : v3_(v3) {}
  const char* name() const override { return v3_ ? "deepseek_v3" : "deepseek_v2"; }
  const char* gguf_architecture() const override { return "deepseek2"; }

  ModelConfig read_hf(const JsonValue& config, const std::string& where) const override {
    ModelConfig c = read_common_hf(config, where);
    c.qkv_bias = c.output_bias = config.get_bool_or("attention_bias", false, where);
    if (!v3_) c.mlp_bias = config.get_bool_or("mlp_bias", false, where);
    c.mla.q_rank = config.get_int_or("q_lora_rank", 0, where);
    c.mla.kv_rank = config.get_int("kv_lora_rank", where);
    c.mla.nope_size = config.get_int("qk_nope_head_dim", where);
    c.mla.rope_size = config.get_int("qk_rope_head_dim", where);
    c.mla.value_size = config.get_int("v_head_dim", where);
    c.mla.interleaved = v3_ ? config.get_bool_or("rope_interleave", true, where) : true;
    c.rotary_size = 0;
    if (c.mla.kv_rank < 1)
      throw Error(ErrorCode::kFormat, "field_below_minimum", where, "{field} must be at least {minimum}",
                  {{"field", "kv_lora_rank"}, {"minimum", 1}});
    c.head_size = c.mla.nope_size + c.mla.rope_size;
    read_experts(config, c, where);
    return c;
  }

  ModelConfig read_gguf(const GgufFile& file) const override {
    ModelConfig c = read_deepseek_gguf(file);
    c.family = name();
    c.moe.balance_by_sequence = true;
    return c;
  }
  bool owns_gguf(const GgufFile& file) const override { return deepseek_gguf_is_sigmoid(file) == v3_; }

  std::string write_hf(const ModelConfig& c, const std::string& dtype) const override {
    std::string s = "{\n" + common_hf_fields(c, name(), v3_ ? "DeepseekV3ForCausalLM" : "DeepseekV2ForCausalLM", dtype);
    auto field = [&s](const char* key, const std::string& value) {
      s += std::string(",\n  \"") + key + "\": " + value;
    };
    auto integer = [](int64_t value) { return std::to_string(value); };
    int64_t dense = 0;
    while (dense < c.layers && !c.is_sparse(dense)) ++dense;
    field("q_lora_rank", c.mla.q_rank ? integer(c.mla.q_rank) : "null");
    field("kv_lora_rank", integer(c.mla.kv_rank));
    field("qk_nope_head_dim", integer(c.mla.nope_size));
    field("qk_rope_head_dim", integer(c.mla.rope_size));
    field("v_head_dim", integer(c.mla.value_size));
    field("n_routed_experts", integer(c.moe.experts));
    field("n_shared_experts", integer(c.moe.shared_experts));
    field("num_experts_per_tok", integer(c.moe.experts_per_token));
    field("moe_intermediate_size", integer(c.moe.ffn_size));
    field("first_k_dense_replace", integer(dense));
    field("n_group", integer(c.moe.groups));
    field("topk_group", integer(c.moe.topk_groups));
    field("norm_topk_prob", c.moe.normalise ? "true" : "false");
    field("routed_scaling_factor", json_number(c.moe.scale));
    if (v3_) {
      field("rope_interleave", c.mla.interleaved ? "true" : "false");
    } else {
      field("topk_method", c.moe.groups > 1 ? "\"group_limited_greedy\"" : "\"greedy\"");
    }
    return s + "\n}\n";
  }

  GgufPlace gguf_place(const ModelConfig& c, const std::string& hf_name) const override {
    return deepseek_gguf_place(c, hf_name);
  }
  GgufMetadata gguf_keys(const ModelConfig& c) const override { return deepseek_gguf_keys(c); }

  std::unique_ptr<Decoder> build(const ModelConfig& config, ParameterSet& parameters) const override {
    return build_dense_decoder(config, parameters);
  }

 private:
  void read_experts(const JsonValue& config, ModelConfig& c, const std::string& where) const {
    MoeConfig& m = c.moe;
    m.experts = config.get_int_or("n_routed_experts", config.get_int_or("num_local_experts", 0, where), where);
    if (m.experts == 0) return;
    m.experts_per_token = config.get_int("num_experts_per_tok", where);
    m.ffn_size = config.get_int("moe_intermediate_size", where);
    m.shared_experts = config.get_int_or("n_shared_experts", 0, where);
    m.sigmoid = v3_;
    m.balance_by_sequence = true;
    m.scale = config.get_number_or("routed_scaling_factor", 1.0, where);
    m.normalise = config.get_bool_or("norm_topk_prob", v3_, where);
    const std::string method = config.get_string_or("topk_method", v3_ ? "noaux_tc" : "greedy", where);
    if (v3_ || method == "group_limited_greedy") {
      m.groups = config.get_int_or("n_group", 1, where);
      m.topk_groups = config.get_int_or("topk_group", 1, where);
    } else if (method != "greedy") {
      throw Error(ErrorCode::kUnsupported, "not_supported_but", where,
                  "{setting} is not supported; supported are {supported}",
                  {{"setting", "topk_method \"" + method + "\""}, {"supported", "greedy and group_limited_greedy"}});
    }
    // transformers leaves norm_topk_prob of V2 out; a model that asks for it would be trained as another one.
    if (!v3_ && m.normalise)
      throw Error(ErrorCode::kUnsupported, "not_supported_for", where, "{field} is not supported for {family}",
                  {{"field", "norm_topk_prob"}, {"family", "deepseek_v2"}});
    if (config.get_int_or("moe_layer_freq", 1, where) != 1)
      throw Error(ErrorCode::kUnsupported, "other_than_not_supported", where,
                  "{field} other than {only} is not supported", {{"field", "moe_layer_freq"}, {"only", 1}});
    if (c.layers < 1 || c.layers > 1024)
      throw Error(ErrorCode::kFormat, "not_between", where, "{field} must lie between {low} and {high}",
                  {{"field", "num_hidden_layers"}, {"low", 1}, {"high", 1024}});
    const int64_t dense = config.get_int_or("first_k_dense_replace", 0, where);
    c.sparse.assign(static_cast<size_t>(c.layers), 0);
    for (int64_t i = 0; i < c.layers; ++i) c.sparse[static_cast<size_t>(i)] = i >= dense;
  }

  bool v3_;
};

}  // namespace

const Family& deepseek_v2_family() {
  static const DeepseekFamily family(false);
  return family;
}

const Family& deepseek_v3_family() {
  static const DeepseekFamily family(true);
  return family;
}

}  // namespace anneal
