// The rotation's scaling as llama.cpp reads it from a GGUF: keys ARCH.rope.scaling.* and tensors of divisors.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "io/gguf.h"
#include "models/model_config.h"

namespace anneal {

// Fills c.rope; needs the sizes of the heads. Throws kUnsupported naming the key.
void read_rope_gguf(const GgufFile& file, const std::string& architecture, ModelConfig& c);

// Throws kUnsupported naming the field that llama.cpp would run otherwise. Latent attention (c.mla) scales its scores
// with YaRN too; its keys say both factors.
GgufMetadata rope_gguf_keys(const ModelConfig& c, const std::string& architecture);

// Divisors of the frequencies by tensor name: rope_freqs.weight (llama3), rope_factors_long.weight and
// rope_factors_short.weight.
std::vector<std::pair<std::string, std::vector<float>>> rope_gguf_tensors(const ModelConfig& c);

}  // namespace anneal
