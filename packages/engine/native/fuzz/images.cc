#include "fuzz/images.h"

#include <algorithm>

namespace anneal::fuzz {

Bytes little_endian(uint64_t value, int bytes) {
  Bytes out;
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
  return out;
}

void append(Bytes* to, const Bytes& more) { to->insert(to->end(), more.begin(), more.end()); }

Bytes gguf_string(const std::string& text) {
  Bytes out = little_endian(text.size(), 8);
  out.insert(out.end(), text.begin(), text.end());
  return out;
}

GgufKey& GgufImage::key(const std::string& name) {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const GgufKey& k) { return k.name == name; });
  if (found != keys.end()) return *found;
  keys.push_back({name, 4, {}, {}});
  return keys.back();
}

Bytes GgufImage::bytes() const {
  Bytes out(magic.begin(), magic.end());
  append(&out, little_endian(version, 4));
  append(&out, little_endian(tensor_count.value_or(tensors.size()), 8));
  append(&out, little_endian(key_count.value_or(keys.size()), 8));
  const auto name = [&](const std::string& text, const std::optional<uint64_t>& length) {
    append(&out, little_endian(length.value_or(text.size()), 8));
    out.insert(out.end(), text.begin(), text.end());
  };
  for (const GgufKey& k : keys) {
    name(k.name, k.name_length);
    append(&out, little_endian(k.type, 4));
    append(&out, k.value);
  }
  for (const GgufTensorInfo& t : tensors) {
    name(t.name, t.name_length);
    append(&out, little_endian(t.rank.value_or(static_cast<uint32_t>(t.dims.size())), 4));
    for (uint64_t dim : t.dims) append(&out, little_endian(dim, 8));
    append(&out, little_endian(t.type, 4));
    append(&out, little_endian(t.offset, 8));
  }
  while (out.size() % alignment != 0) out.push_back(0);
  for (uint64_t i = 0; i < data_bytes; ++i) out.push_back(static_cast<uint8_t>(i * 37 + 11));
  return out;
}

GgufImage valid_gguf() {
  GgufImage g;
  const auto array = [](uint32_t type, uint64_t count, const Bytes& values) {
    Bytes out = little_endian(type, 4);
    append(&out, little_endian(count, 8));
    append(&out, values);
    return out;
  };
  Bytes words;
  for (const char* word : {"<s>", "a", "", "long token"}) append(&words, gguf_string(word));
  g.keys = {
      {"general.architecture", 8, gguf_string("llama"), {}},
      {"general.alignment", 4, little_endian(32, 4), {}},
      {"k.u8", 0, little_endian(200, 1), {}},
      {"k.i8", 1, little_endian(0x80, 1), {}},
      {"k.u16", 2, little_endian(65535, 2), {}},
      {"k.i16", 3, little_endian(0x8000, 2), {}},
      {"k.i32", 5, little_endian(0xfffffffe, 4), {}},
      {"k.f32", 6, little_endian(0x3f800000, 4), {}},
      {"k.bool", 7, little_endian(1, 1), {}},
      {"k.u64", 10, little_endian(UINT64_MAX, 8), {}},
      {"k.i64", 11, little_endian(1ull << 63, 8), {}},
      {"k.f64", 12, little_endian(0x3ff0000000000000ull, 8), {}},
      {"tokenizer.ggml.tokens", 9, array(8, 4, words), {}},
      {"tokenizer.ggml.scores", 9, array(6, 2, Bytes(8, 0x3f)), {}},
      {"k.bools", 9, array(7, 2, {0, 1}), {}},
      {"k.empty", 9, array(10, 0, {}), {}},
  };
  g.tensors = {
      {"token_embd.weight", {8, 4}, 0, 0, {}, {}},      // F32, 128 bytes
      {"blk.0.a.weight", {32, 2}, 8, 128, {}, {}},      // Q8_0, 68 bytes
      {"blk.0.b.weight", {256}, 12, 224, {}, {}},       // Q4_K, 144 bytes
      {"blk.0.c.weight", {32, 1, 1}, 39, 384, {}, {}},  // MXFP4, 17 bytes
  };
  g.data_bytes = 401;
  return g;
}

Bytes SafetensorsImage::bytes() const {
  std::string text;
  if (header) {
    text = *header;
  } else {
    text = "{";
    if (!metadata.empty()) text += "\"__metadata__\":" + metadata;
    for (const SafetensorsTensor& t : tensors) {
      if (text.size() > 1) text += ",";
      text += "\"" + t.name + "\":{\"dtype\":" + t.dtype + ",\"shape\":" + t.shape + ",\"data_offsets\":[" + t.begin +
              "," + t.end + "]}";
    }
    text += "}";
  }
  Bytes out = little_endian(header_length.value_or(text.size()), 8);
  out.insert(out.end(), text.begin(), text.end());
  for (uint64_t i = 0; i < data_bytes; ++i) out.push_back(static_cast<uint8_t>(i * 29 + 5));
  return out;
}

SafetensorsImage valid_safetensors() {
  SafetensorsImage s;
  s.tensors = {{"a.weight", "\"F32\"", "[2,3]", "0", "24"},
               {"b.weight", "\"BF16\"", "[4]", "24", "32"},
               {"c", "\"I64\"", "[]", "32", "40"},
               {"empty", "\"F16\"", "[0,5]", "40", "40"},
               {"d", "\"F64\"", "[1,1,1,2]", "40", "56"}};
  s.data_bytes = 56;
  return s;
}

SafetensorsImage valid_adapter_tensors() {
  SafetensorsImage s;
  const std::string module = "base_model.model.model.layers.0.self_attn.q_proj.";
  s.tensors = {{module + "lora_A.weight", "\"F32\"", "[2,8]", "0", "64"},
               {module + "lora_B.weight", "\"F32\"", "[4,2]", "64", "96"}};
  s.data_bytes = 96;
  return s;
}

std::string valid_adapter_config() {
  return "{\"peft_type\":\"LORA\",\"r\":2,\"lora_alpha\":4,\"lora_dropout\":0.05,\"use_rslora\":false,\"bias\":"
         "\"none\","
         "\"target_modules\":[\"q_proj\"],\"base_model_name_or_path\":\"base\",\"modules_to_save\":null,\"rank_"
         "pattern\":{}}";
}

}  // namespace anneal::fuzz
