// Gemma 2: norms before and behind each block, soft caps on scores and logits, every second layer with a sliding
// window.
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

// 0 (none) where it is null, `fallback` where it is missing.
double read_soft_cap(const JsonValue& config, const char* key, double fallback, const std::string& where) {
  return config.get_number_or(key, config.find(key) ? 0.0 : fallback, where);
}

class Gemma2Family final : public Family {
 public:
  const char* name() const override { return "gemma2"; }
  const char* gguf_architecture() const override { return "gemma2"; }

  ModelConfig read_hf(const JsonValue& config, const std::string& where) const override {
    ModelConfig c = read_common_hf(config, where, {.activation = "gelu_pytorch_tanh", .head_size = 256});
    c.qkv_bias = c.output_bias = config.get_bool_or("attention_bias", false, where);
    c.tied_head = config.get_bool_or("tie_word_embeddings", true, where);
    c.window = read_window(config, 4096, where);
    c.attention_scale = 1.0 / std::sqrt(config.get_number_or("query_pre_attn_scalar", 256.0, where));
    c.attention_soft_cap = read_soft_cap(config, "attn_logit_softcapping", 50.0, where);
    c.logit_soft_cap = read_soft_cap(config, "final_logit_softcapping", 30.0, where);
    read_layer_types(config, c, where, [](int64_t layer, int64_t) { return layer % 2 == 0; }, 0);
    return c;
  }

  ModelConfig read_gguf(const GgufFile& file) const override {
    ModelConfig c = read_common_gguf(file, "gemma2");
    c.family = name();
    read_gemma_gguf(file, "gemma2", c);
    c.attention_soft_cap = file.get_number_or("gemma2.attn_logit_softcapping", 50.0);
    c.logit_soft_cap = file.get_number_or("gemma2.final_logit_softcapping", 30.0);
    for (int64_t i = 0; i < c.layers; ++i)
      c.attention.push_back(i % 2 == 0 ? LayerAttention::kSliding : LayerAttention::kFull);
    return c;
  }

  std::string write_hf(const ModelConfig& config, const std::string& dtype) const override {
    return "{\n" + common_hf_fields(config, name(), "Gemma2ForCausalLM", dtype) + gemma_hf_fields(config) + "\n}\n";
  }

  GgufPlace gguf_place(const ModelConfig&, const std::string& hf_name) const override {
    return gemma_gguf_place(hf_name);
  }
  GgufMetadata gguf_keys(const ModelConfig& c) const override {
    for (int64_t i = 0; i < c.layers; ++i)
      if (c.slides(i) != (i % 2 == 0))
        refuse_gguf("gguf_windows_every_second", "layer_types",
                    "llama.cpp slides every second layer of {architecture} from the first",
                    {{"architecture", "gemma2"}});
    if (!c.tied_head)
      refuse_gguf("gguf_ties_head", "tie_word_embeddings", "llama.cpp always ties the head of {architecture}",
                  {{"architecture", "gemma2"}});
    if (!(c.attention_soft_cap > 0.0))
      refuse_gguf("gguf_caps_scores", "attn_logit_softcapping", "llama.cpp always caps the scores of {architecture}",
                  {{"architecture", "gemma2"}});
    if (!(c.logit_soft_cap > 0.0))
      refuse_gguf("gguf_caps_logits", "final_logit_softcapping", "llama.cpp always caps the logits of {architecture}",
                  {{"architecture", "gemma2"}});
    return gemma_gguf_keys(c, "gemma2");
  }

  std::unique_ptr<Decoder> build(const ModelConfig& config, ParameterSet& parameters) const override {
    return build_dense_decoder(config, parameters, {.post_norms = true, .norm_offset = 1.0f, .scale_embedding = true});
  }
};

}  // namespace

const Family& gemma2_family() {
  static const Gemma2Family family;
  return family;
}

}  // namespace anneal
