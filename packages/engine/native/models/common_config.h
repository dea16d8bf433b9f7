// What llama-like families share when they read and write config.json.
#pragma once
#include <string>

#include "io/json.h"
#include "models/model_config.h"

namespace anneal {

// What a family takes for granted where it reads config.json.
struct HfDefaults {
  const char* activation = "silu";  // the one it is made for ("silu" or "gelu_pytorch_tanh"); others are refused
  int64_t head_size = 0;            // without head_dim; 0 = hidden_size / num_attention_heads
  double theta = 10000.0;           // without rope_theta
  double norm_epsilon = 1e-6;       // without rms_norm_eps
  bool rotates_part =
      false;  // partial_rotary_factor leaves channels of a head unrotated; elsewhere transformers ignores it
  bool rope_by_kind = false;  // rope_parameters hold those of each kind of layer
};

// Sizes, norm epsilon, tied head and rope (transformers 5's rope_parameters, or rope_theta with rope_scaling before it,
// which wins where both are there). Biases and windows are the family's own business.
ModelConfig read_common_hf(const JsonValue& config, const std::string& where, const HfDefaults& defaults = {});

// `sliding_window`: 0 where it is null, `fallback` where it is missing.
int64_t read_window(const JsonValue& config, int64_t fallback, const std::string& where);

// The parameters of one kind of layer, where config.json holds them under the kind's name (gemma3); `fallback_theta`
// where it holds none.
RopeConfig read_layer_rope(const JsonValue& config, const char* kind, double fallback_theta, int64_t context,
                           const std::string& where);

// qwen2 and qwen3: c.window, and windows from layer max_window_layers on or as layer_types say; none without
// use_sliding_window.
void read_qwen_windows(const JsonValue& config, ModelConfig& c, const std::string& where);

// Fills c.attention: from layer_types ("full_attention", "sliding_attention") where there are, else by rule(layer).
void read_layer_types(const JsonValue& config, ModelConfig& c, const std::string& where,
                      bool (*slides)(int64_t layer, int64_t parameter), int64_t parameter);

// A window in every layer, whatever layer_types say; none where it is 0.
void slide_everywhere(ModelConfig& c, int64_t window, const std::string& where);

// The shortest decimal text that reads back the same, with a point or an exponent: transformers takes no whole number
// for a float.
std::string json_number(double value);

// Fields every llama-like config.json has, as the inside of a JSON object (no braces).
std::string common_hf_fields(const ModelConfig& config, const std::string& model_type, const std::string& class_name,
                             const std::string& dtype);

// Further fields, each behind a comma: kinds of layers, windows with them (qwen2, qwen3), and what gemma has beside.
std::string layer_types_hf_field(const ModelConfig& config);
std::string window_hf_fields(const ModelConfig& config);
std::string gemma_hf_fields(const ModelConfig& config);

}  // namespace anneal
