#include "binding/arguments.h"

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "core/error.h"

namespace anneal {
namespace {

std::vector<int8_t> read_int8_array(const Napi::Value& value, const std::string& path) {
  if (value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_int8_array) {
    const Napi::Int8Array array = value.As<Napi::Int8Array>();
    return {array.Data(), array.Data() + array.ElementLength()};
  }
  std::vector<int8_t> values;
  for (int32_t v : read_int32_array(value, path)) {
    if (v < -128 || v > 127) refuse("expected_int8_array", path, "expected an Int8Array");
    values.push_back(static_cast<int8_t>(v));
  }
  return values;
}

GgufValue read_tagged_number(const std::string& type, double v, const std::string& path) {
  auto whole = [&](double low, double high) {
    if (std::trunc(v) != v || v < low || v > high) refuse("not_of_type", path, "is no {type}", {{"type", type}});
    return static_cast<int64_t>(v);
  };
  if (type == "u8") return GgufValue::u8(static_cast<uint8_t>(whole(0, 255)));
  if (type == "i8") return GgufValue::i8(static_cast<int8_t>(whole(-128, 127)));
  if (type == "u16") return GgufValue::u16(static_cast<uint16_t>(whole(0, 65535)));
  if (type == "i16") return GgufValue::i16(static_cast<int16_t>(whole(-32768, 32767)));
  if (type == "u32") return GgufValue::u32(static_cast<uint32_t>(whole(0, 4294967295.0)));
  if (type == "i32") return GgufValue::i32(static_cast<int32_t>(whole(-2147483648.0, 2147483647.0)));
  if (type == "u64") return GgufValue::u64(static_cast<uint64_t>(whole(0, static_cast<double>(kMaxSafeInteger))));
  if (type == "i64") {
    const auto limit = static_cast<double>(kMaxSafeInteger);
    return GgufValue::i64(whole(-limit, limit));
  }
  if (type == "f32") return GgufValue::f32(static_cast<float>(v));
  if (type == "f64") return GgufValue::f64(v);
  refuse("gguf_value_type_unknown", path,
         "type \"{type}\" is not one of u8, i8, u16, i16, u32, i32, u64, i64, f32, f64, i32[], f32[]",
         {{"type", type}});
}

std::vector<float> read_float_array(const Napi::Value& value, const std::string& path) {
  if (value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array) {
    const Napi::Float32Array array = value.As<Napi::Float32Array>();
    return {array.Data(), array.Data() + array.ElementLength()};
  }
  if (!value.IsArray()) refuse("expected_float_array", path, "expected a Float32Array or an array of numbers");
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<float> values;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value item = array.Get(i);
    if (!item.IsNumber()) refuse("expected_number", path + "[" + std::to_string(i) + "]", "expected a number");
    values.push_back(item.As<Napi::Number>().FloatValue());
  }
  return values;
}

GgufValue read_gguf_value(const Napi::Value& value, const std::string& path) {
  if (value.IsString()) return GgufValue::string(value.As<Napi::String>().Utf8Value());
  if (value.IsBoolean()) return GgufValue::boolean(value.As<Napi::Boolean>().Value());
  if (value.IsArray()) return GgufValue::strings(read_strings(value, path));
  const Fields tagged(value, path);
  const std::string type = tagged.string("type");
  if (type == "i32[]") {
    const std::vector<int32_t> v = read_int32_array(tagged.get("value"), tagged.field_path("value"));
    return GgufValue::i32_array(v.data(), v.size());
  }
  if (type == "f32[]") {
    const std::vector<float> v = read_float_array(tagged.get("value"), tagged.field_path("value"));
    return GgufValue::f32_array(v.data(), v.size());
  }
  const Napi::Value number = tagged.get("value");
  if (!number.IsNumber()) refuse("expected_number", tagged.field_path("value"), "expected a number");
  return read_tagged_number(type, number.As<Napi::Number>().DoubleValue(), tagged.field_path("value"));
}

}  // namespace

std::vector<std::string> read_strings(const Napi::Value& value, const std::string& path) {
  if (!value.IsArray()) refuse("expected_strings", path, "expected an array of strings");
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<std::string> strings;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value item = array.Get(i);
    if (!item.IsString()) refuse("expected_string", path + "[" + std::to_string(i) + "]", "expected a string");
    strings.push_back(item.As<Napi::String>().Utf8Value());
  }
  return strings;
}

Fields::Fields(const Napi::Value& value, std::string path) : path_(std::move(path)) {
  if (!value.IsObject() || value.IsArray() || value.IsFunction())
    refuse("expected_object", path_, "expected an object");
  object_ = value.As<Napi::Object>();
}

bool Fields::has(const char* name) const {
  const Napi::Value value = get(name);
  return !value.IsUndefined() && !value.IsNull();
}

std::string Fields::string(const char* name) const {
  const Napi::Value value = get(name);
  if (!value.IsString()) refuse("expected_string", field_path(name), "expected a string");
  return value.As<Napi::String>().Utf8Value();
}

bool Fields::boolean(const char* name) const {
  const Napi::Value value = get(name);
  if (!value.IsBoolean()) refuse("expected_boolean", field_path(name), "expected true or false");
  return value.As<Napi::Boolean>().Value();
}

double Fields::number(const char* name, double low, double high) const {
  const Napi::Value value = get(name);
  const double v = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
  if (!(v >= low && v <= high))
    refuse("expected_number_between", field_path(name), "expected a number from {low} to {high}",
           {{"low", low}, {"high", high}});
  return v;
}

int64_t Fields::integer(const char* name, int64_t low, int64_t high) const {
  const Napi::Value value = get(name);
  const double v = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
  if (!(v >= static_cast<double>(low) && v <= static_cast<double>(high)) || std::trunc(v) != v)
    refuse("expected_whole_number_between", field_path(name), "expected a whole number from {low} to {high}",
           {{"low", low}, {"high", high}});
  return static_cast<int64_t>(v);
}

std::vector<int32_t> Fields::int32_array(const char* name) const {
  return read_int32_array(get(name), field_path(name));
}

std::string read_path(const Napi::Value& value, const char* name) {
  if (!value.IsString()) refuse("expected_path", name, "expected a path");
  std::string path = value.As<Napi::String>().Utf8Value();
  if (path.empty() || path.find('\0') != std::string::npos)
    refuse("expected_path_not_empty", name, "expected a path that is not empty");
  return path;
}

std::vector<int32_t> read_int32_array(const Napi::Value& value, const std::string& path) {
  if (value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_int32_array) {
    const Napi::Int32Array array = value.As<Napi::Int32Array>();
    return {array.Data(), array.Data() + array.ElementLength()};
  }
  if (!value.IsArray()) refuse("expected_int32_array", path, "expected an Int32Array");
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<int32_t> values;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value item = array.Get(i);
    const double v = item.IsNumber() ? item.As<Napi::Number>().DoubleValue() : NAN;
    if (!(v >= -2147483648.0 && v <= 2147483647.0) || std::trunc(v) != v)
      refuse("expected_int32", path + "[" + std::to_string(i) + "]", "expected a 32-bit whole number");
    values.push_back(static_cast<int32_t>(v));
  }
  return values;
}

BaseSource read_source(const Napi::Value& value, const std::string& path) {
  const Fields f(value, path);
  const std::string kind = f.string("kind");
  if (kind == "gguf") return {BaseSource::Kind::kGguf, read_path(f.get("path"), "base.path")};
  if (kind == "hf") return {BaseSource::Kind::kHf, read_path(f.get("dir"), "base.dir")};
  refuse("not_expected", f.field_path("kind"), "is {found}, expected {expected}",
         {{"found", "\"" + kind + "\""}, {"expected", "\"gguf\" or \"hf\""}});
}

Isa configured_isa() {
  const char* name = std::getenv("ANNEAL_ISA");
  return name && *name ? isa_from_name(name) : best_isa();
}

MicroBatch read_micro_batch(const Napi::Value& value, const std::string& path) {
  const Fields f(value, path);
  MicroBatch batch;
  batch.tokens = f.int32_array("tokens");
  batch.labels = f.int32_array("labels");
  batch.offsets = f.int32_array("offsets");
  if (f.has("weights")) batch.weights = read_float_array(f.get("weights"), f.field_path("weights"));
  if (f.has("adapters")) batch.adapters = f.int32_array("adapters");
  if (f.has("preference")) batch.preference = read_int8_array(f.get("preference"), f.field_path("preference"));
  if (f.has("teacher")) {
    const Fields teacher = f.object("teacher");
    batch.teacher_k = teacher.integer("k", 1, 1 << 20);
    batch.teacher_ids = teacher.int32_array("ids");
    batch.teacher_logprobs = read_float_array(teacher.get("logprobs"), teacher.field_path("logprobs"));
  }
  return batch;
}

std::vector<MicroBatch> read_micro_batches(const Napi::Value& value) {
  if (!value.IsArray()) refuse("expected_array", "microBatches", "expected an array");
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<MicroBatch> batches;
  for (uint32_t i = 0; i < array.Length(); ++i)
    batches.push_back(read_micro_batch(array.Get(i), "microBatches[" + std::to_string(i) + "]"));
  return batches;
}

namespace {

double read_clip_norm(const Fields& f) {
  const Napi::Value clip = f.get("clipNorm");
  const double norm = clip.IsNumber() ? clip.As<Napi::Number>().DoubleValue() : NAN;
  if (!(norm >= 0.0))
    refuse("expected_clip_norm", f.field_path("clipNorm"),
           "expected a number from 0; 0 or Infinity switches clipping off");
  return norm;
}

std::vector<AdapterStep> read_adapter_steps(const Napi::Value& value) {
  if (!value.IsArray())
    refuse("expected_entry_per_adapter", "request.adapters", "expected an array with an entry for each adapter");
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<AdapterStep> all;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Fields f(array.Get(i), "request.adapters[" + std::to_string(i) + "]");
    all.push_back({f.number("learningRate", 0.0, 1e3), read_clip_norm(f)});
  }
  return all;
}

}  // namespace

StepOptions read_step_options(const Fields& f) {
  StepOptions o;
  o.learning_rate = f.number("learningRate", 0.0, 1e3);
  o.clip_norm = read_clip_norm(f);
  o.step = f.integer("step", 0, 0xfffffffe);
  if (f.has("adapters")) o.adapters = read_adapter_steps(f.get("adapters"));
  if (f.has("maxLoss")) o.max_loss = f.number("maxLoss", 0.0, 1e9);
  return o;
}

GenerateOptions read_generate_options(const Fields& f) {
  GenerateOptions o;
  o.max_new_tokens = f.integer("maxNewTokens", 1, kMaxTokens);
  o.temperature = static_cast<float>(f.number("temperature", 0.0, 100.0));
  o.top_k = static_cast<int32_t>(f.integer("topK", 0, 1 << 24));
  o.top_p = static_cast<float>(f.number("topP", 1e-6, 1.0));
  o.seed = static_cast<uint64_t>(f.integer("seed", 0, kMaxSafeInteger));
  o.stop_tokens = f.int32_array("stopTokens");
  o.adapters = !f.boolean_or("baseOnly", false);
  if (f.has("adapter")) o.adapter = f.string("adapter");
  o.logprobs = f.has("logprobs");
  o.top_logprobs = static_cast<int32_t>(f.integer_or("logprobs", 0, 0, 1000));
  return o;
}

std::vector<std::vector<int32_t>> read_prompts(const Fields& f) {
  const Napi::Value value = f.get("prompts");
  if (!value.IsArray()) refuse("expected_int32_arrays", f.field_path("prompts"), "expected an array of Int32Array");
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<std::vector<int32_t>> prompts;
  for (uint32_t i = 0; i < array.Length(); ++i)
    prompts.push_back(read_int32_array(array.Get(i), "prompts[" + std::to_string(i) + "]"));
  return prompts;
}

GgufMetadata read_gguf_metadata(const Napi::Value& value, const std::string& path) {
  const Fields f(value, path);
  const Napi::Object object = value.As<Napi::Object>();
  const Napi::Array keys = object.GetPropertyNames();
  GgufMetadata metadata;
  for (uint32_t i = 0; i < keys.Length(); ++i) {
    const std::string key = keys.Get(i).As<Napi::String>().Utf8Value();
    metadata.emplace_back(key, read_gguf_value(object.Get(key), path + "[\"" + key + "\"]"));
  }
  return metadata;
}

}  // namespace anneal
