// Editable pictures of the files that the readers take: a valid one is built, then a fuzzer or a corpus case breaks
// parts of it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace anneal::fuzz {

using Bytes = std::vector<uint8_t>;

Bytes little_endian(uint64_t value, int bytes);
Bytes gguf_string(const std::string& text);
void append(Bytes* to, const Bytes& more);

struct GgufKey {
  std::string name;
  uint32_t type = 4;
  Bytes value;                          // as in the file, after the type
  std::optional<uint64_t> name_length;  // lies about the name
};

struct GgufTensorInfo {
  std::string name;
  std::vector<uint64_t> dims;  // in the file's order: row length first
  uint32_t type = 0;
  uint64_t offset = 0;
  std::optional<uint32_t> rank;
  std::optional<uint64_t> name_length;
};

struct GgufImage {
  std::string magic = "GGUF";
  uint32_t version = 3;
  std::optional<uint64_t> tensor_count, key_count;
  std::vector<GgufKey> keys;
  std::vector<GgufTensorInfo> tensors;
  uint64_t alignment = 32;
  uint64_t data_bytes = 0;

  GgufKey& key(const std::string& name);  // adds it when absent
  Bytes bytes() const;
};

// Keys of every type, F32, Q8_0, Q4_K and MXFP4 tensors, 32-byte alignment.
GgufImage valid_gguf();

struct SafetensorsTensor {
  std::string name;                 // raw: put between quotes as it is
  std::string dtype, shape, begin;  // raw JSON texts
  std::string end;
};

struct SafetensorsImage {
  std::vector<SafetensorsTensor> tensors;
  std::string metadata = "{\"format\":\"pt\"}";  // raw JSON; empty: none
  std::optional<std::string> header;             // replaces all of the above
  std::optional<uint64_t> header_length;
  uint64_t data_bytes = 0;

  Bytes bytes() const;
};

SafetensorsImage valid_safetensors();
// Rank 2 adapter of one q_proj, as PEFT writes it.
SafetensorsImage valid_adapter_tensors();
std::string valid_adapter_config();

}  // namespace anneal::fuzz
