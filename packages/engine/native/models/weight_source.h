// Weights of a base model under their Hugging Face names and in Hugging Face's layout, whatever file holds them.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "models/family.h"
#include "models/model_config.h"
#include "nn/parameter.h"

namespace anneal {

// One GGUF file, or a folder in Hugging Face layout.
struct BaseSource {
  enum class Kind { kGguf, kHf };
  Kind kind = Kind::kGguf;
  std::string path;
};

class WeightSource {
 public:
  virtual ~WeightSource() = default;
  // Reads headers only. Errors: kIo, kFormat, kUnsupported, naming the file and the key.
  static std::unique_ptr<WeightSource> open(const BaseSource& source);

  const Family& family() const { return *family_; }
  const ModelConfig& config() const { return config_; }
  const std::string& path() const { return path_; }

  // Compares the file's tensors with the model's: throws kFormat naming the first that is missing, extra or of a wrong
  // shape.
  virtual void check(const ParameterSet& parameters) const = 0;
  // Rows [first, first + count) of a tensor as f32, in Hugging Face order. A vector is one row per element.
  virtual void read_rows(const std::string& name, int64_t first, int64_t count, float* out) const = 0;
  // The type a matrix can be kept in as the file holds it (f16, bf16 or blocks), and those rows in Hugging Face order.
  // Absent where the file keeps it in another layout than the model.
  virtual std::optional<DType> stored_type(const std::string&) const { return std::nullopt; }
  virtual void read_stored_rows(const std::string& name, int64_t first, int64_t count, void* out) const;
  // The tensor was read for now: its pages of the mapped file may leave memory.
  virtual void release(const std::string&) const {}
  // Most common type among matrices, as the file names it.
  virtual std::string quantisation() const = 0;
  virtual uint64_t file_bytes() const = 0;
  // The GGUF behind this source, nullptr for a folder.
  virtual const GgufFile* gguf() const { return nullptr; }

 protected:
  const Family* family_ = nullptr;
  ModelConfig config_;
  std::string path_;
};

std::unique_ptr<WeightSource> open_gguf_source(const std::string& path);
std::unique_ptr<WeightSource> open_hf_source(const std::string& dir);

}  // namespace anneal
