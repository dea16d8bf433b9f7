// Reads JavaScript values into the engine's types. Every refusal is an Error(kInvalidArgument) that names the field's
// path.
#pragma once
#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "infer/generate.h"
#include "io/gguf.h"
#include "train/training_spec.h"

namespace anneal {

// An object argument whose fields are read by name.
class Fields {
 public:
  Fields(const Napi::Value& value, std::string path);

  const std::string& path() const { return path_; }
  std::string field_path(const char* name) const { return path_ + "." + name; }
  // undefined and null count as absent.
  bool has(const char* name) const;
  Napi::Value get(const char* name) const { return object_.Get(name); }
  Fields object(const char* name) const { return Fields(get(name), field_path(name)); }

  std::string string(const char* name) const;
  bool boolean(const char* name) const;
  bool boolean_or(const char* name, bool fallback) const { return has(name) ? boolean(name) : fallback; }
  // Finite, within [low, high].
  double number(const char* name, double low, double high) const;
  double number_or(const char* name, double fallback, double low, double high) const {
    return has(name) ? number(name, low, high) : fallback;
  }
  // A whole number within [low, high]; at most 2^53.
  int64_t integer(const char* name, int64_t low, int64_t high) const;
  int64_t integer_or(const char* name, int64_t fallback, int64_t low, int64_t high) const {
    return has(name) ? integer(name, low, high) : fallback;
  }
  std::vector<int32_t> int32_array(const char* name) const;

 private:
  Napi::Object object_;
  std::string path_;
};

constexpr int64_t kMaxSafeInteger = (int64_t{1} << 53) - 1;
constexpr int64_t kMaxTokens = int64_t{1} << 24;

std::string read_path(const Napi::Value& value, const char* name);
std::vector<int32_t> read_int32_array(const Napi::Value& value, const std::string& path);
std::vector<std::string> read_strings(const Napi::Value& value, const std::string& path);
BaseSource read_source(const Napi::Value& value, const std::string& path);
TrainingSpec read_spec(const Napi::Value& value);
MicroBatch read_micro_batch(const Napi::Value& value, const std::string& path);
std::vector<MicroBatch> read_micro_batches(const Napi::Value& value);
StepOptions read_step_options(const Fields& fields);
// Everything but prompts and onToken.
GenerateOptions read_generate_options(const Fields& fields);
std::vector<std::vector<int32_t>> read_prompts(const Fields& fields);
GgufMetadata read_gguf_metadata(const Napi::Value& value, const std::string& path);

// ANNEAL_ISA, else the best this machine runs.
Isa configured_isa();

}  // namespace anneal
