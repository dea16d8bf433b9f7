// A model family: how its configuration and tensor names read in each file format, and how its network is composed.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/gguf.h"
#include "io/json.h"
#include "models/gguf/gguf_place.h"
#include "models/model_config.h"
#include "nn/decoder.h"
#include "nn/parameter.h"

namespace anneal {

class Family {
 public:
  virtual ~Family() = default;
  // Hugging Face's model_type, and general.architecture of a GGUF.
  virtual const char* name() const = 0;
  virtual const char* gguf_architecture() const = 0;

  // Both throw kFormat naming the missing or impossible field and kUnsupported naming a setting this engine lacks.
  virtual ModelConfig read_hf(const JsonValue& config, const std::string& where) const = 0;
  virtual ModelConfig read_gguf(const GgufFile& file) const = 0;
  // config.json as transformers reads it.
  virtual std::string write_hf(const ModelConfig& config, const std::string& dtype) const = 0;

  // Families that share an architecture's name tell their files apart by what these hold.
  virtual bool owns_gguf(const GgufFile&) const { return true; }
  // Where a parameter lies in a GGUF.
  virtual GgufPlace gguf_place(const ModelConfig& config, const std::string& hf_name) const = 0;
  // Keys beyond those every architecture has, with "ARCH." in front; they win over those. Throws kUnsupported naming
  // the field of a configuration that llama.cpp would run otherwise than it was trained.
  virtual GgufMetadata gguf_keys(const ModelConfig&) const { return {}; }

  // Declares every parameter and composes the network over them.
  virtual std::unique_ptr<Decoder> build(const ModelConfig& config, ParameterSet& parameters) const = 0;
};

// Registry: one line per family (registry.cc). nullptr where unknown.
const Family* find_family(const std::string& model_type);
const Family* find_gguf_family(const GgufFile& file);
// "llama, qwen2": for messages.
std::string family_names();

const Family& llama_family();
const Family& qwen2_family();
const Family& mistral_family();
const Family& qwen3_family();
const Family& phi3_family();
const Family& gemma2_family();
const Family& gemma3_family();
const Family& qwen3_moe_family();
const Family& deepseek_v2_family();
const Family& deepseek_v3_family();

}  // namespace anneal
