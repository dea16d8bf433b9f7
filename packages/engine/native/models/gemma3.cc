// Gemma 3 (text): like Gemma 2 with norms on queries and keys instead of soft caps; sliding layers have a rotation of
// their own.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "models/common_config.h"
#include "models/dense_decoder.h"
#include "models/family.h"
#include "models/gguf/common_gguf.h"
#include "models/gguf/gemma_gguf.h"

namespace anneal {
namespace {

constexpr HfDefaults kDefaults{.activation = "gelu_pytorch_tanh", .head_size = 256, .theta = 1e6, .rope_by_kind = true};

class Gemma3Family final : public Family {
 public:
  const char* name() const override { return "gemma3_text"; }
  const char* gguf_architecture() const override { return "gemma3"; }

  ModelConfig read_hf(const JsonValue& config, const std::string& where) const override {
    if (config.get_bool_or("use_bidirectional_attention", false, where))
      throw Error(ErrorCode::kUnsupported, "not_supported", where, "{field} is not supported",
                  {{"field", "use_bidirectional_attention"}});
    ModelConfig c = read_common_hf(config, where, kDefaults);
    c.qkv_bias = c.output_bias = config.get_bool_or("attention_bias", false, where);
    c.tied_head = config.get_bool_or("tie_word_embeddings", true, where);
    c.window = read_window(config, 4096, where);
    c.attention_scale = 1.0 / std::sqrt(config.get_number_or("query_pre_attn_scalar", 256.0, where));
    // transformers reads attn_logit_softcapping and caps no scores.
    c.logit_soft_cap = config.get_number_or("final_logit_softcapping", 0.0, where);
    const JsonValue* by_kind = config.find("rope_parameters");
    if (by_kind && !by_kind->is_null())
      c.rope = read_layer_rope(config, "full_attention", kDefaults.theta, c.context_length, where);
    c.local_rope =
        read_layer_rope(config, "sliding_attention", config.get_number_or("rope_local_base_freq", 10000.0, where),
                        c.context_length, where);
    c.has_local_rope = true;
    read_layer_types(
        config, c, where, [](int64_t layer, int64_t pattern) { return (layer + 1) % pattern != 0; },
        std::max<int64_t>(1, config.get_int_or("sliding_window_pattern", 6, where)));
    return c;
  }

  ModelConfig read_gguf(const GgufFile& file) const override {
    ModelConfig c = read_common_gguf(file, "gemma3");
    c.family = name();
    read_gemma_gguf(file, "gemma3", c);
    c.local_rope.theta = file.get_number_or("gemma3.rope.freq_base_swa", 10000.0);
    c.has_local_rope = true;
    // Without a window every layer is full.
    const bool slides = file.get_int_or("gemma3.attention.sliding_window", 0) > 0;
    const int64_t pattern = slides ? file.get_int_or("gemma3.attention.sliding_window_pattern", 6) : 1;
    if (pattern < 1)
      throw Error(ErrorCode::kFormat, "field_below_minimum", file.path(), "{field} must be at least {minimum}",
                  {{"field", "gemma3.attention.sliding_window_pattern"}, {"minimum", 1}});
    for (int64_t i = 0; i < c.layers; ++i)
      c.attention.push_back(i % pattern < pattern - 1 ? LayerAttention::kSliding : LayerAttention::kFull);
    return c;
  }

  std::string write_hf(const ModelConfig& config, const std::string& dtype) const override {
    return "{\n" + common_hf_fields(config, name(), "Gemma3ForCausalLM", dtype) + gemma_hf_fields(config) + "\n}\n";
  }

  GgufPlace gguf_place(const ModelConfig&, const std::string& hf_name) const override {
    return gemma_gguf_place(hf_name);
  }
  GgufMetadata gguf_keys(const ModelConfig& c) const override {
    GgufMetadata keys = gemma_gguf_keys(c, "gemma3");
    keys.emplace_back("gemma3.rope.freq_base_swa", GgufValue::f32(static_cast<float>(c.local_rope.theta)));
    keys.emplace_back("gemma3.attention.sliding_window_pattern", GgufValue::u32(pattern_of(c)));
    return keys;
  }

 private:
  // The period at which a full layer comes; llama.cpp knows no other arrangement.
  static uint32_t pattern_of(const ModelConfig& c) {
    for (int64_t pattern = 1; pattern <= c.layers + 1; ++pattern) {
      bool fits = true;
      for (int64_t i = 0; i < c.layers && fits; ++i) fits = c.slides(i) == (i % pattern < pattern - 1);
      if (fits) return static_cast<uint32_t>(pattern);
    }
    refuse_gguf("gguf_full_layer_last", "layer_types", "llama.cpp needs a full layer at the end of every period");
  }

 public:
  std::unique_ptr<Decoder> build(const ModelConfig& config, ParameterSet& parameters) const override {
    return build_dense_decoder(config, parameters,
                               {.qk_norm = true, .post_norms = true, .norm_offset = 1.0f, .scale_embedding = true});
  }
};

}  // namespace

const Family& gemma3_family() {
  static const Gemma3Family family;
  return family;
}

}  // namespace anneal
