#include <algorithm>
#include <vector>

#include "models/gguf/gguf_layout.h"
#include "models/gguf/gguf_rope.h"
#include "train/export.h"
#include "train/merged_weights.h"

namespace anneal {
namespace {

bool starts_with(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

bool windowed(const std::string& architecture) { return architecture == "gemma2" || architecture == "gemma3"; }

GgufHyperparameters hyperparameters(const Session& session, const ModelConfig& c, const Family& family) {
  GgufHyperparameters h;
  h.architecture = family.gguf_architecture();
  h.name = session.spec().base.path.substr(session.spec().base.path.find_last_of('/') + 1);
  // Architectures that llama.cpp runs without their window agree with the training up to its length.
  const bool slides = std::find(c.attention.begin(), c.attention.end(), LayerAttention::kSliding) != c.attention.end();
  h.context_length = slides && !windowed(h.architecture) ? std::min(c.context_length, c.window) : c.context_length;
  h.embedding_length = c.hidden_size;
  h.block_count = c.layers;
  h.feed_forward_length = c.ffn_size;
  h.head_count = c.heads;
  h.head_count_kv = c.kv_heads;
  h.head_size = c.head_size;
  h.rope_dimensions = c.rotated();
  h.rope_freq_base = c.rope.theta;
  h.rms_epsilon = static_cast<double>(c.norm_epsilon);
  h.vocab_size = c.vocab_size;
  return h;
}

GgufMetadata carried_metadata(const GgufFile* base) {
  GgufMetadata carried;
  if (!base) return carried;
  for (const auto& [key, value] : base->metadata())
    if (starts_with(key, "tokenizer.") || starts_with(key, "general.")) carried.emplace_back(key, value);
  return carried;
}

}  // namespace

GgufExportResult export_gguf(Session& session, const std::string& path, GgufFileType type, const GgufMetadata& metadata,
                             const std::string& adapter) {
  Model& model = session.model();
  const Family& family = model.source->family();
  const ModelConfig& config = session.config();
  const MergedWeights merged(session, session.spec().adapter_index(adapter, "options.adapter"));
  GgufExportRequest request;
  request.type = type;
  request.hyperparameters = hyperparameters(session, config, family);
  request.metadata = carried_metadata(model.source->gguf());
  for (auto& key : gguf_architecture_keys(family, config)) request.metadata.push_back(std::move(key));
  request.metadata.insert(request.metadata.end(), metadata.begin(), metadata.end());
  request.threads = session.pool().threads();
  request.should_stop = [&session] { return session.stop_requested(); };
  const ParameterReader read = [&merged](const Parameter& p, int64_t first, int64_t count, float* out) {
    merged.read_rows(p, first, count, out);
  };
  const std::vector<GgufLayoutTensor> layout = gguf_layout(family, config, model.parameters);
  for (const GgufLayoutTensor& tensor : layout)
    request.tensors.push_back({tensor.name, tensor.shape, [&tensor, &read](int64_t first, int64_t count, float* out) {
                                 read_layout_rows(tensor, read, first, count, out);
                               }});
  const auto divisors = rope_gguf_tensors(config);
  for (const auto& [name, values] : divisors)
    request.tensors.push_back(
        {name, Shape{static_cast<int64_t>(values.size())},
         [&values = values](int64_t, int64_t, float* out) { std::copy(values.begin(), values.end(), out); }});
  return export_gguf(path, request);
}

}  // namespace anneal
