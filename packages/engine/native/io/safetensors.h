// safetensors: reader (one file or a folder with shards) and streaming writer.
// Format: 8 bytes little-endian header length, JSON header {name: {dtype, shape, data_offsets}}, then the data.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/tensor.h"
#include "io/file_writer.h"
#include "io/json.h"
#include "io/mapped_file.h"

namespace anneal {

enum class SafetensorsType : uint8_t {
  kBool,
  kU8,
  kI8,
  kU16,
  kI16,
  kF16,
  kBF16,
  kU32,
  kI32,
  kF32,
  kU64,
  kI64,
  kF64,
  kF8E4M3,
  kF8E5M2,
};

const char* safetensors_type_name(SafetensorsType type);
// Bytes of one element.
size_t safetensors_type_bytes(SafetensorsType type);

struct SafetensorsEntry {
  std::string name;
  SafetensorsType type = SafetensorsType::kF32;
  Shape shape;                    // row-major, at most kMaxDims
  const uint8_t* data = nullptr;  // inside the mapping; aligned to 1 byte only: see copy helpers below
  size_t bytes = 0;

  // View as Tensor (F32, F16, BF16, I32). Error(kUnsupported) for other types; Error(kFormat) when data is not aligned
  // to its element (such a file is legal: use read_f32).
  Tensor tensor(const std::string& where) const;
  // Converts F32, F16, BF16, F64 to f32, whole tensor: out has shape.elements() floats. Error(kUnsupported) for others.
  void read_f32(float* out, const std::string& where) const;
};

class SafetensorsFile {
 public:
  // Header at most 100 MB, no duplicate names, data contiguous from 0 to the end without gap or overlap, sizes equal to
  // shape x type. Error(kFormat) names the tensor; Error(kIo) the path. A pickle or zip is refused with a remedy.
  explicit SafetensorsFile(const std::string& path);
  explicit SafetensorsFile(MappedFile file);

  const std::vector<SafetensorsEntry>& entries() const { return entries_; }  // in data order
  const SafetensorsEntry* find(std::string_view name) const;
  // __metadata__ strings.
  const std::vector<std::pair<std::string, std::string>>& metadata() const { return metadata_; }
  const std::string& path() const { return file_.path(); }
  const MappedFile& file() const { return file_; }

 private:
  void parse();
  JsonValue read_header(uint64_t* header_bytes) const;
  MappedFile file_;
  std::vector<SafetensorsEntry> entries_;
  std::unordered_map<std::string_view, size_t> index_;
  std::vector<std::pair<std::string, std::string>> metadata_;
};

// All weights of a Hugging Face folder: model.safetensors, or the shards named by model.safetensors.index.json.
class SafetensorsSet {
 public:
  // Error(kIo) when neither is there (a folder with pickles only says so), Error(kFormat) when the index names a file
  // outside the folder, a tensor the shard lacks, or when two shards hold one name.
  static SafetensorsSet open_folder(const std::string& dir);
  static SafetensorsSet open_file(const std::string& path);

  const SafetensorsEntry* find(std::string_view name) const;
  // Error(kFormat) "DIR: tensor NAME is missing".
  const SafetensorsEntry& at(std::string_view name) const;
  std::vector<const SafetensorsEntry*> entries() const;
  uint64_t file_bytes() const;
  const std::string& where() const { return where_; }
  // An entry of this set was read for now: its pages may leave memory.
  void release(const SafetensorsEntry& entry) const;

 private:
  std::string where_;
  std::vector<std::unique_ptr<SafetensorsFile>> files_;
  std::unordered_map<std::string_view, const SafetensorsEntry*> index_;
};

// Declare all tensors, then begin(), then append each one's bytes in the order declared.
class SafetensorsWriter {
 public:
  explicit SafetensorsWriter(const std::string& path);
  void set_metadata(const std::string& key, const std::string& value);
  void declare(const std::string& name, SafetensorsType type, const Shape& shape);
  // Writes the header (padded so that data starts at a multiple of 64). Error(kInvalidArgument) on duplicate names.
  void begin();
  // Any split of the declared bytes; Error(kInternal) when more is appended than was declared.
  void append(const void* data, size_t bytes);
  // f32 -> the type of the tensor being written (F32, F16, BF16), round to nearest even.
  void append_f32(const float* values, int64_t n);
  // Error(kInternal) unless every declared byte was appended.
  SavedFile finish();

 private:
  struct Declared {
    std::string name;
    SafetensorsType type;
    Shape shape;
    uint64_t begin, end;
  };
  FileWriter file_;
  std::vector<std::pair<std::string, std::string>> metadata_;
  std::vector<Declared> declared_;
  uint64_t data_bytes_ = 0;
  uint64_t appended_ = 0;
  size_t current_ = 0;
  bool begun_ = false;
  std::vector<uint8_t> scratch_;
};

}  // namespace anneal
