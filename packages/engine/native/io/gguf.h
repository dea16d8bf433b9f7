// GGUF versions 2 and 3: reader over a mapping and streaming writer.
// Layout: "GGUF", u32 version, u64 tensors, u64 keys, keys, tensor infos, padding to general.alignment, data.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "core/tensor.h"
#include "io/file_writer.h"
#include "io/mapped_file.h"

namespace anneal {

// Value types of metadata, numbered as in the file.
enum class GgufType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};

// An array of scalars (bytes as in the file, little-endian) or of strings. Arrays of arrays are refused.
struct GgufArray {
  GgufType type = GgufType::kU8;
  uint64_t count = 0;
  std::vector<uint8_t> scalars;      // count x size of type, for scalar types
  std::vector<std::string> strings;  // for kString
};

// One metadata value. Type confusion is impossible: each accessor checks the type and names the key.
class GgufValue {
 public:
  GgufValue() = default;
  static GgufValue u8(uint8_t v), i8(int8_t v), u16(uint16_t v), i16(int16_t v), u32(uint32_t v), i32(int32_t v);
  static GgufValue u64(uint64_t v), i64(int64_t v), f32(float v), f64(double v), boolean(bool v);
  static GgufValue string(std::string v);
  static GgufValue strings(std::vector<std::string> v);
  static GgufValue i32_array(const int32_t* values, size_t n);
  static GgufValue f32_array(const float* values, size_t n);
  static GgufValue array(GgufArray v);

  GgufType type() const { return type_; }
  // Any integer type (bool excluded) that fits; Error(kFormat) otherwise.
  int64_t as_int(const std::string& key) const;
  // Any integer or float type.
  double as_number(const std::string& key) const;
  bool as_bool(const std::string& key) const;
  const std::string& as_string(const std::string& key) const;
  const GgufArray& as_array(const std::string& key) const;
  const std::vector<std::string>& as_strings(const std::string& key) const;
  // Array of any integer type, widened; of any float type.
  std::vector<int64_t> as_ints(const std::string& key) const;
  std::vector<float> as_floats(const std::string& key) const;
  // Raw bits of a scalar (zero-extended; floats as their bits), for writers and bindings.
  uint64_t scalar_bits() const { return bits_; }

 private:
  GgufType type_ = GgufType::kU8;
  uint64_t bits_ = 0;
  std::variant<std::monostate, std::string, GgufArray> heavy_;
};

// Bytes of one scalar; 0 for strings and arrays.
size_t gguf_scalar_bytes(GgufType type);
const char* gguf_type_name(GgufType type);

// A key, its value; file order is kept.
using GgufMetadata = std::vector<std::pair<std::string, GgufValue>>;

struct GgufTensor {
  std::string name;
  uint32_t ggml_type = 0;         // the number in the file
  const char* type_name = "";     // "F32", "Q4_1", ...
  std::optional<DType> dtype;     // absent: a type this engine cannot compute with (integers, IQ1 ...)
  Shape shape;                    // row-major (GGUF's dims reversed): shape[-1] is the row of blocks
  const uint8_t* data = nullptr;  // inside the mapping, aligned to general.alignment
  size_t bytes = 0;

  // View as Tensor. Error(kUnsupported) names the type where dtype is absent.
  Tensor tensor(const std::string& where) const;
  // Dequantises rows [first, first + count) into out: (count, shape[-1]) floats.
  void read_rows_f32(int64_t first, int64_t count, float* out, const std::string& where) const;
};

class GgufFile {
 public:
  // Error(kFormat) names the key or tensor: counts above the remaining bytes, alignment no power of two or above 64
  // KiB, unknown value types, duplicate keys or tensors, dims that do not fit blocks, data outside the file or
  // overlapping.
  explicit GgufFile(const std::string& path);
  explicit GgufFile(MappedFile file);

  uint32_t version() const { return version_; }
  const GgufMetadata& metadata() const { return metadata_; }
  const GgufValue* find(std::string_view key) const;
  const GgufValue& at(std::string_view key) const;  // Error(kFormat) when missing
  int64_t get_int(std::string_view key) const;
  int64_t get_int_or(std::string_view key, int64_t fallback) const;
  double get_number(std::string_view key) const;
  double get_number_or(std::string_view key, double fallback) const;
  bool get_bool_or(std::string_view key, bool fallback) const;
  const std::string& get_string(std::string_view key) const;
  std::string get_string_or(std::string_view key, const std::string& fallback) const;

  const std::vector<GgufTensor>& tensors() const { return tensors_; }
  const GgufTensor* find_tensor(std::string_view name) const;
  const GgufTensor& tensor(std::string_view name) const;  // Error(kFormat) when missing
  uint64_t file_bytes() const { return file_.size(); }
  const std::string& path() const { return file_.path(); }
  const MappedFile& file() const { return file_; }

 private:
  void parse();
  MappedFile file_;
  uint32_t version_ = 0;
  uint64_t alignment_ = 32;
  GgufMetadata metadata_;
  std::vector<GgufTensor> tensors_;
  std::unordered_map<std::string_view, size_t> key_index_;
  std::unordered_map<std::string_view, size_t> tensor_index_;
};

// Version 3 writer: metadata, declared tensors, begin(), then each tensor's bytes in the order declared.
class GgufWriter {
 public:
  explicit GgufWriter(const std::string& path, uint32_t alignment = 32);
  // Last value of a key wins, at its first place.
  void set(const std::string& key, GgufValue value);
  // Error(kShape) when a row is no multiple of the type's block.
  void declare(const std::string& name, DType dtype, const Shape& shape);
  void begin();
  void append(const void* data, size_t bytes);
  SavedFile finish();

 private:
  struct Declared {
    std::string name;
    uint32_t ggml_type;
    Shape shape;
    uint64_t offset, bytes;
  };
  void pad();
  FileWriter file_;
  uint32_t alignment_;
  GgufMetadata metadata_;
  std::unordered_map<std::string, size_t> key_index_;
  std::vector<Declared> declared_;
  uint64_t next_offset_ = 0;
  uint64_t data_start_ = 0;
  size_t current_ = 0;
  uint64_t current_bytes_ = 0;
  bool begun_ = false;
};

}  // namespace anneal
