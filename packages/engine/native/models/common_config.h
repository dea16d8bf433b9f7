// What llama-like families share when they read and write config.json.
#pragma once
#include <string>

#include "io/json.h"
#include "models/model_config.h"

namespace anneal {

// Sizes, norm epsilon, tied head and rope (transformers 5's rope_parameters, or rope_theta with rope_scaling before it).
// `activation`: the one the family is made for ("silu" or "gelu_pytorch_tanh"); others are refused. Biases and windows are the
// family's own business.
ModelConfig read_common_hf(const JsonValue& config, const std::string& where, const char* activation = "silu");

// The parameters of one kind of layer, where config.json holds them under the kind's name (gemma3); `fallback_theta` where it holds none.
RopeConfig read_layer_rope(const JsonValue& config, const char* kind, double fallback_theta, int64_t context, const std::string& where);

// Fills c.attention: from layer_types ("full_attention", "sliding_attention") where there are, else by rule(layer).
void read_layer_types(const JsonValue& config, ModelConfig& c, const std::string& where, bool (*slides)(int64_t layer, int64_t parameter),
                      int64_t parameter);

// The shortest decimal text that reads back the same.
std::string json_number(double value);

// Fields every llama-like config.json has, as the inside of a JSON object (no braces).
std::string common_hf_fields(const ModelConfig& config, const std::string& model_type, const std::string& class_name,
                             const std::string& dtype);

// Further fields, each behind a comma: windows and kinds of layers (qwen2, qwen3), and what gemma has beside.
std::string window_hf_fields(const ModelConfig& config);
std::string gemma_hf_fields(const ModelConfig& config);

}  // namespace anneal
