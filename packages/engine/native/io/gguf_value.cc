#include <cmath>
#include <cstring>

#include "io/file_kind.h"
#include "io/gguf.h"

namespace anneal {
namespace {

[[noreturn]] void wrong_type(const std::string& key, const Cause& wanted, GgufType got) {
  throw Error(ErrorCode::kFormat, "must_be_found", "key " + printable(key), "must be {expected}, found {found}",
              {{"expected", wanted}, {"found", gguf_type_name(got)}});
}

// Sign-extends the stored bits of an integer type; false for other types, and for a u64 above int64.
bool widen(GgufType type, uint64_t bits, int64_t* out) {
  switch (type) {
    case GgufType::kU8:
    case GgufType::kU16:
    case GgufType::kU32: *out = static_cast<int64_t>(bits); return true;
    case GgufType::kI8: *out = static_cast<int8_t>(bits); return true;
    case GgufType::kI16: *out = static_cast<int16_t>(bits); return true;
    case GgufType::kI32: *out = static_cast<int32_t>(bits); return true;
    case GgufType::kI64: *out = static_cast<int64_t>(bits); return true;
    case GgufType::kU64: *out = static_cast<int64_t>(bits); return bits <= INT64_MAX;
    default: return false;
  }
}

bool is_integer(GgufType type) {
  return type != GgufType::kF32 && type != GgufType::kF64 && type != GgufType::kBool && type != GgufType::kString &&
         type != GgufType::kArray;
}

double float_value(GgufType type, uint64_t bits) {
  if (type == GgufType::kF32) {
    const uint32_t low = static_cast<uint32_t>(bits);
    float v;
    std::memcpy(&v, &low, 4);
    return static_cast<double>(v);
  }
  double v;
  std::memcpy(&v, &bits, 8);
  return v;
}

uint64_t element_bits(const GgufArray& array, size_t index, size_t bytes) {
  uint64_t bits = 0;
  std::memcpy(&bits, array.scalars.data() + index * bytes, bytes);
  return bits;
}

}  // namespace

size_t gguf_scalar_bytes(GgufType type) {
  switch (type) {
    case GgufType::kU8:
    case GgufType::kI8:
    case GgufType::kBool: return 1;
    case GgufType::kU16:
    case GgufType::kI16: return 2;
    case GgufType::kU32:
    case GgufType::kI32:
    case GgufType::kF32: return 4;
    case GgufType::kU64:
    case GgufType::kI64:
    case GgufType::kF64: return 8;
    case GgufType::kString:
    case GgufType::kArray: return 0;
  }
  return 0;
}

const char* gguf_type_name(GgufType type) {
  static const char* const names[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                      "bool", "string", "array", "u64", "i64", "f64"};
  return names[static_cast<uint32_t>(type)];
}

#define ANNEAL_GGUF_SCALAR(function, kind, ctype) \
  GgufValue GgufValue::function(ctype v) {        \
    GgufValue value;                              \
    value.type_ = GgufType::kind;                 \
    std::memcpy(&value.bits_, &v, sizeof v);      \
    return value;                                 \
  }
ANNEAL_GGUF_SCALAR(u8, kU8, uint8_t)
ANNEAL_GGUF_SCALAR(i8, kI8, int8_t)
ANNEAL_GGUF_SCALAR(u16, kU16, uint16_t)
ANNEAL_GGUF_SCALAR(i16, kI16, int16_t)
ANNEAL_GGUF_SCALAR(u32, kU32, uint32_t)
ANNEAL_GGUF_SCALAR(i32, kI32, int32_t)
ANNEAL_GGUF_SCALAR(u64, kU64, uint64_t)
ANNEAL_GGUF_SCALAR(i64, kI64, int64_t)
ANNEAL_GGUF_SCALAR(f32, kF32, float)
ANNEAL_GGUF_SCALAR(f64, kF64, double)
#undef ANNEAL_GGUF_SCALAR

GgufValue GgufValue::boolean(bool v) {
  GgufValue value;
  value.type_ = GgufType::kBool;
  value.bits_ = v ? 1 : 0;
  return value;
}

GgufValue GgufValue::string(std::string v) {
  GgufValue value;
  value.type_ = GgufType::kString;
  value.heavy_ = std::move(v);
  return value;
}

GgufValue GgufValue::array(GgufArray v) {
  GgufValue value;
  value.type_ = GgufType::kArray;
  value.heavy_ = std::move(v);
  return value;
}

GgufValue GgufValue::strings(std::vector<std::string> v) {
  GgufArray array;
  array.type = GgufType::kString;
  array.count = v.size();
  array.strings = std::move(v);
  return GgufValue::array(std::move(array));
}

GgufValue GgufValue::i32_array(const int32_t* values, size_t n) {
  GgufArray array;
  array.type = GgufType::kI32;
  array.count = n;
  array.scalars.resize(n * 4);
  if (n > 0) std::memcpy(array.scalars.data(), values, n * 4);
  return GgufValue::array(std::move(array));
}

GgufValue GgufValue::f32_array(const float* values, size_t n) {
  GgufArray array;
  array.type = GgufType::kF32;
  array.count = n;
  array.scalars.resize(n * 4);
  if (n > 0) std::memcpy(array.scalars.data(), values, n * 4);
  return GgufValue::array(std::move(array));
}

int64_t GgufValue::as_int(const std::string& key) const {
  int64_t v;
  if (!is_integer(type_)) wrong_type(key, Cause{"a_whole_number", "a whole number"}, type_);
  if (!widen(type_, bits_, &v))
    throw Error(ErrorCode::kFormat, "number_outside_int64", "key " + key, "does not fit a signed 64-bit number");
  return v;
}

double GgufValue::as_number(const std::string& key) const {
  if (type_ == GgufType::kF32 || type_ == GgufType::kF64) return float_value(type_, bits_);
  if (!is_integer(type_)) wrong_type(key, Cause{"a_number", "a number"}, type_);
  return static_cast<double>(as_int(key));
}

bool GgufValue::as_bool(const std::string& key) const {
  if (type_ != GgufType::kBool) wrong_type(key, Cause{"a_boolean", "a boolean"}, type_);
  return bits_ != 0;
}

const std::string& GgufValue::as_string(const std::string& key) const {
  if (type_ != GgufType::kString) wrong_type(key, Cause{"a_string", "a string"}, type_);
  return std::get<std::string>(heavy_);
}

const GgufArray& GgufValue::as_array(const std::string& key) const {
  if (type_ != GgufType::kArray) wrong_type(key, Cause{"an_array", "an array"}, type_);
  return std::get<GgufArray>(heavy_);
}

const std::vector<std::string>& GgufValue::as_strings(const std::string& key) const {
  const GgufArray& array = as_array(key);
  if (array.type != GgufType::kString) wrong_type(key, Cause{"an_array_of_strings", "an array of strings"}, array.type);
  return array.strings;
}

std::vector<int64_t> GgufValue::as_ints(const std::string& key) const {
  const GgufArray& array = as_array(key);
  if (!is_integer(array.type))
    wrong_type(key, Cause{"an_array_of_whole_numbers", "an array of whole numbers"}, array.type);
  const size_t bytes = gguf_scalar_bytes(array.type);
  std::vector<int64_t> out(array.count);
  for (size_t i = 0; i < out.size(); ++i)
    if (!widen(array.type, element_bits(array, i, bytes), &out[i]))
      throw Error(ErrorCode::kFormat, "numbers_outside_int64", "key " + key,
                  "holds a number that does not fit a signed 64-bit number");
  return out;
}

std::vector<float> GgufValue::as_floats(const std::string& key) const {
  const GgufArray& array = as_array(key);
  if (array.type != GgufType::kF32 && array.type != GgufType::kF64)
    wrong_type(key, Cause{"an_array_of_floats", "an array of floats"}, array.type);
  const size_t bytes = gguf_scalar_bytes(array.type);
  std::vector<float> out(array.count);
  for (size_t i = 0; i < out.size(); ++i) {
    const double v = float_value(array.type, element_bits(array, i, bytes));
    // Spelled out because converting an out-of-range double is undefined.
    out[i] = std::fabs(v) > 3.4028235677973366e38 && !std::isinf(v) ? (v > 0 ? HUGE_VALF : -HUGE_VALF)
                                                                    : static_cast<float>(v);
  }
  return out;
}

}  // namespace anneal
