#include "models/gguf/gguf_layout.h"

#include <unordered_map>

#include "core/error.h"
#include "models/gguf/common_gguf.h"
#include "models/gguf/gguf_rope.h"

namespace anneal {
namespace {

int64_t heads_of(const Parameter& p, const GgufPlace& place) {
  return p.shape[0] / (place.key_rows + place.value_rows);
}

// Keys of the heads that rows [first, first + count) belong to: row h * in + c of the file is column c of head h.
void read_transposed_keys(const GgufLayoutTensor& t, const ParameterReader& read, int64_t first, int64_t count,
                          float* out) {
  const Parameter& p = *t.parameters[0];
  const int64_t keys = t.place.key_rows, in = p.shape[-1], per_head = keys + t.place.value_rows;
  std::vector<float> head(static_cast<size_t>(keys * in));
  int64_t loaded = -1;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t h = (first + i) / in, column = (first + i) % in;
    if (h != loaded) read(p, h * per_head, keys, head.data());
    loaded = h;
    for (int64_t k = 0; k < keys; ++k) out[i * keys + k] = head[static_cast<size_t>(k * in + column)];
  }
}

void read_vector(const GgufLayoutTensor& t, const ParameterReader& read, float* out) {
  const int64_t n = t.shape.elements();
  std::vector<float> values(static_cast<size_t>(n));
  read(*t.parameters[0], 0, n, values.data());
  for (int64_t i = 0; i < n; ++i) out[i] = values[static_cast<size_t>(t.place.pairs.from_file(i))] + t.place.offset;
}

void check_biases(const ModelConfig& c, const std::string& architecture) {
  if (architecture == "llama") return;
  if (c.output_bias)
    refuse_gguf("gguf_no_output_bias", "attention_bias",
                "llama.cpp has no bias on the attention's output in {architecture}", {{"architecture", architecture}});
  if (c.mlp_bias)
    refuse_gguf("gguf_no_feed_forward_biases", "mlp_bias",
                "llama.cpp has no biases in the feed-forward of {architecture}", {{"architecture", architecture}});
}

}  // namespace

std::vector<GgufLayoutTensor> gguf_layout(const Family& family, const ModelConfig& config,
                                          const ParameterSet& parameters) {
  std::vector<GgufLayoutTensor> layout;
  std::unordered_map<std::string, size_t> merged;
  for (const Parameter& p : parameters.all()) {
    if (p.adapter) continue;
    const GgufPlace place = family.gguf_place(config, p.name);
    if (place.tensor.empty())
      throw Error(ErrorCode::kUnsupported, "gguf_name_missing", "exportGguf",
                  "family {family} has no GGUF name for {tensor}", {{"family", family.name()}, {"tensor", p.name}});
    if (place.experts) {
      const auto [found, fresh] = merged.emplace(place.tensor, layout.size());
      if (fresh) layout.push_back({place.tensor, {place.experts, p.shape[0], p.shape[1]}, place, {}, false});
      layout[found->second].parameters.push_back(&p);
    } else if (place.key_rows) {
      const int64_t heads = heads_of(p, place), in = p.shape[-1];
      layout.push_back({place.tensor, {heads, in, place.key_rows}, place, {&p}, false});
      layout.push_back({place.value_tensor, {heads, place.value_rows, in}, place, {&p}, true});
    } else {
      layout.push_back({place.tensor, p.shape, place, {&p}, false});
    }
  }
  return layout;
}

void read_layout_rows(const GgufLayoutTensor& t, const ParameterReader& read, int64_t first, int64_t count,
                      float* out) {
  if (t.shape.rank < 2) return read_vector(t, read, out);
  if (t.place.key_rows && !t.values) return read_transposed_keys(t, read, first, count, out);
  const int64_t cols = t.shape[-1];
  if (!t.place.experts && !t.values && !t.place.pairs.stride) return read(*t.parameters[0], first, count, out);
  for (int64_t i = 0; i < count; ++i) {
    int64_t row = first + i;
    const Parameter* p = t.parameters[0];
    if (t.place.experts) {
      p = t.parameters[static_cast<size_t>(row / t.shape[1])];
      row %= t.shape[1];
    } else if (t.values) {
      row = row / t.place.value_rows * (t.place.key_rows + t.place.value_rows) + t.place.key_rows +
            row % t.place.value_rows;
    } else {
      row = t.place.pairs.from_file(row);
    }
    read(*p, row, 1, out + i * cols);
  }
}

GgufMetadata gguf_architecture_keys(const Family& family, const ModelConfig& config) {
  const std::string architecture = family.gguf_architecture();
  check_biases(config, architecture);
  GgufMetadata keys = rope_gguf_keys(config, architecture);
  for (auto& key : family.gguf_keys(config)) keys.push_back(std::move(key));
  return keys;
}

std::optional<Cause> gguf_problem(const Family& family, const ModelConfig& config) {
  try {
    gguf_architecture_keys(family, config);
    return std::nullopt;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnsupported) throw;
    return error.cause();
  }
}

}  // namespace anneal
