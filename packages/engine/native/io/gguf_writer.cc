#include "core/checked.h"
#include "io/gguf.h"
#include "quant/quant.h"

namespace anneal {
namespace {

void write_integer(FileWriter* file, uint64_t value, size_t bytes) {
  uint8_t out[8];
  for (size_t i = 0; i < bytes; ++i) out[i] = static_cast<uint8_t>(value >> (8 * i));
  file->write(out, bytes);
}

void write_string(FileWriter* file, const std::string& text) {
  write_integer(file, text.size(), 8);
  file->write(text.data(), text.size());
}

void write_value(FileWriter* file, const std::string& key, const GgufValue& value) {
  write_integer(file, static_cast<uint32_t>(value.type()), 4);
  if (value.type() == GgufType::kString) {
    write_string(file, value.as_string(key));
  } else if (value.type() == GgufType::kArray) {
    const GgufArray& array = value.as_array(key);
    write_integer(file, static_cast<uint32_t>(array.type), 4);
    write_integer(file, array.count, 8);
    if (array.type == GgufType::kString)
      for (const std::string& text : array.strings) write_string(file, text);
    else file->write(array.scalars.data(), array.scalars.size());
  } else {
    write_integer(file, value.scalar_bits(), gguf_scalar_bytes(value.type()));
  }
}

void check_array(const std::string& key, const GgufValue& value) {
  if (value.type() != GgufType::kArray) return;
  const GgufArray& array = value.as_array(key);
  const size_t held = array.type == GgufType::kString ? array.strings.size()
                      : gguf_scalar_bytes(array.type) ? array.scalars.size() / gguf_scalar_bytes(array.type)
                                                      : 0;
  if (array.type == GgufType::kArray || held != array.count)
    throw Error(ErrorCode::kInvalidArgument, "gguf_array_count", "key " + key,
                "is an array whose count does not fit its contents");
}

}  // namespace

GgufWriter::GgufWriter(const std::string& path, uint32_t alignment) : file_(path), alignment_(alignment) {
  if (alignment < 8 || alignment > 65536 || (alignment & (alignment - 1)) != 0)
    throw Error(ErrorCode::kInvalidArgument, "gguf_alignment", path,
                "alignment must be a power of two from 8 to 65536");
  if (alignment != 32) set("general.alignment", GgufValue::u32(alignment));
}

void GgufWriter::set(const std::string& key, GgufValue value) {
  if (begun_) throw Error(ErrorCode::kInternal, "keys_after_begin", file_.path(), "keys must be set before begin()");
  if (key.empty() || key.size() > 65535)
    throw Error(ErrorCode::kInvalidArgument, "gguf_key_name_length", file_.path(),
                "a key's name must have 1 to 65535 bytes");
  check_array(key, value);
  const auto [found, fresh] = key_index_.emplace(key, metadata_.size());
  if (fresh) metadata_.emplace_back(key, std::move(value));
  else metadata_[found->second].second = std::move(value);
}

void GgufWriter::declare(const std::string& name, DType dtype, const Shape& shape) {
  if (begun_)
    throw Error(ErrorCode::kInternal, "tensors_after_begin", file_.path(), "tensors must be declared before begin()");
  if (name.empty() || name.size() > 63)
    throw Error(ErrorCode::kInvalidArgument, "gguf_tensor_name_length", file_.path(),
                "tensor name \"{tensor}\" must have 1 to 63 bytes (llama.cpp's limit)", {{"tensor", name}});
  if (shape.rank < 1)
    throw Error(ErrorCode::kShape, "dimensions_not_1_to_4", "tensor \"" + name + "\"", "must have 1 to 4 dimensions");
  for (const Declared& d : declared_)
    if (d.name == name)
      throw Error(ErrorCode::kInvalidArgument, "tensor_declared_twice", file_.path(),
                  "tensor \"{tensor}\" is declared twice", {{"tensor", name}});
  uint64_t bytes = quant_row_bytes(dtype, shape[-1]);
  for (int i = 0; i < shape.rank; ++i) {
    if (shape[i] <= 0)
      throw Error(ErrorCode::kShape, "dimension_below_one", "tensor \"" + name + "\"", "has a dimension below 1");
    if (i + 1 < shape.rank) bytes = checked_mul(bytes, static_cast<uint64_t>(shape[i]), name.c_str());
  }
  declared_.push_back({name, quant_type(dtype).ggml_type, shape, next_offset_, bytes});
  const uint64_t end = checked_add(next_offset_, bytes, name.c_str());
  next_offset_ = checked_add(end, alignment_ - 1, name.c_str()) / alignment_ * alignment_;
}

void GgufWriter::begin() {
  if (begun_) throw Error(ErrorCode::kInternal, "begin_called_twice", file_.path(), "begin() was called twice");
  begun_ = true;
  file_.write("GGUF", 4);
  write_integer(&file_, 3, 4);
  write_integer(&file_, declared_.size(), 8);
  write_integer(&file_, metadata_.size(), 8);
  for (const auto& [key, value] : metadata_) {
    write_string(&file_, key);
    write_value(&file_, key, value);
  }
  for (const Declared& d : declared_) {
    write_string(&file_, d.name);
    write_integer(&file_, static_cast<uint64_t>(d.shape.rank), 4);
    for (int i = d.shape.rank - 1; i >= 0; --i) write_integer(&file_, static_cast<uint64_t>(d.shape[i]), 8);
    write_integer(&file_, d.ggml_type, 4);
    write_integer(&file_, d.offset, 8);
  }
  pad();
  data_start_ = file_.position();
}

void GgufWriter::pad() {
  const uint64_t over = file_.position() % alignment_;
  if (over != 0) file_.write_zeros(static_cast<size_t>(alignment_ - over));
}

void GgufWriter::append(const void* data, size_t bytes) {
  if (!begun_) throw Error(ErrorCode::kInternal, "append_before_begin", file_.path(), "append() before begin()");
  const uint8_t* p = static_cast<const uint8_t*>(data);
  while (bytes > 0) {
    if (current_ == declared_.size())
      throw Error(ErrorCode::kInternal, "too_much_tensor_data", file_.path(),
                  "more tensor data was appended than declared");
    const uint64_t left = declared_[current_].bytes - current_bytes_;
    const size_t take = bytes < left ? bytes : static_cast<size_t>(left);
    file_.write(p, take);
    p += take, bytes -= take, current_bytes_ += take;
    if (current_bytes_ == declared_[current_].bytes) {
      pad();
      ++current_, current_bytes_ = 0;
    }
  }
}

SavedFile GgufWriter::finish() {
  if (!begun_) begin();
  if (current_ != declared_.size())
    throw Error(ErrorCode::kInternal, "tensor_not_written", file_.path(), "tensor \"{tensor}\" was not written in full",
                {{"tensor", declared_[current_].name}});
  return file_.commit();
}

}  // namespace anneal
