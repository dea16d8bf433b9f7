#include "io/gguf.h"

#include <algorithm>
#include <cstring>

#include "core/checked.h"
#include "io/file_kind.h"
#include "quant/quant.h"

namespace anneal {
namespace {

constexpr uint64_t kMaxKeyBytes = 65535;
constexpr uint64_t kMaxAlignment = 65536;

// Layout of every tensor type a GGUF may hold, also of those this engine cannot compute with: sizes must be checked all
// the same. Types of quant/ are looked up there.
struct ForeignType {
  uint32_t ggml_type;
  const char* name;
  int block_elements, block_bytes;
};
constexpr ForeignType kForeignTypes[] = {
    {9, "Q8_1", 32, 36},      {15, "Q8_K", 256, 292}, {16, "IQ2_XXS", 256, 66}, {17, "IQ2_XS", 256, 74},
    {18, "IQ3_XXS", 256, 98}, {19, "IQ1_S", 256, 50}, {21, "IQ3_S", 256, 110},  {22, "IQ2_S", 256, 82},
    {24, "I8", 1, 1},         {25, "I16", 1, 2},      {26, "I32", 1, 4},        {27, "I64", 1, 8},
    {28, "F64", 1, 8},        {29, "IQ1_M", 256, 56}, {34, "TQ1_0", 256, 54},   {35, "TQ2_0", 256, 66},
    {40, "NVFP4", 64, 36},    {41, "Q1_0", 128, 18},
};

std::string shown(std::string_view name) { return "\"" + printable(name) + "\""; }

[[noreturn]] void refuse_foreign(const MappedFile& file) {
  const std::optional<Cause> kind = foreign_kind(file);
  if (!kind) malformed("gguf_unknown", file.path(), "is no GGUF file: it does not start with the letters GGUF");
  malformed("gguf_foreign", file.path(), "is no GGUF file but {kind}", {{"kind", *kind}});
}

// Bounds-checked little-endian cursor over the mapping.
class Cursor {
 public:
  Cursor(const MappedFile& file) : path_(file.path()), data_(file.data()), size_(file.size()) {}

  uint64_t position() const { return at_; }
  uint64_t remaining() const { return size_ - at_; }

  const uint8_t* take(uint64_t bytes, const std::string& what) {
    if (bytes > remaining())
      malformed("gguf_cut_off", path_, "ends inside {part} ({wanted} bytes wanted at byte {at}, {left} left)",
                {{"part", what}, {"wanted", bytes}, {"at", at_}, {"left", remaining()}});
    const uint8_t* p = data_ + at_;
    at_ += bytes;
    return p;
  }

  uint64_t integer(int bytes, const std::string& what) {
    const uint8_t* p = take(static_cast<uint64_t>(bytes), what);
    uint64_t v = 0;
    for (int i = bytes - 1; i >= 0; --i) v = v << 8 | p[i];
    return v;
  }
  uint32_t u32(const std::string& what) { return static_cast<uint32_t>(integer(4, what)); }
  uint64_t u64(const std::string& what) { return integer(8, what); }

  std::string string(const std::string& what, uint64_t max_bytes) {
    const uint64_t length = u64(what);
    if (length > max_bytes)
      malformed("gguf_string_too_long", path_, "{part} is {bytes} bytes long, above {most}",
                {{"part", what}, {"bytes", length}, {"most", max_bytes}});
    const uint8_t* p = take(length, what);
    return std::string(reinterpret_cast<const char*>(p), static_cast<size_t>(length));
  }

 private:
  const std::string& path_;
  const uint8_t* data_;
  uint64_t size_;
  uint64_t at_ = 0;
};

GgufType value_type(uint32_t number, const std::string& where) {
  if (number > static_cast<uint32_t>(GgufType::kF64))
    malformed("gguf_value_type_number", where, "has the unknown value type {type}", {{"type", number}});
  return static_cast<GgufType>(number);
}

GgufValue read_scalar(Cursor* cursor, GgufType type, const std::string& where) {
  const uint64_t bits = cursor->integer(static_cast<int>(gguf_scalar_bytes(type)), where);
  switch (type) {
    case GgufType::kU8: return GgufValue::u8(static_cast<uint8_t>(bits));
    case GgufType::kI8: return GgufValue::i8(static_cast<int8_t>(bits));
    case GgufType::kU16: return GgufValue::u16(static_cast<uint16_t>(bits));
    case GgufType::kI16: return GgufValue::i16(static_cast<int16_t>(bits));
    case GgufType::kU32: return GgufValue::u32(static_cast<uint32_t>(bits));
    case GgufType::kI32: return GgufValue::i32(static_cast<int32_t>(bits));
    case GgufType::kU64: return GgufValue::u64(bits);
    case GgufType::kI64: return GgufValue::i64(static_cast<int64_t>(bits));
    case GgufType::kBool:
      if (bits > 1) malformed("gguf_boolean_value", where, "is a boolean with the value {value}", {{"value", bits}});
      return GgufValue::boolean(bits == 1);
    case GgufType::kF32: {
      const uint32_t low = static_cast<uint32_t>(bits);
      float v;
      std::memcpy(&v, &low, 4);
      return GgufValue::f32(v);
    }
    case GgufType::kF64: {
      double v;
      std::memcpy(&v, &bits, 8);
      return GgufValue::f64(v);
    }
    case GgufType::kString:
    case GgufType::kArray: break;
  }
  throw Error(ErrorCode::kInternal, "gguf_no_scalar", where, "no scalar");
}

GgufValue read_array(Cursor* cursor, const std::string& where) {
  GgufArray array;
  array.type = value_type(cursor->u32(where), where);
  array.count = cursor->u64(where);
  if (array.type == GgufType::kArray)
    throw Error(ErrorCode::kUnsupported, "gguf_nested_array", where,
                "is an array of arrays, which no known model needs");
  // Every element takes at least this much of the file, so a count cannot make us allocate more than the file holds.
  const uint64_t least = array.type == GgufType::kString ? 8 : gguf_scalar_bytes(array.type);
  if (array.count > cursor->remaining() / least)
    malformed("gguf_array_too_long", where, "announces {elements} elements, more than the rest of the file can hold",
              {{"elements", array.count}});
  if (array.type == GgufType::kString) {
    array.strings.reserve(static_cast<size_t>(array.count));
    for (uint64_t i = 0; i < array.count; ++i) array.strings.push_back(cursor->string(where, cursor->remaining()));
  } else {
    const uint8_t* p = cursor->take(array.count * least, where);
    if (array.type == GgufType::kBool)
      for (uint64_t i = 0; i < array.count; ++i)
        if (p[i] > 1)
          malformed("gguf_boolean_in_array", where, "holds a boolean with the value {value}", {{"value", p[i]}});
    array.scalars.assign(p, p + array.count * least);
  }
  return GgufValue::array(std::move(array));
}

// Fills everything but `data`; returns the announced offset.
uint64_t read_tensor_info(Cursor* cursor, const std::string& path, GgufTensor* tensor) {
  tensor->name = cursor->string("a tensor's name", kMaxKeyBytes);
  const std::string where = path + ": tensor " + shown(tensor->name);
  if (tensor->name.empty()) malformed("name_empty", where, "has an empty name");
  const uint32_t rank = cursor->u32(where);
  if (rank < 1 || rank > static_cast<uint32_t>(kMaxDims))
    malformed("dimensions_out_of_range", where, "has {dimensions} dimensions; 1 to {most} are possible",
              {{"dimensions", rank}, {"most", kMaxDims}});
  tensor->shape.rank = static_cast<int>(rank);
  uint64_t elements = 1;
  for (uint32_t i = 0; i < rank; ++i) {
    const uint64_t dim = cursor->u64(where);
    if (dim == 0 || dim > static_cast<uint64_t>(INT64_MAX))
      malformed("dimension_invalid", where, "has a dimension of {dimension}", {{"dimension", dim}});
    elements = checked_mul(elements, dim, where.c_str());
    tensor->shape.dims[rank - 1 - i] = static_cast<int64_t>(dim);
  }
  if (elements > static_cast<uint64_t>(INT64_MAX))
    malformed("too_many_elements", where, "has more elements than 63 bits count");
  tensor->ggml_type = cursor->u32(where);
  uint64_t block_elements = 0, block_bytes = 0;
  if (const QuantType* type = find_quant_type(tensor->ggml_type)) {
    tensor->type_name = type->name;
    tensor->dtype = type->dtype;
    block_elements = static_cast<uint64_t>(type->block_elements);
    block_bytes = static_cast<uint64_t>(type->block_bytes);
  } else {
    const ForeignType* foreign = std::find_if(std::begin(kForeignTypes), std::end(kForeignTypes),
                                              [&](const ForeignType& t) { return t.ggml_type == tensor->ggml_type; });
    if (foreign == std::end(kForeignTypes))
      throw Error(ErrorCode::kUnsupported, "gguf_type_number", where, "has the unknown type number {type}",
                  {{"type", tensor->ggml_type}});
    tensor->type_name = foreign->name;
    block_elements = static_cast<uint64_t>(foreign->block_elements);
    block_bytes = static_cast<uint64_t>(foreign->block_bytes);
  }
  const uint64_t row = static_cast<uint64_t>(tensor->shape[-1]);
  if (row % block_elements != 0)
    malformed("gguf_rows_not_blocks", where,
              "has rows of {elements} elements, no multiple of {type}'s block of {block}",
              {{"elements", row}, {"type", tensor->type_name}, {"block", block_elements}});
  tensor->bytes = static_cast<size_t>(checked_mul(elements / block_elements, block_bytes, where.c_str()));
  return cursor->u64(where);
}

}  // namespace

Tensor GgufTensor::tensor(const std::string& where) const {
  if (!dtype)
    throw Error(ErrorCode::kUnsupported, "type_not_computed", where + ": tensor " + shown(name),
                "holds {type}, which this engine cannot compute with", {{"type", type_name}});
  Tensor t;
  t.data = const_cast<uint8_t*>(data);
  t.dtype = *dtype;
  t.shape = shape;
  return t;
}

void GgufTensor::read_rows_f32(int64_t first, int64_t count, float* out, const std::string& where) const {
  const Tensor t = tensor(where);
  if (first < 0 || count < 0 || count > t.rows() || first > t.rows() - count)
    throw Error(ErrorCode::kShape, "gguf_rows_outside", where + ": tensor " + shown(name),
                "rows {first} + {count} of {rows}", {{"first", first}, {"count", count}, {"rows", t.rows()}});
  dequantise_rows(t.dtype, data + static_cast<size_t>(first) * quant_row_bytes(t.dtype, t.cols()), out, count,
                  t.cols());
}

GgufFile::GgufFile(const std::string& path) : GgufFile(MappedFile(path)) {}

GgufFile::GgufFile(MappedFile file) : file_(std::move(file)) { parse(); }

void GgufFile::parse() {
  const std::string& path = file_.path();
  Cursor cursor(file_);
  if (file_.size() < 4 || std::memcmp(file_.data(), "GGUF", 4) != 0) refuse_foreign(file_);
  cursor.take(4, "the magic");
  version_ = cursor.u32("the version");
  if (version_ != 2 && version_ != 3) {
    if (version_ == 0x02000000 || version_ == 0x03000000)
      throw Error(ErrorCode::kUnsupported, "gguf_big_endian", path,
                  "is a big-endian GGUF; convert it to little-endian first");
    throw Error(ErrorCode::kUnsupported, "gguf_version", path, "is GGUF version {version}; versions 2 and 3 are read",
                {{"version", version_}});
  }
  const uint64_t tensors = cursor.u64("the tensor count");
  const uint64_t keys = cursor.u64("the key count");
  // Smallest key: name length 8 + type 4 + value 1. Smallest tensor info: name length 8 + rank 4 + dim 8 + type 4 +
  // offset 8.
  if (keys > cursor.remaining() / 13)
    malformed("gguf_too_many_keys", path, "announces {keys} keys, more than the file can hold", {{"keys", keys}});
  if (tensors > cursor.remaining() / 32)
    malformed("gguf_too_many_tensors", path, "announces {tensors} tensors, more than the file can hold",
              {{"tensors", tensors}});

  metadata_.reserve(static_cast<size_t>(keys));
  for (uint64_t i = 0; i < keys; ++i) {
    std::string key = cursor.string("a key's name", kMaxKeyBytes);
    const std::string where = path + ": key " + shown(key);
    if (key.empty()) malformed("name_empty", where, "has an empty name");
    const GgufType type = value_type(cursor.u32(where), where);
    GgufValue value = type == GgufType::kArray    ? read_array(&cursor, where)
                      : type == GgufType::kString ? GgufValue::string(cursor.string(where, cursor.remaining()))
                                                  : read_scalar(&cursor, type, where);
    metadata_.emplace_back(std::move(key), std::move(value));
    if (!key_index_.emplace(metadata_.back().first, metadata_.size() - 1).second)
      malformed("occurs_twice", where, "occurs twice");
  }

  if (const GgufValue* alignment = find("general.alignment")) {
    // llama.cpp reads no other type.
    if (alignment->type() != GgufType::kU32)
      malformed("alignment_not_u32", path + ": key \"general.alignment\"", "must be a 32-bit whole number (u32)");
    const int64_t value = alignment->as_int("general.alignment");
    if (value < 8 || value > static_cast<int64_t>(kMaxAlignment) || (value & (value - 1)) != 0)
      malformed("not_power_of_two", path + ": key \"general.alignment\"", "must be a power of two from {range}",
                {{"range", "8 to " + std::to_string(kMaxAlignment) + ", found " + std::to_string(value)}});
    alignment_ = static_cast<uint64_t>(value);
  }

  tensors_.resize(static_cast<size_t>(tensors));
  std::vector<uint64_t> offsets(tensors_.size());
  for (size_t i = 0; i < tensors_.size(); ++i) {
    offsets[i] = read_tensor_info(&cursor, path, &tensors_[i]);
    if (!tensor_index_.emplace(tensors_[i].name, i).second)
      malformed("occurs_twice", path + ": tensor " + shown(tensors_[i].name), "occurs twice");
  }

  if (tensors_.empty()) return;
  const uint64_t start = (cursor.position() + alignment_ - 1) / alignment_ * alignment_;
  if (start > file_.size()) malformed("gguf_no_tensor_data", path, "ends before its tensor data");
  const uint64_t data_bytes = file_.size() - start;
  std::vector<size_t> order(tensors_.size());
  for (size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
    GgufTensor& tensor = tensors_[i];
    const std::string where = path + ": tensor " + shown(tensor.name);
    if (offsets[i] % alignment_ != 0)
      malformed("gguf_offset_not_aligned", where, "starts at offset {offset}, no multiple of the alignment {alignment}",
                {{"offset", offsets[i]}, {"alignment", alignment_}});
    if (offsets[i] > data_bytes || tensor.bytes > data_bytes - offsets[i])
      malformed("gguf_outside_file", where,
                "offset {offset} and size {bytes} reach outside the file; the download may be incomplete",
                {{"offset", offsets[i]}, {"bytes", tensor.bytes}});
    tensor.data = file_.data() + start + offsets[i];
  }
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return offsets[a] < offsets[b]; });
  for (size_t i = 1; i < order.size(); ++i)
    if (offsets[order[i]] < offsets[order[i - 1]] + tensors_[order[i - 1]].bytes)
      malformed("gguf_tensors_overlap", path + ": tensor " + shown(tensors_[order[i]].name), "overlaps tensor {tensor}",
                {{"tensor", shown(tensors_[order[i - 1]].name)}});
}

const GgufValue* GgufFile::find(std::string_view key) const {
  const auto found = key_index_.find(key);
  return found == key_index_.end() ? nullptr : &metadata_[found->second].second;
}

const GgufValue& GgufFile::at(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) malformed("missing", path() + ": key " + shown(key), "is missing");
  return *value;
}

int64_t GgufFile::get_int(std::string_view key) const { return at(key).as_int(std::string(key)); }

int64_t GgufFile::get_int_or(std::string_view key, int64_t fallback) const {
  const GgufValue* value = find(key);
  return value ? value->as_int(std::string(key)) : fallback;
}

double GgufFile::get_number(std::string_view key) const { return at(key).as_number(std::string(key)); }

double GgufFile::get_number_or(std::string_view key, double fallback) const {
  const GgufValue* value = find(key);
  return value ? value->as_number(std::string(key)) : fallback;
}

bool GgufFile::get_bool_or(std::string_view key, bool fallback) const {
  const GgufValue* value = find(key);
  return value ? value->as_bool(std::string(key)) : fallback;
}

const std::string& GgufFile::get_string(std::string_view key) const { return at(key).as_string(std::string(key)); }

std::string GgufFile::get_string_or(std::string_view key, const std::string& fallback) const {
  const GgufValue* value = find(key);
  return value ? value->as_string(std::string(key)) : fallback;
}

const GgufTensor* GgufFile::find_tensor(std::string_view name) const {
  const auto found = tensor_index_.find(name);
  return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

const GgufTensor& GgufFile::tensor(std::string_view name) const {
  const GgufTensor* tensor = find_tensor(name);
  if (!tensor) malformed("tensor_missing", path(), "tensor {tensor} is missing", {{"tensor", shown(name)}});
  return *tensor;
}

}  // namespace anneal
