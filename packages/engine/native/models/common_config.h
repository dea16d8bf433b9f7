// What llama-like families share when they read and write configurations.
#pragma once
#include <string>

#include "io/gguf.h"
#include "io/json.h"
#include "models/model_config.h"

namespace anneal {

// Sizes, norm epsilon, tied head and rope (transformers 5's rope_parameters, or rope_theta with rope_scaling before it).
// Refuses activations other than silu. Biases are the family's own business.
ModelConfig read_common_hf(const JsonValue& config, const std::string& where);

// The same from ARCH.* keys; the head is tied where there is no output.weight; rope_freqs.weight becomes divisors.
ModelConfig read_common_gguf(const GgufFile& file, const std::string& architecture);

// Fields every llama-like config.json has, as the inside of a JSON object (no braces).
std::string common_hf_fields(const ModelConfig& config, const std::string& model_type, const std::string& class_name,
                             const std::string& dtype);

// "model.layers.3.self_attn.q_proj.weight" -> "blk.3.attn_q.weight"; empty where unknown.
std::string common_gguf_name(const std::string& hf_name);

}  // namespace anneal
