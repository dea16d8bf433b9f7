// Qwen3: norms on the queries and keys of each head, an explicit head size, no biases.
#include "core/error.h"
#include "models/common_config.h"
#include "models/dense_decoder.h"
#include "models/family.h"
#include "models/gguf/common_gguf.h"

namespace anneal {
namespace {

class Qwen3Family final : public Family {
 public:
  const char* name() const override { return "qwen3"; }
  const char* gguf_architecture() const override { return "qwen3"; }

  ModelConfig read_hf(const JsonValue& config, const std::string& where) const override {
    ModelConfig c = read_common_hf(config, where, {.head_size = 128});
    c.qkv_bias = c.output_bias = config.get_bool_or("attention_bias", false, where);
    read_qwen_windows(config, c, where);
    return c;
  }

  ModelConfig read_gguf(const GgufFile& file) const override {
    ModelConfig c = read_common_gguf(file, "qwen3");
    c.family = name();
    return c;
  }

  std::string write_hf(const ModelConfig& config, const std::string& dtype) const override {
    return "{\n" + common_hf_fields(config, name(), "Qwen3ForCausalLM", dtype) + window_hf_fields(config) + "\n}\n";
  }

  GgufPlace gguf_place(const ModelConfig&, const std::string& hf_name) const override {
    return {.tensor = common_gguf_name(hf_name)};
  }
  GgufMetadata gguf_keys(const ModelConfig& c) const override {
    refuse_windows(c, "qwen3");
    return {};
  }

  std::unique_ptr<Decoder> build(const ModelConfig& config, ParameterSet& parameters) const override {
    return build_dense_decoder(config, parameters, {.qk_norm = true});
  }
};

}  // namespace

const Family& qwen3_family() {
  static const Qwen3Family family;
  return family;
}

}  // namespace anneal
