#include <cstring>
#include <map>
#include <unordered_set>
#include <vector>

#include "core/error.h"
#include "io/gguf_export.h"
#include "models/weight_source.h"
#include "quant/quant.h"

namespace anneal {
namespace {

class GgufSource final : public WeightSource {
 public:
  explicit GgufSource(const std::string& path) : file_(path) {
    path_ = path;
    const std::string architecture = file_.get_string("general.architecture");
    family_ = find_gguf_family(architecture);
    if (!family_)
      throw Error(ErrorCode::kUnsupported, path,
                  "general.architecture \"" + architecture + "\" is not supported; supported are " + family_names());
    config_ = family_->read_gguf(file_);
  }

  void check(const ParameterSet& parameters) const override {
    std::unordered_set<std::string> known = {"rope_freqs.weight"};
    for (const Parameter& p : parameters.all()) {
      if (p.adapter) continue;
      const GgufTensor& tensor = find(p.name);
      known.insert(tensor.name);
      if (!(tensor.shape == p.shape))
        throw Error(ErrorCode::kShape, path_,
                    "tensor " + tensor.name + " has shape " + tensor.shape.to_string() + ", the model needs " +
                        p.shape.to_string());
      tensor.tensor(path_);
    }
    for (const GgufTensor& tensor : file_.tensors())
      if (!known.count(tensor.name))
        throw Error(ErrorCode::kFormat, path_,
                    "tensor " + tensor.name + " does not belong to a " + family_->name() + " model of this configuration");
  }

  void read_rows(const std::string& name, int64_t first, int64_t count, float* out) const override {
    const GgufTensor& tensor = find(name);
    if (tensor.shape.rank < 2) {
      read_vector(tensor, name, first, count, out);
      const float offset = family_->gguf_offset(name);
      for (int64_t i = 0; offset != 0.0f && i < count; ++i) out[i] -= offset;
      return;
    }
    if (!family_->gguf_permutes(name)) {
      tensor.read_rows_f32(first, count, out, path_);
      return;
    }
    const int64_t cols = tensor.shape[-1];
    for (int64_t i = 0; i < count; ++i)
      tensor.read_rows_f32(gguf_row(first + i), 1, out + i * cols, path_);
  }

  std::optional<DType> stored_type(const std::string& name) const override {
    const GgufTensor& tensor = find(name);
    return tensor.shape.rank < 2 ? std::nullopt : tensor.dtype;
  }

  // Whole rows move, so blocks along a row stay as they are even where heads are permuted.
  void read_stored_rows(const std::string& name, int64_t first, int64_t count, void* out) const override {
    const GgufTensor& tensor = find(name);
    const size_t row = quant_row_bytes(*tensor.dtype, tensor.shape[-1]);
    const bool permuted = family_->gguf_permutes(name);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t from = permuted ? gguf_row(first + i) : first + i;
      std::memcpy(static_cast<uint8_t*>(out) + static_cast<size_t>(i) * row, tensor.data + static_cast<size_t>(from) * row, row);
    }
  }

  void release(const std::string& name) const override {
    const GgufTensor& tensor = find(name);
    file_.file().release_pages(tensor.data, tensor.bytes);
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
  const GgufTensor& find(const std::string& name) const {
    const std::string gguf_name = family_->gguf_name(name);
    if (gguf_name.empty()) throw Error(ErrorCode::kInternal, name, "has no GGUF name in family " + config_.family);
    return file_.tensor(gguf_name);
  }

  // Row of the file that holds Hugging Face row `row`: the inverse of gguf_rope_source_row.
  int64_t gguf_row(int64_t row) const {
    const int64_t d = config_.head_size, head = row / d, i = row % d, half = d / 2;
    return head * d + (i % half) * 2 + i / half;
  }

  void read_vector(const GgufTensor& tensor, const std::string& name, int64_t first, int64_t count, float* out) const {
    std::vector<float> all(static_cast<size_t>(tensor.shape.elements()));
    tensor.read_rows_f32(0, 1, all.data(), path_);
    const bool permuted = family_->gguf_permutes(name);
    for (int64_t i = 0; i < count; ++i)
      out[i] = all[static_cast<size_t>(permuted ? gguf_row(first + i) : first + i)];
  }

  GgufFile file_;
};

}  // namespace

std::unique_ptr<WeightSource> open_gguf_source(const std::string& path) { return std::make_unique<GgufSource>(path); }

}  // namespace anneal
