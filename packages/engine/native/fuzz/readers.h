// One function per reader that takes foreign bytes: reads them, then uses everything that came out, so that a value
// which passed the checks but is wrong trips a sanitizer. Throws what the reader throws.
#pragma once
#include <string>

#include "fuzz/images.h"

namespace anneal::fuzz {

void read_json(const Bytes& input);
void read_safetensors(const Bytes& input);
void read_gguf(const Bytes& input);
// The text of adapter_config.json, a zero byte, then adapter_model.safetensors.
void read_adapter(const Bytes& input);

Bytes adapter_input(const std::string& config, const SafetensorsImage& tensors);

// nullptr when unknown.
using Reader = void (*)(const Bytes& input);
Reader find_reader(const std::string& name);

}  // namespace anneal::fuzz
