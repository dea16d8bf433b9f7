#include "fuzz/generate.h"

#include <algorithm>
#include <cstring>

#include "fuzz/readers.h"

namespace anneal::fuzz {
namespace {

// A fault and whether a file with it alone must be refused.
template <class Image>
struct Fault {
  const char* name;
  bool certain;
  void (*put)(Image* image, Random* random);
};

GgufTensorInfo& any_tensor(GgufImage* g, Random* r) { return g->tensors[r->below(g->tensors.size())]; }
GgufKey& any_key(GgufImage* g, Random* r) { return g->keys[r->below(g->keys.size())]; }

const Fault<GgufImage> kGgufFaults[] = {
    {"tensor count", true,
     [](GgufImage* g, Random* r) { g->tensor_count = g->tensors.size() + 1 + edge_number(r) / 2; }},
    {"key count", true, [](GgufImage* g, Random* r) { g->key_count = UINT64_MAX - r->below(1000); }},
    {"key count near", false, [](GgufImage* g, Random* r) { g->key_count = g->keys.size() + r->below(6) - 3; }},
    {"key name length", true,
     [](GgufImage* g, Random* r) { any_key(g, r).name_length = 1000000 + edge_number(r) / 2; }},
    {"key name length near", false, [](GgufImage* g, Random* r) { any_key(g, r).name_length = r->below(64); }},
    {"tensor name length", true,
     [](GgufImage* g, Random* r) { any_tensor(g, r).name_length = 1000000 + edge_number(r) / 2; }},
    {"value type", false, [](GgufImage* g, Random* r) { any_key(g, r).type = static_cast<uint32_t>(r->below(16)); }},
    {"unknown value type", true,
     [](GgufImage* g, Random* r) { any_key(g, r).type = 13 + static_cast<uint32_t>(r->below(1u << 31)); }},
    {"array count", true,
     [](GgufImage* g, Random* r) {
       GgufKey& key = g->key("tokenizer.ggml.scores");
       key.value = little_endian(6, 4);
       append(&key.value, little_endian((1ull << 62) + r->below(1000), 8));
     }},
    {"array of arrays", true, [](GgufImage* g, Random*) { g->key("k.bools").value[0] = 9; }},
    {"array element type", false,
     [](GgufImage* g, Random* r) { g->key("tokenizer.ggml.tokens").value[0] = static_cast<uint8_t>(r->below(16)); }},
    {"string length", true,
     [](GgufImage* g, Random* r) {
       g->key("general.architecture").value = little_endian((1ull << 32) + edge_number(r) / 2, 8);
     }},
    {"string length in an array", true,
     [](GgufImage* g, Random* r) {
       Bytes wrong = little_endian(UINT64_MAX - r->below(64), 8);
       std::copy(wrong.begin(), wrong.end(), g->key("tokenizer.ggml.tokens").value.begin() + 12);
     }},
    {"boolean", true,
     [](GgufImage* g, Random* r) { g->key("k.bool").value = {static_cast<uint8_t>(2 + r->below(254))}; }},
    {"duplicate key", true, [](GgufImage* g, Random* r) { g->keys.push_back(any_key(g, r)); }},
    {"duplicate tensor", true, [](GgufImage* g, Random* r) { g->tensors.push_back(any_tensor(g, r)); }},
    {"alignment", false,
     [](GgufImage* g, Random* r) { g->key("general.alignment").value = little_endian(edge_number(r), 4); }},
    {"odd alignment", true,
     [](GgufImage* g, Random* r) { g->key("general.alignment").value = little_endian(33 + 2 * r->below(1000), 4); }},
    {"alignment type", true,
     [](GgufImage* g, Random*) {
       g->key("general.alignment").type = 8;
       g->key("general.alignment").value = gguf_string("32");
     }},
    {"offset outside", true,
     [](GgufImage* g, Random* r) { any_tensor(g, r).offset = (1ull << 20) + edge_number(r) / 64 * 32; }},
    {"offset wraps", true,
     [](GgufImage* g, Random* r) { any_tensor(g, r).offset = UINT64_MAX - 31 - 32 * r->below(4); }},
    {"offset unaligned", true, [](GgufImage* g, Random* r) { any_tensor(g, r).offset += 1 + r->below(31); }},
    {"overlap", true, [](GgufImage* g, Random* r) { g->tensors[1 + r->below(3)].offset = 32 * r->below(4); }},
    {"dimension", false, [](GgufImage* g, Random* r) { any_tensor(g, r).dims[0] = edge_number(r); }},
    {"zero dimension", true, [](GgufImage* g, Random* r) { any_tensor(g, r).dims[0] = 0; }},
    {"size product", true,
     [](GgufImage* g, Random* r) {
       GgufTensorInfo& t = any_tensor(g, r);
       t.dims = {1ull << (16 + r->below(16)), 1ull << 32, 1ull << (16 + r->below(16)), 256};
     }},
    {"size product wraps to small", true,
     [](GgufImage* g, Random* r) { any_tensor(g, r).dims = {1ull << 32, 1ull << 32, 256}; }},
    {"rank", true,
     [](GgufImage* g, Random* r) { any_tensor(g, r).rank = 5 + static_cast<uint32_t>(r->below(1u << 31)); }},
    {"rank zero", true, [](GgufImage* g, Random* r) { any_tensor(g, r).rank = 0; }},
    {"tensor type", false,
     [](GgufImage* g, Random* r) { any_tensor(g, r).type = static_cast<uint32_t>(r->below(48)); }},
    {"unknown tensor type", true,
     [](GgufImage* g, Random* r) { any_tensor(g, r).type = 100 + static_cast<uint32_t>(r->below(1u << 31)); }},
    {"part of a block", true, [](GgufImage* g, Random* r) { g->tensors[1 + r->below(3)].dims[0] += 1 + r->below(30); }},
    {"version", true, [](GgufImage* g, Random* r) { g->version = 4 + static_cast<uint32_t>(r->below(1u << 31)); }},
    {"magic", true, [](GgufImage* g, Random* r) { g->magic[r->below(4)] ^= static_cast<char>(1 + r->below(127)); }},
    {"less data", true, [](GgufImage* g, Random* r) { g->data_bytes = r->below(400); }},
    {"more data", false, [](GgufImage* g, Random* r) { g->data_bytes += r->below(4096); }},
};

SafetensorsTensor& any_entry(SafetensorsImage* s, Random* r) { return s->tensors[r->below(s->tensors.size())]; }
std::string number(uint64_t v) { return std::to_string(v); }

const Fault<SafetensorsImage> kSafetensorsFaults[] = {
    {"header length", true, [](SafetensorsImage* s, Random* r) { s->header_length = 100000 + edge_number(r) / 2; }},
    {"header length near", false, [](SafetensorsImage* s, Random* r) { s->header_length = r->below(400); }},
    {"duplicate name", true, [](SafetensorsImage* s, Random*) { s->tensors[1].name = s->tensors[0].name; }},
    {"begin", true, [](SafetensorsImage* s, Random* r) { any_entry(s, r).begin = number(57 + edge_number(r) / 2); }},
    {"end", true, [](SafetensorsImage* s, Random* r) { any_entry(s, r).end = number(57 + edge_number(r) / 2); }},
    {"negative offset", true,
     [](SafetensorsImage* s, Random* r) { any_entry(s, r).begin = "-" + number(1 + r->below(1000)); }},
    {"overlap", true, [](SafetensorsImage* s, Random*) { s->tensors[1].begin = "16", s->tensors[1].end = "24"; }},
    {"gap", true, [](SafetensorsImage* s, Random*) { s->tensors[0].shape = "[2,2]", s->tensors[0].end = "16"; }},
    {"dtype", true, [](SafetensorsImage* s, Random* r) { any_entry(s, r).dtype = r->one_in(2) ? "\"F33\"" : "4"; }},
    {"dtype of another size", false,
     [](SafetensorsImage* s, Random* r) { any_entry(s, r).dtype = r->one_in(2) ? "\"F8_E5M2\"" : "\"I32\""; }},
    {"size product wraps", true,
     [](SafetensorsImage* s, Random* r) {
       SafetensorsTensor& t = any_entry(s, r);
       t.shape = "[4294967296,4294967296," + number(1 + r->below(8)) + "]";
     }},
    {"size product", true,
     [](SafetensorsImage* s, Random* r) { s->tensors[0].shape = "[" + number(7 + edge_number(r) / 4) + ",1]"; }},
    {"shape", true,
     [](SafetensorsImage* s, Random* r) { any_entry(s, r).shape = r->one_in(2) ? "{\"a\":1}" : "[1.5]"; }},
    {"negative shape", true, [](SafetensorsImage* s, Random*) { s->tensors[0].shape = "[-2,-3]"; }},
    {"rank", true, [](SafetensorsImage* s, Random* r) { any_entry(s, r).shape = "[1,1,1,1,1,1,1]"; }},
    {"offsets of another type", true,
     [](SafetensorsImage* s, Random* r) { any_entry(s, r).end = r->one_in(2) ? "\"24\"" : "2.4e1"; }},
    {"three offsets", true, [](SafetensorsImage* s, Random* r) { any_entry(s, r).end += ",99"; }},
    {"metadata", true, [](SafetensorsImage* s, Random* r) { s->metadata = r->one_in(2) ? "{\"format\":1}" : "[]"; }},
    {"name", false,
     [](SafetensorsImage* s, Random* r) { any_entry(s, r).name = std::string(r->below(500), 'x') + "\\u00e9"; }},
    {"raw control character", true, [](SafetensorsImage* s, Random* r) { any_entry(s, r).name += "\x01"; }},
    {"less data", true, [](SafetensorsImage* s, Random* r) { s->data_bytes = r->below(56); }},
    {"more data", true, [](SafetensorsImage* s, Random* r) { s->data_bytes += 1 + r->below(100); }},
    {"header text", true,
     [](SafetensorsImage* s, Random* r) { s->header = r->one_in(2) ? "[]" : "{\"a\":" + std::string(200, '['); }},
    {"pickle", true, [](SafetensorsImage* s, Random* r) { s->header_length = 0x80 | (2 + r->below(3)) << 8; }},
};

// Blind changes; leaves certain faults uncertain.
void change_bytes(Bytes* bytes, Random* random) {
  const size_t changes = 1 + random->below(4);
  for (size_t i = 0; i < changes && !bytes->empty(); ++i) {
    const size_t at = random->below(bytes->size());
    switch (random->below(7)) {
      case 0: (*bytes)[at] ^= static_cast<uint8_t>(1u << random->below(8)); break;
      case 1: (*bytes)[at] = static_cast<uint8_t>(random->next()); break;
      case 2: {
        const Bytes edge = little_endian(edge_number(random), random->one_in(2) ? 8 : 4);
        for (size_t k = 0; k < edge.size() && at + k < bytes->size(); ++k) (*bytes)[at + k] = edge[k];
        break;
      }
      case 3: bytes->resize(at); break;
      case 4:
        bytes->erase(bytes->begin() + static_cast<std::ptrdiff_t>(at),
                     bytes->begin() + static_cast<std::ptrdiff_t>(std::min(bytes->size(), at + 1 + random->below(16))));
        break;
      case 5: {
        const Bytes copy(
            bytes->begin() + static_cast<std::ptrdiff_t>(at),
            bytes->begin() + static_cast<std::ptrdiff_t>(std::min(bytes->size(), at + 1 + random->below(32))));
        bytes->insert(bytes->begin() + static_cast<std::ptrdiff_t>(random->below(bytes->size())), copy.begin(),
                      copy.end());
        break;
      }
      default: bytes->insert(bytes->begin() + static_cast<std::ptrdiff_t>(at), static_cast<uint8_t>(random->next()));
    }
  }
}

template <class Image, size_t N, class Finish>
Input faulty(Image image, const Fault<Image> (&faults)[N], Random* random, Finish&& finish) {
  Input input;
  const size_t count = random->below(4);
  for (size_t i = 0; i < count; ++i) {
    const Fault<Image>& fault = random->pick(faults);
    fault.put(&image, random);
    input.fault = fault.name;
    // Two faults can mend each other, so only a single one is certain.
    input.must_refuse = count == 1 && fault.certain;
  }
  input.bytes = finish(image);
  if (random->one_in(2)) {
    change_bytes(&input.bytes, random);
    input.must_refuse = false;
  }
  return input;
}

Input generate_gguf(Random* random) {
  return faulty(valid_gguf(), kGgufFaults, random, [](const GgufImage& g) { return g.bytes(); });
}

Input generate_safetensors(Random* random) {
  return faulty(valid_safetensors(), kSafetensorsFaults, random, [](const SafetensorsImage& s) { return s.bytes(); });
}

std::string random_json(Random* random, int depth) {
  static const char* const kScalars[] = {"0",
                                         "-1",
                                         "2",
                                         "1.5e3",
                                         "true",
                                         "null",
                                         "\"\"",
                                         "\"lora_A\"",
                                         "\"\\ud83d\\ude00\"",
                                         "1e400",
                                         "9223372036854775808",
                                         "-9223372036854775808",
                                         "\"\\u0000\"",
                                         "65537",
                                         "0.999",
                                         "\"all\"",
                                         "[",
                                         "}"};
  if (depth > 6 || random->one_in(2)) return random->pick(kScalars);
  const bool object = random->one_in(2);
  std::string out = object ? "{" : "[";
  const size_t n = random->below(5);
  for (size_t i = 0; i < n; ++i) {
    if (i) out += ",";
    if (object) out += "\"k" + number(random->below(7)) + "\":";
    out += random_json(random, depth + 1);
  }
  return out + (object ? "}" : "]");
}

Input generate_json(Random* random) {
  Input input;
  std::string text = random_json(random, 0);
  if (random->one_in(50)) text = std::string(random->below(200), random->one_in(2) ? '[' : '{') + text;
  input.bytes.assign(text.begin(), text.end());
  if (random->one_in(2)) change_bytes(&input.bytes, random);
  return input;
}

Input generate_adapter(Random* random) {
  static const char* const kFields[] = {"peft_type",       "r",           "lora_alpha",     "lora_dropout",
                                        "use_rslora",      "bias",        "target_modules", "base_model_name_or_path",
                                        "modules_to_save", "rank_pattern"};
  std::string config = valid_adapter_config();
  if (random->one_in(2)) {
    // Put any JSON in the place of one field's value.
    const size_t at = config.find(std::string("\"") + random->pick(kFields) + "\":");
    const size_t colon = config.find(':', at) + 1;
    size_t end = colon;
    for (int depth = 0; end < config.size(); ++end) {
      const char c = config[end];
      if (c == '[' || c == '{') ++depth;
      if ((c == ']' || c == '}' || c == ',') && depth == 0) break;
      if (c == ']' || c == '}') --depth;
    }
    config.replace(colon, end - colon, random_json(random, 3));
  }
  SafetensorsImage tensors = valid_adapter_tensors();
  Input input;
  if (random->one_in(3)) {
    tensors.tensors[random->below(2)].shape = random->one_in(2) ? "[8,2]" : "[16]";
    tensors.tensors[random->below(2)].name += random->one_in(2) ? "" : ".lora_B.";
  }
  input.bytes = adapter_input(config, tensors);
  if (random->one_in(2)) change_bytes(&input.bytes, random);
  return input;
}

}  // namespace

Generator find_generator(const std::string& reader) {
  if (reader == "json") return generate_json;
  if (reader == "safetensors") return generate_safetensors;
  if (reader == "gguf") return generate_gguf;
  if (reader == "adapter") return generate_adapter;
  return nullptr;
}

}  // namespace anneal::fuzz
