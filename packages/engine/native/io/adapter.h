// A LoRA adapter in PEFT's layout: a folder with adapter_config.json and adapter_model.safetensors.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "io/adapter_pattern.h"
#include "io/file_writer.h"
#include "io/json.h"
#include "io/safetensors.h"

namespace anneal {

struct AdapterConfig {
  int64_t rank = 0;
  double alpha = 0;
  double dropout = 0;
  bool rslora = false;
  bool dora = false;
  // "q_proj", "mlp.up_proj" or whole paths; absent where the file has a pattern or names none.
  std::optional<std::vector<std::string>> target_modules;
  // Merged weights of experts that are adapted: "gate_up_proj" (with twice the rank and alpha), "down_proj"; and
  // linears that PEFT finds by their parameter only: "mlp.up_proj.weight".
  std::vector<std::string> target_parameters;
  std::string base_model_name;
  std::vector<AdapterPattern> rank_pattern, alpha_pattern;

  int64_t rank_of(const std::string& module) const;
  double alpha_of(const std::string& module) const;
};

// One tensor under PEFT's name, e.g. "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight".
class AdapterFolder {
 public:
  // Error(kFormat) names the field: peft_type other than LORA, rank out of 1..65536, bias and other settings that would
  // change the arithmetic are refused as kUnsupported. adapter_model.bin (a pickle) is refused with the remedy to save
  // as safetensors.
  explicit AdapterFolder(const std::string& dir);
  // The same from parts read elsewhere; `dir` is for errors.
  AdapterFolder(const std::string& dir, const JsonValue& config, std::unique_ptr<SafetensorsFile> tensors);

  const AdapterConfig& config() const { return config_; }
  const SafetensorsFile& tensors() const { return *tensors_; }
  const std::string& dir() const { return dir_; }
  // The place of a field of adapter_config.json, for errors.
  std::string field(const std::string& name) const { return dir_ + "/adapter_config.json: field \"" + name + "\""; }
  // lora_A (rank, in) / lora_B (out, rank) of a module such as "model.layers.0.self_attn.q_proj"; Error(kFormat) when
  // missing.
  const SafetensorsEntry& lora_a(const std::string& module) const;
  const SafetensorsEntry& lora_b(const std::string& module) const;
  // A tensor under PEFT's whole name.
  const SafetensorsEntry& at(const std::string& name) const;

 private:
  void read_config(const JsonValue& json);
  void check_tensors() const;
  const SafetensorsEntry& lora(const std::string& module, const char* side) const;
  std::string dir_;
  AdapterConfig config_;
  std::unique_ptr<SafetensorsFile> tensors_;
};

// PEFT's name of an adapter tensor; side is "lora_A" or "lora_B".
std::string peft_tensor_name(const std::string& module, const char* side);

// The module that a tensor of an adapter belongs to: its name without PEFT's prefix and what is behind the module's
// path.
std::string adapter_module(const std::string& tensor);

struct AdapterTensor {
  std::string name;  // PEFT's whole name
  Shape shape;
  std::vector<float> values;
};

// A module with a rank or an alpha of its own, as an exported adapter names it.
struct OwnScale {
  std::string module;
  int64_t rank;
  double alpha;
};

// Writes both files (f32) into an existing folder; the configuration comes last, so that a folder with one is whole.
void write_adapter(const std::string& dir, const AdapterConfig& config, const std::vector<AdapterTensor>& tensors,
                   const std::vector<OwnScale>& own_scales = {});

}  // namespace anneal
