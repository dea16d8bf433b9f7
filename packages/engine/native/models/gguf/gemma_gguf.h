// What gemma2 and gemma3 share in GGUF.
#pragma once
#include <string>

#include "io/gguf.h"
#include "models/gguf/gguf_place.h"
#include "models/model_config.h"

namespace anneal {

// Keys and checks: window, soft caps, and llama.cpp's own rule for the scale of scores.
GgufMetadata gemma_gguf_keys(const ModelConfig& config, const char* architecture);
// Norms are stored with the 1 that Hugging Face adds when it runs them.
GgufPlace gemma_gguf_place(const std::string& hf_name);
void read_gemma_gguf(const GgufFile& file, const char* architecture, ModelConfig& config);

}  // namespace anneal
