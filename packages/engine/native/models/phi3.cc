// Phi-3: one projection for queries, keys and values, one for gate and up; part of a head may stay unrotated.
#include "core/error.h"
#include "models/common_config.h"
#include "models/dense_decoder.h"
#include "models/family.h"
#include "models/gguf/common_gguf.h"

namespace anneal {
namespace {

class Phi3Family final : public Family {
 public:
  const char* name() const override { return "phi3"; }
  const char* gguf_architecture() const override { return "phi3"; }

  ModelConfig read_hf(const JsonValue& config, const std::string& where) const override {
    ModelConfig c = read_common_hf(config, where, {.norm_epsilon = 1e-5, .rotates_part = true});
    slide_everywhere(c, read_window(config, 0, where), where);
    if (c.rope.type == "yarn") c.rope.type = "longrope";  // another name of it in early files
    if (c.rope.type == "longrope") {
      c.rope.original_context = config.get_int_or("original_max_position_embeddings", 4096, where);
      if (c.rope.attention_factor == 0.0)
        c.rope.attention_factor = static_cast<double>(rope_attention_factor(c.rope, c.context_length));
    }
    return c;
  }

  ModelConfig read_gguf(const GgufFile& file) const override {
    ModelConfig c = read_common_gguf(file, "phi3");
    c.family = name();
    // Converters keep the window, 0 for none; llama.cpp leaves it out.
    slide_everywhere(c, file.get_int_or("phi3.attention.sliding_window", 0), file.path());
    return c;
  }

  std::string write_hf(const ModelConfig& config, const std::string& dtype) const override {
    const std::string window = config.window ? std::to_string(config.window) : "null";
    // Beside the scaling too: transformers takes 4096 where it is not there.
    const std::string original = config.rope.type == "longrope" ? ",\n  \"original_max_position_embeddings\": " +
                                                                      std::to_string(config.rope.original_context)
                                                                : "";
    return "{\n" + common_hf_fields(config, name(), "Phi3ForCausalLM", dtype) + ",\n  \"sliding_window\": " + window +
           original + ",\n  \"pad_token_id\": null\n}\n";
  }

  GgufPlace gguf_place(const ModelConfig&, const std::string& hf_name) const override {
    return {.tensor = common_gguf_name(hf_name)};
  }
  GgufMetadata gguf_keys(const ModelConfig& c) const override {
    if (c.heads * c.head_size != c.hidden_size)
      refuse_gguf("gguf_head_size", "head_dim", "llama.cpp needs hidden_size / num_attention_heads in {architecture}",
                  {{"architecture", "phi3"}});
    return {{"phi3.attention.sliding_window", GgufValue::u32(static_cast<uint32_t>(c.window))}};
  }

  std::unique_ptr<Decoder> build(const ModelConfig& config, ParameterSet& parameters) const override {
    return build_dense_decoder(config, parameters, {.fused_projections = true});
  }
};

}  // namespace

const Family& phi3_family() {
  static const Phi3Family family;
  return family;
}

}  // namespace anneal
