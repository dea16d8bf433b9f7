// Llama (also SmolLM2, TinyLlama, DeepSeek-LLM and other models that name themselves llama).
#include "core/error.h"
#include "models/common_config.h"
#include "models/dense_decoder.h"
#include "models/family.h"
#include "models/gguf/common_gguf.h"

namespace anneal {
namespace {

class LlamaFamily final : public Family {
 public:
  const char* name() const override { return "llama"; }
  const char* gguf_architecture() const override { return "llama"; }

  ModelConfig read_hf(const JsonValue& config, const std::string& where) const override {
    ModelConfig c = read_common_hf(config, where);
    c.qkv_bias = c.output_bias = config.get_bool_or("attention_bias", false, where);
    c.mlp_bias = config.get_bool_or("mlp_bias", false, where);
    return c;
  }

  ModelConfig read_gguf(const GgufFile& file) const override {
    if (file.get_int_or("llama.expert_count", 0) > 0)
      throw Error(ErrorCode::kUnsupported, "experts_not_supported", file.path(),
                  "llama.expert_count: mixtures of experts are not supported");
    ModelConfig c = read_common_gguf(file, "llama");
    c.family = name();
    return c;
  }

  std::string write_hf(const ModelConfig& config, const std::string& dtype) const override {
    return "{\n" + common_hf_fields(config, name(), "LlamaForCausalLM", dtype) + "\n}\n";
  }

  GgufPlace gguf_place(const ModelConfig& c, const std::string& hf_name) const override {
    return llama_gguf_place(c, hf_name);
  }

  std::unique_ptr<Decoder> build(const ModelConfig& config, ParameterSet& parameters) const override {
    return build_dense_decoder(config, parameters);
  }
};

}  // namespace

const Family& llama_family() {
  static const LlamaFamily family;
  return family;
}

}  // namespace anneal
