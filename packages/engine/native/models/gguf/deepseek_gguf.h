// DeepSeek-V2 and V3 in GGUF: llama.cpp calls both deepseek2 and runs them with the keys' up-projection absorbed into
// the queries.
#pragma once
#include <string>

#include "io/gguf.h"
#include "models/gguf/gguf_place.h"
#include "models/model_config.h"

namespace anneal {

// True for V3: experts scored by sigmoids.
bool deepseek_gguf_is_sigmoid(const GgufFile& file);
ModelConfig read_deepseek_gguf(const GgufFile& file);
GgufPlace deepseek_gguf_place(const ModelConfig& config, const std::string& hf_name);
GgufMetadata deepseek_gguf_keys(const ModelConfig& config);

}  // namespace anneal
