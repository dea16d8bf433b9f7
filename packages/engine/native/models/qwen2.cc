// Qwen2 and Qwen2.5: llama's layout with biases on Q, K and V; GGUF keeps Hugging Face's row order.
#include "core/error.h"
#include "models/common_config.h"
#include "models/dense_decoder.h"
#include "models/family.h"
#include "models/gguf/common_gguf.h"

namespace anneal {
namespace {

class Qwen2Family final : public Family {
 public:
  const char* name() const override { return "qwen2"; }
  const char* gguf_architecture() const override { return "qwen2"; }

  ModelConfig read_hf(const JsonValue& config, const std::string& where) const override {
    ModelConfig c = read_common_hf(config, where);
    c.qkv_bias = true;
    read_qwen_windows(config, c, where);
    return c;
  }

  ModelConfig read_gguf(const GgufFile& file) const override {
    ModelConfig c = read_common_gguf(file, "qwen2");
    c.family = name();
    return c;
  }

  std::string write_hf(const ModelConfig& config, const std::string& dtype) const override {
    return "{\n" + common_hf_fields(config, name(), "Qwen2ForCausalLM", dtype) + window_hf_fields(config) + "\n}\n";
  }

  GgufPlace gguf_place(const ModelConfig&, const std::string& hf_name) const override {
    return {.tensor = common_gguf_name(hf_name)};
  }
  GgufMetadata gguf_keys(const ModelConfig& c) const override {
    refuse_windows(c, "qwen2");
    if (c.heads * c.head_size != c.hidden_size)
      refuse_gguf("gguf_head_size", "head_dim", "llama.cpp needs hidden_size / num_attention_heads in {architecture}",
                  {{"architecture", "qwen2"}});
    return {};
  }

  std::unique_ptr<Decoder> build(const ModelConfig& config, ParameterSet& parameters) const override {
    return build_dense_decoder(config, parameters);
  }
};

}  // namespace

const Family& qwen2_family() {
  static const Qwen2Family family;
  return family;
}

}  // namespace anneal
