#include <algorithm>
#include <cstring>
#include <map>
#include <unordered_set>
#include <vector>

#include "core/error.h"
#include "io/file_kind.h"
#include "models/weight_source.h"
#include "quant/quant.h"

namespace anneal {
namespace {

class GgufSource final : public WeightSource {
 public:
  explicit GgufSource(const std::string& path) : file_(path) {
    path_ = path;
    check_whole();
    family_ = find_gguf_family(file_);
    if (!family_)
      throw Error(
          ErrorCode::kUnsupported, "not_supported_but", path, "{setting} is not supported; supported are {supported}",
          {{"setting", "general.architecture \"" + printable(file_.get_string("general.architecture"), 80) + "\""},
           {"supported", family_names()}});
    config_ = family_->read_gguf(file_);
    const std::string causal = std::string(family_->gguf_architecture()) + ".attention.causal";
    if (!file_.get_bool_or(causal, true))
      throw Error(ErrorCode::kUnsupported, "not_supported_only", path,
                  "{setting} is not supported; supported is {supported}",
                  {{"setting", causal + " false"}, {"supported", "true"}});
    if (!config_.tied_head && head_is_embedding()) config_.tied_head = true;
  }

  void check(const ParameterSet& parameters) const override {
    std::unordered_set<std::string> known = {"rope_freqs.weight"};
    if (config_.rope.type == "longrope") known.insert({"rope_factors_long.weight", "rope_factors_short.weight"});
    if (config_.tied_head) known.insert("output.weight");  // the embedding once more
    for (const Parameter& p : parameters.all())
      if (!p.adapter) check_parameter(p, known);
    for (const GgufTensor& tensor : file_.tensors())
      if (!known.count(tensor.name) && !is_prediction_layer(tensor.name))
        throw Error(ErrorCode::kFormat, "gguf_tensor_foreign", path_,
                    "tensor {tensor} does not belong to a {family} model of this configuration",
                    {{"tensor", tensor.name}, {"family", family_->name()}});
  }

  void read_rows(const std::string& name, int64_t first, int64_t count, float* out) const override {
    const GgufPlace place = place_of(name);
    const GgufTensor& tensor = file_.tensor(place.tensor);
    if (place.key_rows) return read_taken_apart(place, tensor, first, count, out);
    if (tensor.shape.rank < 2) return read_vector(tensor, place, first, count, out);
    if (!place.pairs.stride) return tensor.read_rows_f32(first_row(place, tensor) + first, count, out, path_);
    for (int64_t i = 0; i < count; ++i)
      tensor.read_rows_f32(place.pairs.to_file(first + i), 1, out + i * tensor.shape[-1], path_);
  }

  std::optional<DType> stored_type(const std::string& name) const override {
    const GgufPlace place = place_of(name);
    const GgufTensor& tensor = file_.tensor(place.tensor);
    return tensor.shape.rank < 2 || place.key_rows ? std::nullopt : tensor.dtype;
  }

  // Whole rows move, so blocks along a row stay as they are even where heads are permuted.
  void read_stored_rows(const std::string& name, int64_t first, int64_t count, void* out) const override {
    const GgufPlace place = place_of(name);
    const GgufTensor& tensor = file_.tensor(place.tensor);
    const size_t row = quant_row_bytes(*tensor.dtype, tensor.shape[-1]);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t from = first_row(place, tensor) + place.pairs.to_file(first + i);
      std::memcpy(static_cast<uint8_t*>(out) + static_cast<size_t>(i) * row,
                  tensor.data + static_cast<size_t>(from) * row, row);
    }
  }

  void release(const std::string& name) const override {
    const GgufPlace place = place_of(name);
    const GgufTensor& tensor = file_.tensor(place.tensor);
    const size_t bytes = place.experts ? tensor.bytes / static_cast<size_t>(place.experts) : tensor.bytes;
    file_.file().release_pages(tensor.data + static_cast<size_t>(place.expert) * bytes, bytes);
  }

  std::string quantisation() const override {
    std::map<std::string, uint64_t> bytes;
    for (const GgufTensor& t : file_.tensors())
      if (t.shape.rank >= 2) bytes[t.type_name] += t.bytes;
    std::string best = "F32";
    uint64_t most = 0;
    for (const auto& [type, size] : bytes)
      if (size > most) best = type, most = size;
    return best;
  }

  uint64_t file_bytes() const override { return file_.file_bytes(); }
  const GgufFile* gguf() const override { return &file_; }

 private:
  // A part of a model says that it is one; split.* of a whole model is not believed either, for llama.cpp would look
  // for the other parts.
  void check_whole() const {
    const int64_t count = file_.get_int_or("split.count", 0), number = file_.get_int_or("split.no", 0);
    const int64_t tensors = file_.get_int_or("split.tensors.count", 0),
                  own = static_cast<int64_t>(file_.tensors().size());
    if (count < 0 || number < 0 || number >= std::max<int64_t>(count, 1))
      throw Error(ErrorCode::kFormat, "split_number_too_large", path_,
                  "{field} is {number}, split.count {count}; the number must be below the count",
                  {{"field", "split.no"}, {"number", number}, {"count", count}});
    if (count > 1)
      throw Error(ErrorCode::kUnsupported, "split_part", path_,
                  "is part {part} of {count} of a model (split.no, split.count); join the parts into one file "
                  "(llama-gguf-split --merge)",
                  {{"part", number + 1}, {"count", count}});
    if (tensors != 0 && tensors != own)
      throw Error(ErrorCode::kFormat, "split_tensors_count", path_,
                  "split.tensors.count is {announced}, the file holds {held} tensors",
                  {{"announced", tensors}, {"held", own}});
  }

  // Written twice with the same values it is the embedding all the same.
  bool head_is_embedding() const {
    const GgufTensor* head = file_.find_tensor("output.weight");
    const GgufTensor* embedding = file_.find_tensor("token_embd.weight");
    return head && embedding && head->shape == embedding->shape && head->ggml_type == embedding->ggml_type &&
           std::memcmp(head->data, embedding->data, head->bytes) == 0;
  }

  GgufPlace place_of(const std::string& name) const {
    GgufPlace place = family_->gguf_place(config_, name);
    if (place.tensor.empty())
      throw Error(ErrorCode::kInternal, "gguf_name_missing_in", name, "has no GGUF name in family {family}",
                  {{"family", config_.family}});
    if (!place.joined_tensor.empty() && file_.find_tensor(place.joined_tensor)) {
      place.tensor = place.joined_tensor;
      place.key_rows = 0;
    }
    return place;
  }

  // Row of the file at which the parameter's own begin.
  static int64_t first_row(const GgufPlace& place, const GgufTensor& tensor) {
    return place.experts ? place.expert * tensor.shape[-2] : 0;
  }

  void check_shape(const std::string& name, const Shape& wanted, std::unordered_set<std::string>& known) const {
    const GgufTensor& tensor = file_.tensor(name);
    known.insert(name);
    if (!(tensor.shape == wanted))
      throw Error(ErrorCode::kShape, "tensor_shape_differs", path_,
                  "tensor {tensor} has shape {shape}, the model needs {needed}",
                  {{"tensor", name}, {"shape", tensor.shape.to_string()}, {"needed", wanted.to_string()}});
    tensor.tensor(path_);
  }

  void check_parameter(const Parameter& p, std::unordered_set<std::string>& known) const {
    const GgufPlace place = place_of(p.name);
    if (place.experts) return check_shape(place.tensor, {place.experts, p.shape[0], p.shape[1]}, known);
    if (!place.key_rows) return check_shape(place.tensor, p.shape, known);
    const int64_t heads = p.shape[0] / (place.key_rows + place.value_rows);
    check_shape(place.tensor, {heads, p.shape[1], place.key_rows}, known);
    check_shape(place.value_tensor, {heads, place.value_rows, p.shape[1]}, known);
  }

  // Blocks behind the last layer, where the file says that it carries such.
  bool is_prediction_layer(const std::string& name) const {
    if (name.rfind("blk.", 0) != 0 ||
        file_.get_int_or(std::string(family_->gguf_architecture()) + ".nextn_predict_layers", 0) < 1)
      return false;
    const std::string digits = name.substr(4, name.find('.', 4) - 4);
    return !digits.empty() && digits.size() < 6 && digits.find_first_not_of("0123456789") == std::string::npos &&
           std::stoll(digits) >= config_.layers;
  }

  void read_taken_apart(const GgufPlace& place, const GgufTensor& keys, int64_t first, int64_t count,
                        float* out) const {
    const GgufTensor& values = file_.tensor(place.value_tensor);
    const int64_t in = values.shape[-1], per_head = place.key_rows + place.value_rows;
    std::vector<float> transposed(static_cast<size_t>(in * place.key_rows));
    int64_t loaded = -1;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t head = (first + i) / per_head, row = (first + i) % per_head;
      if (row >= place.key_rows) {
        values.read_rows_f32(head * place.value_rows + row - place.key_rows, 1, out + i * in, path_);
        continue;
      }
      if (head != loaded) keys.read_rows_f32(head * in, in, transposed.data(), path_);
      loaded = head;
      for (int64_t c = 0; c < in; ++c) out[i * in + c] = transposed[static_cast<size_t>(c * place.key_rows + row)];
    }
  }

  void read_vector(const GgufTensor& tensor, const GgufPlace& place, int64_t first, int64_t count, float* out) const {
    std::vector<float> all(static_cast<size_t>(tensor.shape.elements()));
    tensor.read_rows_f32(0, 1, all.data(), path_);
    for (int64_t i = 0; i < count; ++i)
      out[i] = all[static_cast<size_t>(place.pairs.to_file(first + i))] - place.offset;
  }

  GgufFile file_;
};

}  // namespace

std::unique_ptr<WeightSource> open_gguf_source(const std::string& path) { return std::make_unique<GgufSource>(path); }

}  // namespace anneal
