#include "fuzz/readers.h"

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "io/adapter.h"
#include "io/gguf.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "quant/quant.h"

namespace anneal::fuzz {
namespace {

// A reader that keeps less than its header promises; no refusal, so the fuzzer counts it as a fault.
[[noreturn]] void broken(const char* promise) { throw std::logic_error(promise); }

// Something the compiler cannot drop.
volatile uint64_t g_sink;

void touch(const uint8_t* data, size_t bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes; ++i) sum += data[i];
  g_sink = g_sink + sum;
}

void walk(const JsonValue& value) {
  switch (value.kind()) {
    case JsonKind::kArray:
      for (const JsonValue& item : value.as_array("w")) walk(item);
      break;
    case JsonKind::kObject:
      for (const JsonValue::Member& member : value.as_object("w")) {
        if (value.find(member.first) != &member.second) broken("json: a key hides another");
        walk(member.second);
      }
      break;
    case JsonKind::kString: {
      const std::string& text = value.as_string("w");
      if (parse_json(json_quote(text), "quoted").as_string("w") != text)
        broken("json: quoting is not undone by reading");
      break;
    }
    case JsonKind::kNumber: g_sink = g_sink + (value.as_number("w") > 0 ? 1 : 0); break;
    case JsonKind::kNull:
    case JsonKind::kBool: break;
  }
}

// Getters must either give a value or refuse with kFormat.
template <class Call>
void may_refuse(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kFormat && error.code() != ErrorCode::kUnsupported) throw;
  }
}

void use_safetensors(const SafetensorsFile& file) {
  for (const SafetensorsEntry& entry : file.entries()) {
    touch(entry.data, entry.bytes);
    if (file.find(entry.name) != &entry) broken("safetensors: a name hides another");
    may_refuse([&] {
      std::vector<float> values(static_cast<size_t>(entry.shape.elements()));
      entry.read_f32(values.data(), "fuzz");
    });
    may_refuse([&] { entry.tensor("fuzz"); });
  }
}

}  // namespace

void read_json(const Bytes& input) {
  walk(parse_json(std::string_view(reinterpret_cast<const char*>(input.data()), input.size()), "fuzz"));
}

void read_safetensors(const Bytes& input) { use_safetensors(SafetensorsFile(MappedFile("fuzz", input))); }

void read_gguf(const Bytes& input) {
  const GgufFile file(MappedFile("fuzz", input));
  for (const auto& [key, value] : file.metadata()) {
    if (&file.at(key) != &value) broken("gguf: a key hides another");
    may_refuse([&] { value.as_int(key); });
    may_refuse([&] { value.as_number(key); });
    may_refuse([&] { value.as_bool(key); });
    may_refuse([&] { value.as_string(key); });
    may_refuse([&] { value.as_strings(key); });
    may_refuse([&] { value.as_ints(key); });
    may_refuse([&] { value.as_floats(key); });
  }
  const uint8_t* begin = file.file().data();
  for (const GgufTensor& tensor : file.tensors()) {
    if (tensor.data < begin || tensor.bytes > file.file().size() ||
        tensor.data > begin + (file.file().size() - tensor.bytes))
      broken("gguf: a tensor reaches outside the file");
    touch(tensor.data, tensor.bytes);
    may_refuse([&] {
      const Tensor t = tensor.tensor("fuzz");
      std::vector<float> row(static_cast<size_t>(t.cols()));
      tensor.read_rows_f32(0, 1, row.data(), "fuzz");
      tensor.read_rows_f32(t.rows() - 1, 1, row.data(), "fuzz");
    });
  }
}

void read_adapter(const Bytes& input) {
  const auto split = std::find(input.begin(), input.end(), uint8_t{0});
  const std::string config(input.begin(), split);
  const Bytes tensors(split == input.end() ? split : split + 1, input.end());
  const AdapterFolder folder("fuzz", parse_json(config, "fuzz"),
                             std::make_unique<SafetensorsFile>(MappedFile("fuzz", tensors)));
  use_safetensors(folder.tensors());
  for (const std::string& target : folder.config().target_modules.value_or(std::vector<std::string>{})) {
    may_refuse([&] { folder.lora_a("model.layers.0.self_attn." + target); });
    may_refuse([&] { folder.lora_b(target); });
  }
}

Bytes adapter_input(const std::string& config, const SafetensorsImage& tensors) {
  Bytes out(config.begin(), config.end());
  out.push_back(0);
  append(&out, tensors.bytes());
  return out;
}

Reader find_reader(const std::string& name) {
  if (name == "json") return read_json;
  if (name == "safetensors") return read_safetensors;
  if (name == "gguf") return read_gguf;
  if (name == "adapter") return read_adapter;
  return nullptr;
}

}  // namespace anneal::fuzz
