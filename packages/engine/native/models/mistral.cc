// Mistral 7B and its kin: llama with a sliding window in every layer. GGUF files of it call themselves llama (and leave
// the window out).
#include <algorithm>

#include "core/error.h"
#include "models/common_config.h"
#include "models/dense_decoder.h"
#include "models/family.h"
#include "models/gguf/common_gguf.h"

namespace anneal {
namespace {

class MistralFamily final : public Family {
 public:
  const char* name() const override { return "mistral"; }
  const char* gguf_architecture() const override { return "llama"; }

  ModelConfig read_hf(const JsonValue& config, const std::string& where) const override {
    ModelConfig c = read_common_hf(config, where);
    c.window = read_window(config, 4096, where);
    read_layer_types(config, c, where, [](int64_t, int64_t window) { return window > 0; }, c.window);
    return c;
  }

  ModelConfig read_gguf(const GgufFile& file) const override {
    ModelConfig c = read_common_gguf(file, "llama");
    c.family = name();
    return c;
  }

  std::string write_hf(const ModelConfig& config, const std::string& dtype) const override {
    const std::string window = config.window ? std::to_string(config.window) : "null";
    // With layer_types transformers takes another class (Ministral): only where layers differ.
    const auto sliding = std::count(config.attention.begin(), config.attention.end(), LayerAttention::kSliding);
    const bool mixed = config.window && sliding != config.layers;
    return "{\n" + common_hf_fields(config, name(), "MistralForCausalLM", dtype) +
           ",\n  \"sliding_window\": " + window + (mixed ? layer_types_hf_field(config) : "") + "\n}\n";
  }

  GgufPlace gguf_place(const ModelConfig& c, const std::string& hf_name) const override {
    return llama_gguf_place(c, hf_name);
  }

  std::unique_ptr<Decoder> build(const ModelConfig& config, ParameterSet& parameters) const override {
    return build_dense_decoder(config, parameters);
  }
};

}  // namespace

const Family& mistral_family() {
  static const MistralFamily family;
  return family;
}

}  // namespace anneal
