#include <cstring>
#include <map>
#include <unordered_set>
#include <vector>

#include "core/error.h"
#include "io/file_kind.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "models/weight_source.h"

namespace anneal {
namespace {

bool is_supported(SafetensorsType type) {
  return type == SafetensorsType::kF32 || type == SafetensorsType::kF16 || type == SafetensorsType::kBF16 ||
         type == SafetensorsType::kF64;
}

class HfSource final : public WeightSource {
 public:
  explicit HfSource(const std::string& dir) : set_(SafetensorsSet::open_folder(dir)) {
    path_ = dir;
    const std::string where = dir + "/config.json";
    const JsonValue config = read_json_file(where);
    const std::string type = config.get_string("model_type", where);
    family_ = find_family(type);
    if (!family_)
      throw Error(ErrorCode::kUnsupported, "not_supported_but", where,
                  "{setting} is not supported; supported are {supported}",
                  {{"setting", "model_type \"" + printable(type, 80) + "\""}, {"supported", family_names()}});
    if (const JsonValue* q = config.find("quantization_config"); q && !q->is_null())
      throw Error(ErrorCode::kUnsupported, "quantised_folder", where,
                  "quantization_config: quantised folders are not supported; use the GGUF");
    if (!config.get_bool_or("is_causal", true, where))  // embedding models made of a decoder
      throw Error(ErrorCode::kUnsupported, "not_supported_only", where,
                  "{setting} is not supported; supported is {supported}",
                  {{"setting", "is_causal false"}, {"supported", "true"}});
    config_ = family_->read_hf(config, where);
    if (config_.tied_head && !head_is_embedding()) config_.tied_head = false;
  }

  void check(const ParameterSet& parameters) const override {
    std::unordered_set<std::string> known;
    for (const Parameter& p : parameters.all()) {
      if (p.adapter) continue;
      const SafetensorsEntry& entry = set_.at(p.name);
      known.insert(p.name);
      if (!(entry.shape == p.shape))
        throw Error(ErrorCode::kShape, "tensor_shape_not_config", path_,
                    "tensor {tensor} has shape {shape}, config.json asks for {needed}",
                    {{"tensor", p.name}, {"shape", entry.shape.to_string()}, {"needed", p.shape.to_string()}});
      if (!is_supported(entry.type))
        throw Error(
            ErrorCode::kUnsupported, "tensor_type_not_read", path_,
            "tensor {tensor} has type {type}; supported are {supported}",
            {{"tensor", p.name}, {"type", safetensors_type_name(entry.type)}, {"supported", "F32, F16, BF16 and F64"}});
    }
    for (const SafetensorsEntry* entry : set_.entries())
      if (!known.count(entry->name) && !is_redundant(entry->name) && entry->shape.elements() > 0)
        throw Error(ErrorCode::kFormat, "hf_tensor_foreign", path_,
                    "tensor {tensor} does not belong to a {family} model of this config.json",
                    {{"tensor", entry->name}, {"family", family_->name()}});
  }

  void read_rows(const std::string& name, int64_t first, int64_t count, float* out) const override {
    SafetensorsEntry rows = set_.at(name);
    const bool vector = rows.shape.rank < 2;
    const int64_t cols = vector ? 1 : rows.shape[-1];
    const size_t row_bytes = static_cast<size_t>(cols) * safetensors_type_bytes(rows.type);
    rows.data += static_cast<size_t>(first) * row_bytes;
    rows.bytes = static_cast<size_t>(count) * row_bytes;
    rows.shape = vector ? Shape{count} : Shape{count, cols};
    rows.read_f32(out, path_);
  }

  void release(const std::string& name) const override { set_.release(set_.at(name)); }

  std::string quantisation() const override {
    std::map<std::string, uint64_t> bytes;
    for (const SafetensorsEntry* e : set_.entries())
      if (e->shape.rank >= 2) bytes[safetensors_type_name(e->type)] += e->bytes;
    std::string best = "F32";
    uint64_t most = 0;
    for (const auto& [type, size] : bytes)
      if (size > most) best = type, most = size;
    return best;
  }

  uint64_t file_bytes() const override { return set_.file_bytes(); }

 private:
  // A head beside the embedding is the model's own wherever it differs, whatever tie_word_embeddings says: transformers
  // uses both.
  bool head_is_embedding() const {
    const SafetensorsEntry* head = set_.find("lm_head.weight");
    const SafetensorsEntry* embedding = set_.find("model.embed_tokens.weight");
    if (!head || !embedding) return true;
    if (!(head->shape == embedding->shape) || head->shape.rank != 2) return false;
    if (head->type == embedding->type) return std::memcmp(head->data, embedding->data, head->bytes) == 0;
    if (!is_supported(head->type) || !is_supported(embedding->type)) return false;
    std::vector<float> one(static_cast<size_t>(head->shape[1])), other(one.size());
    for (int64_t row = 0; row < head->shape[0]; ++row) {
      read_rows(head->name, row, 1, one.data());
      read_rows(embedding->name, row, 1, other.data());
      if (one != other) return false;
    }
    return true;
  }

  // Old exports carry the rotation table as a buffer and repeat a tied head: neither is a parameter.
  bool is_redundant(const std::string& name) const {
    return (name == "lm_head.weight" && config_.tied_head) || name.find(".rotary_emb.inv_freq") != std::string::npos ||
           is_prediction_layer(name);
  }

  // DeepSeek-V3 files carry layers behind the last one that predict further tokens: not part of the model that is
  // served.
  bool is_prediction_layer(const std::string& name) const {
    const std::string prefix = "model.layers.";
    if (name.rfind(prefix, 0) != 0 || !config_.moe.sigmoid) return false;
    const std::string digits = name.substr(prefix.size(), name.find('.', prefix.size()) - prefix.size());
    return !digits.empty() && digits.size() < 6 && digits.find_first_not_of("0123456789") == std::string::npos &&
           std::stoll(digits) >= config_.layers;
  }

  SafetensorsSet set_;
};

}  // namespace

std::unique_ptr<WeightSource> open_hf_source(const std::string& dir) { return std::make_unique<HfSource>(dir); }

}  // namespace anneal
