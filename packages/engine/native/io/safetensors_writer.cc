#include <algorithm>

#include "core/checked.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "quant/quant.h"

namespace anneal {

SafetensorsWriter::SafetensorsWriter(const std::string& path) : file_(path) {}

void SafetensorsWriter::set_metadata(const std::string& key, const std::string& value) {
  if (begun_)
    throw Error(ErrorCode::kInternal, "metadata_after_begin", file_.path(), "metadata must be set before begin()");
  metadata_.emplace_back(key, value);
}

void SafetensorsWriter::declare(const std::string& name, SafetensorsType type, const Shape& shape) {
  if (begun_)
    throw Error(ErrorCode::kInternal, "tensors_after_begin", file_.path(), "tensors must be declared before begin()");
  if (name.empty() || name == "__metadata__")
    throw Error(ErrorCode::kInvalidArgument, "tensor_name_invalid", file_.path(),
                "\"{tensor}\" cannot be a tensor's name", {{"tensor", name}});
  for (const Declared& d : declared_)
    if (d.name == name)
      throw Error(ErrorCode::kInvalidArgument, "tensor_declared_twice", file_.path(),
                  "tensor \"{tensor}\" is declared twice", {{"tensor", name}});
  uint64_t bytes = safetensors_type_bytes(type);
  for (int i = 0; i < shape.rank; ++i) {
    if (shape[i] < 0)
      throw Error(ErrorCode::kShape, "negative_dimension_declared", file_.path() + ": tensor \"" + name + "\"",
                  "negative dimension");
    bytes = checked_mul(bytes, static_cast<uint64_t>(shape[i]), name.c_str());
  }
  const uint64_t end = checked_add(data_bytes_, bytes, name.c_str());
  declared_.push_back({name, type, shape, data_bytes_, end});
  data_bytes_ = end;
}

void SafetensorsWriter::begin() {
  if (begun_) throw Error(ErrorCode::kInternal, "begin_called_twice", file_.path(), "begin() was called twice");
  begun_ = true;
  std::string header = "{";
  if (!metadata_.empty()) {
    header += "\"__metadata__\":{";
    for (size_t i = 0; i < metadata_.size(); ++i)
      header += (i ? "," : "") + json_quote(metadata_[i].first) + ":" + json_quote(metadata_[i].second);
    header += "}";
  }
  for (const Declared& d : declared_) {
    if (header.size() > 1) header += ",";
    header += json_quote(d.name) + ":{\"dtype\":\"" + safetensors_type_name(d.type) + "\",\"shape\":[";
    for (int i = 0; i < d.shape.rank; ++i) header += (i ? "," : "") + std::to_string(d.shape[i]);
    header += "],\"data_offsets\":[" + std::to_string(d.begin) + "," + std::to_string(d.end) + "]}";
  }
  header += "}";
  header.append((64 - (8 + header.size()) % 64) % 64, ' ');
  uint8_t length[8];
  for (int i = 0; i < 8; ++i) length[i] = static_cast<uint8_t>(static_cast<uint64_t>(header.size()) >> (8 * i));
  file_.write(length, 8);
  file_.write(header.data(), header.size());
}

void SafetensorsWriter::append(const void* data, size_t bytes) {
  if (!begun_) throw Error(ErrorCode::kInternal, "append_before_begin", file_.path(), "append() before begin()");
  if (bytes > data_bytes_ - appended_)
    throw Error(ErrorCode::kInternal, "too_much_data", file_.path(), "more data was appended than declared");
  file_.write(data, bytes);
  appended_ += bytes;
}

void SafetensorsWriter::append_f32(const float* values, int64_t n) {
  while (n > 0) {
    while (current_ < declared_.size() && declared_[current_].end <= appended_) ++current_;
    if (current_ == declared_.size())
      throw Error(ErrorCode::kInternal, "too_much_data", file_.path(), "more data was appended than declared");
    const Declared& d = declared_[current_];
    DType dtype;
    switch (d.type) {
      case SafetensorsType::kF32: dtype = DType::kF32; break;
      case SafetensorsType::kF16: dtype = DType::kF16; break;
      case SafetensorsType::kBF16: dtype = DType::kBF16; break;
      default:
        throw Error(ErrorCode::kUnsupported, "float_type_not_stored", file_.path() + ": tensor \"" + d.name + "\"",
                    "floats can be stored as F32, F16 or BF16 only");
    }
    const size_t element = safetensors_type_bytes(d.type);
    const int64_t left = static_cast<int64_t>((d.end - appended_) / element);
    const int64_t take = std::min({n, left, int64_t{1} << 18});
    scratch_.resize(static_cast<size_t>(take) * element);
    quantise_rows(dtype, values, scratch_.data(), 1, take);
    append(scratch_.data(), scratch_.size());
    values += take;
    n -= take;
  }
}

SavedFile SafetensorsWriter::finish() {
  if (!begun_) begin();
  if (appended_ != data_bytes_)
    throw Error(ErrorCode::kInternal, "data_not_appended", file_.path(), "{bytes} declared bytes were not appended",
                {{"bytes", data_bytes_ - appended_}});
  return file_.commit();
}

}  // namespace anneal
