// What the engine knows of a model's shape, whichever file it came from.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace anneal {

// Rotary position embedding. `type` is Hugging Face's rope_type: "default", "linear" or "llama3".
struct RopeConfig {
  double theta = 10000.0;
  std::string type = "default";
  double factor = 1.0;
  double low_frequency_factor = 1.0;
  double high_frequency_factor = 4.0;
  int64_t original_context = 0;
  // Divisors of each frequency, head_size / 2 of them, where a GGUF carries a rope_freqs tensor; else empty.
  std::vector<float> divisors;
};

struct ModelConfig {
  std::string family;  // registry name, equal to Hugging Face's model_type
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t layers = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_size = 0;
  int64_t ffn_size = 0;
  int64_t context_length = 0;
  float norm_epsilon = 1e-6f;
  bool tied_head = false;
  bool qkv_bias = false;
  bool output_bias = false;
  bool mlp_bias = false;
  RopeConfig rope;
};

// Angular frequencies of the head_size / 2 rotated pairs, with the scaling of config.rope applied
// (llama3: the piecewise wavelength rule of the Llama 3.1 release). Throws kUnsupported for an unknown type.
std::vector<float> rope_frequencies(const ModelConfig& config);

// Throws kFormat naming the first field that can never work (zero sizes, heads not a multiple of kv_heads, ...).
void check_config(const ModelConfig& config, const std::string& where);

}  // namespace anneal
