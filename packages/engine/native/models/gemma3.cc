// Gemma 3 (text): like Gemma 2 with norms on queries and keys instead of soft caps; sliding layers have a rotation of their own.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "models/common_config.h"
#include "models/dense_decoder.h"
#include "models/family.h"

namespace anneal {
namespace {

class Gemma3Family final : public Family {
 public:
  const char* name() const override { return "gemma3_text"; }
  const char* gguf_architecture() const override { return "gemma3"; }

  ModelConfig read_hf(const JsonValue& config, const std::string& where) const override {
    if (config.get_bool_or("use_bidirectional_attention", false, where))
      throw Error(ErrorCode::kUnsupported, where, "use_bidirectional_attention is not supported");
    ModelConfig c = read_common_hf(config, where, "gelu_pytorch_tanh");
    c.qkv_bias = c.output_bias = config.get_bool_or("attention_bias", false, where);
    c.tied_head = config.get_bool_or("tie_word_embeddings", true, where);
    c.window = config.get_int_or("sliding_window", 4096, where);
    c.attention_scale = 1.0 / std::sqrt(config.get_number_or("query_pre_attn_scalar", 256.0, where));
    c.attention_soft_cap = config.get_number_or("attn_logit_softcapping", 0.0, where);
    c.logit_soft_cap = config.get_number_or("final_logit_softcapping", 0.0, where);
    const JsonValue* by_kind = config.find("rope_parameters");
    if (by_kind && !by_kind->is_null() && by_kind->find("full_attention"))
      c.rope = read_layer_rope(config, "full_attention", 1000000.0, c.context_length, where);
    c.local_rope = read_layer_rope(config, "sliding_attention", config.get_number_or("rope_local_base_freq", 10000.0, where),
                                   c.context_length, where);
    c.has_local_rope = true;
    read_layer_types(config, c, where, [](int64_t layer, int64_t pattern) { return (layer + 1) % pattern != 0; },
                     std::max<int64_t>(1, config.get_int_or("sliding_window_pattern",
                                                            config.get_int_or("_sliding_window_pattern", 6, where), where)));
    return c;
  }

  ModelConfig read_gguf(const GgufFile& file) const override {
    ModelConfig c = read_common_gguf(file, "gemma3");
    c.family = name();
    return c;
  }

  std::string write_hf(const ModelConfig& config, const std::string& dtype) const override {
    return "{\n" + common_hf_fields(config, name(), "Gemma3ForCausalLM", dtype) + gemma_hf_fields(config) + "\n}\n";
  }

  std::string gguf_name(const std::string& hf_name) const override { return common_gguf_name(hf_name); }
  bool gguf_permutes(const std::string&) const override { return false; }

  std::unique_ptr<Decoder> build(const ModelConfig& config, ParameterSet& parameters) const override {
    return build_dense_decoder(config, parameters, {.qk_norm = true, .post_norms = true, .norm_offset = 1.0f, .scale_embedding = true});
  }
};

}  // namespace

const Family& gemma3_family() {
  static const Gemma3Family family;
  return family;
}

}  // namespace anneal
