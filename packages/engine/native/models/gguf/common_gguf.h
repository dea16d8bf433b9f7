// What llama-like families share when they read GGUF keys and name tensors.
#pragma once
#include <string>

#include "io/gguf.h"
#include "models/gguf/gguf_place.h"
#include "models/model_config.h"

namespace anneal {

// Sizes of the stream, vocabulary, heads' number, context and norm epsilon from ARCH.* keys; the head is tied where
// there is no output.weight.
ModelConfig read_stream_gguf(const GgufFile& file, const std::string& architecture);

// The same with the heads' sizes, biases and rotation of grouped-query attention.
ModelConfig read_common_gguf(const GgufFile& file, const std::string& architecture);

// "model.layers.3.self_attn.q_proj.weight" -> "blk.3.attn_q.weight"; empty where unknown.
std::string common_gguf_name(const std::string& hf_name);

// What is behind "model.layers.N." and the "blk.N." in front of it in a GGUF; `rest` is empty for other names.
struct LayerName {
  std::string block, rest;
};
LayerName layer_name(const std::string& hf_name);

// Rows of q and k in rotation pairs.
GgufPlace llama_gguf_place(const ModelConfig& config, const std::string& hf_name);

// Adds "mlp.gate", "mlp.experts.E.*" and "mlp.shared_experts.*" to common_gguf_name.
GgufPlace moe_gguf_place(const ModelConfig& config, const std::string& hf_name);

// Throws kUnsupported: llama.cpp would run `field` otherwise than it was trained.
[[noreturn]] void refuse_gguf(const char* reason, const std::string& field, const char* pattern, ErrorArgs args = {});

// llama.cpp runs this architecture without windows.
void refuse_windows(const ModelConfig& config, const char* architecture);

}  // namespace anneal
