// A small strict JSON parser for file headers and configurations: foreign bytes, so depth and size are capped,
// duplicate keys are refused, and every getter checks the type and names the field.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"

namespace anneal {

struct JsonLimits {
  size_t max_bytes = size_t{100} << 20;
  int max_depth = 64;
  size_t max_values = size_t{1} << 20;  // about 120 bytes each; a file of 100,000 tensors has 800,000
};

enum class JsonKind : uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };

class JsonValue {
 public:
  using Member = std::pair<std::string, JsonValue>;

  JsonKind kind() const { return kind_; }
  bool is_null() const { return kind_ == JsonKind::kNull; }
  bool is_object() const { return kind_ == JsonKind::kObject; }
  bool is_array() const { return kind_ == JsonKind::kArray; }
  bool is_string() const { return kind_ == JsonKind::kString; }
  bool is_number() const { return kind_ == JsonKind::kNumber; }
  bool is_bool() const { return kind_ == JsonKind::kBool; }

  // Typed access; Error(kFormat) names `where` (a file and field) when the kind differs.
  bool as_bool(const std::string& where) const;
  double as_number(const std::string& where) const;
  // A whole number written without fraction or exponent that fits 64 bits.
  int64_t as_int(const std::string& where) const;
  const std::string& as_string(const std::string& where) const;
  const std::vector<JsonValue>& as_array(const std::string& where) const;
  const std::vector<Member>& as_object(const std::string& where) const;

  // Object members in file order. find: nullptr when absent (or when this is no object); null counts as present.
  const JsonValue* find(std::string_view key) const;
  // Error(kFormat) "FILE: field KEY is missing" when absent.
  const JsonValue& at(std::string_view key, const std::string& where) const;

  // `where` is the file; the field is added to it. The _or forms return the fallback for an absent or null field.
  int64_t get_int(std::string_view key, const std::string& where) const;
  int64_t get_int_or(std::string_view key, int64_t fallback, const std::string& where) const;
  double get_number(std::string_view key, const std::string& where) const;
  double get_number_or(std::string_view key, double fallback, const std::string& where) const;
  bool get_bool_or(std::string_view key, bool fallback, const std::string& where) const;
  std::string get_string(std::string_view key, const std::string& where) const;
  std::string get_string_or(std::string_view key, const std::string& fallback, const std::string& where) const;

 private:
  friend class JsonParser;
  JsonKind kind_ = JsonKind::kNull;
  bool bool_ = false;
  bool is_int_ = false;
  double number_ = 0;
  int64_t int_ = 0;
  std::string string_;
  std::vector<JsonValue> items_;
  std::vector<Member> members_;
};

// Parses one whole JSON text (RFC 8259, UTF-8, no trailing bytes but white space). `where` names the source in errors,
// which carry the byte offset. Error(kFormat) for anything else.
JsonValue parse_json(std::string_view text, const std::string& where, const JsonLimits& limits = {});

// Reads and parses a file. Error(kIo) when it cannot be read, Error(kFormat) when it is above limits.max_bytes.
JsonValue read_json_file(const std::string& path, const JsonLimits& limits = {});

// A quoted JSON string; control characters as \u00XX, everything else as it is.
std::string json_quote(std::string_view text);

}  // namespace anneal
