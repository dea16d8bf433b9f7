#include "train/export.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "core/error.h"
#include "io/adapter.h"

namespace anneal {
namespace {

constexpr int64_t kRowsPerBlock = 256;

void make_folder(const std::string& dir) {
  if (mkdir(dir.c_str(), 0777) != 0 && errno != EEXIST)
    throw Error(ErrorCode::kIo, dir, std::string("cannot make the folder: ") + std::strerror(errno));
}

std::vector<float> trained_values(const Parameter& p, int64_t first, int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  p.read_trained(first, count, values.data());
  return values;
}
std::vector<float> trained_values(const Parameter& p) { return trained_values(p, 0, p.shape.elements()); }

// Rows of the model as it stands: trained parameters as training has them, frozen ones exactly as the file holds them, plus
// scale * B A where a linear is adapted, and times the magnitude over the norm with DoRA.
class MergedWeights {
 public:
  MergedWeights(Session& session, int adapter) : session_(session) {
    session.model().decoder->for_each_linear([&](Linear& linear) {
      if (!linear.rank()) return;
      const anneal::LowRank& low = linear.adapters()[static_cast<size_t>(adapter)];
      adapted_[linear.weight().name] = {trained_values(*low.a), trained_values(*low.b), low.config.rank, low.config.scale(),
                                        linear.output_factors()};
    });
    session.model().decoder->for_each_expert([&](ExpertLinear& l) {
      const auto parts = static_cast<int64_t>(l.parts().size());
      for (int64_t e = 0; l.rank() && e < l.experts(); ++e)
        for (int64_t part = 0; part < parts; ++part)
          adapted_[l.weight(e, static_cast<size_t>(part)).name] = {
              trained_values(*l.lora_a(), e * l.rank() * l.in(), l.rank() * l.in()),
              trained_values(*l.lora_b(), (e * parts + part) * l.out() * l.rank(), l.out() * l.rank()), l.rank(), l.lora().scale(),
              nullptr};
    });
  }

  void read_rows(const Parameter& p, int64_t first, int64_t count, float* out) const {
    const int64_t cols = p.is_matrix() ? p.shape[-1] : 1;
    if (p.trainable) {
      p.read_trained(first * cols, count * cols, out);
    } else {
      session_.model().source->read_rows(p.name, first, count, out);
    }
    auto it = adapted_.find(p.name);
    if (it != adapted_.end()) add_low_rank(it->second, first, count, cols, out);
  }

 private:
  struct LowRank {
    std::vector<float> a, b;
    int64_t rank;
    float scale;
    const float* factors;  // of each output, or null
  };

  static void add_low_rank(const LowRank& low, int64_t first, int64_t count, int64_t cols, float* out) {
    for (int64_t i = 0; i < count; ++i) {
      float* row = out + i * cols;
      for (int64_t k = 0; k < low.rank; ++k) {
        const float factor = low.scale * low.b[static_cast<size_t>((first + i) * low.rank + k)];
        const float* a = low.a.data() + k * cols;
        for (int64_t c = 0; c < cols; ++c) row[c] += factor * a[c];
      }
      if (low.factors)
        for (int64_t c = 0; c < cols; ++c) row[c] *= low.factors[first + i];
    }
  }

  Session& session_;
  std::unordered_map<std::string, LowRank> adapted_;
};

const char* dtype_name(SafetensorsType type) {
  switch (type) {
    case SafetensorsType::kF32: return "float32";
    case SafetensorsType::kF16: return "float16";
    case SafetensorsType::kBF16: return "bfloat16";
    default: throw Error(ErrorCode::kInvalidArgument, "options.dtype", "must be f32, f16 or bf16");
  }
}

bool starts_with(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

bool windowed(const std::string& architecture) { return architecture == "gemma2" || architecture == "gemma3"; }

GgufHyperparameters hyperparameters(const Session& session, const ModelConfig& c, const Family& family) {
  GgufHyperparameters h;
  h.architecture = family.gguf_architecture();
  h.name = session.spec().base.path.substr(session.spec().base.path.find_last_of('/') + 1);
  // Architectures that llama.cpp runs without their window agree with the training up to its length.
  h.context_length = c.window > 0 && !windowed(h.architecture) ? std::min(c.context_length, c.window) : c.context_length;
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

GgufMetadata carried_metadata(const ModelConfig& c, const std::string& architecture, const GgufFile* base) {
  if (c.rope.type == "yarn" || c.rope.type == "longrope")
    throw Error(ErrorCode::kUnsupported, "exportGguf",
                "rope_type " + c.rope.type + " is not written to GGUF; export a merged folder instead");
  GgufMetadata carried;
  if (c.rope.type == "linear") {
    carried.emplace_back(architecture + ".rope.scaling.type", GgufValue::string("linear"));
    carried.emplace_back(architecture + ".rope.scaling.factor", GgufValue::f32(static_cast<float>(c.rope.factor)));
  }
  if (!base) return carried;
  for (const auto& [key, value] : base->metadata())
    if (starts_with(key, "tokenizer.") || starts_with(key, "general.")) carried.emplace_back(key, value);
  return carried;
}

// Divisors of the rotation's frequencies, empty where there is no such scaling.
std::vector<float> rope_factors(const ModelConfig& c) {
  if (!c.rope.divisors.empty()) return c.rope.divisors;
  if (c.rope.type != "llama3") return {};
  return llama3_rope_factors(c.head_size, c.rope.theta,
                             {c.rope.factor, c.rope.low_frequency_factor, c.rope.high_frequency_factor,
                              c.rope.original_context});
}

}  // namespace

void export_adapter(Session& session, const std::string& dir, const std::string& base_model_name, const std::string& adapter) {
  const TrainingSpec& spec = session.spec();
  if (!spec.lora)
    throw Error(ErrorCode::kInvalidArgument, "exportAdapter", "the session trains all weights; use exportMerged");
  const auto index = static_cast<size_t>(spec.adapter_index(adapter, "options.adapter"));
  const AdapterSpec chosen = spec.all_adapters()[index];
  make_folder(dir);
  AdapterConfig config;
  config.rank = chosen.rank;
  config.alpha = chosen.alpha;
  config.dropout = static_cast<double>(spec.lora_config.dropout);
  config.rslora = spec.lora_config.rslora;
  config.dora = spec.lora_config.dora;
  config.base_model_name = base_model_name;
  std::vector<AdapterTensor> tensors;
  const auto keep = [&tensors](const Parameter& p) { 
    tensors.push_back({p.file_name.empty() ? p.name : p.file_name, peft_shape(p), to_peft_layout(p, trained_values(p).data())});
  };
  std::vector<std::string> of_experts;
  session.model().decoder->for_each_linear([&](Linear& linear) {
    if (!linear.rank()) return;
    keep(*linear.adapters()[index].a), keep(*linear.adapters()[index].b);
    if (linear.magnitude()) keep(*linear.magnitude());
  });
  session.model().decoder->for_each_expert([&](ExpertLinear& l) {
    if (!l.rank()) return;
    keep(*l.lora_a()), keep(*l.lora_b());
    const std::string merged = l.parts().size() > 1 ? "gate_up_proj" : "down_proj";
    if (std::find(config.target_parameters.begin(), config.target_parameters.end(), merged) == config.target_parameters.end())
      config.target_parameters.push_back(merged);
    of_experts.insert(of_experts.end(), l.parts().begin(), l.parts().end());
  });
  for (const std::string& target : spec.targets)
    if (std::find(of_experts.begin(), of_experts.end(), target) == of_experts.end()) config.target_modules.push_back(target);
  write_adapter(dir, config, tensors);
}

void export_merged(Session& session, const std::string& dir, SafetensorsType type, const std::string& adapter) {
  const std::string config = session.model().source->family().write_hf(session.config(), dtype_name(type));
  make_folder(dir);
  const MergedWeights merged(session, session.spec().adapter_index(adapter, "options.adapter"));
  SafetensorsWriter writer(dir + "/model.safetensors");
  writer.set_metadata("format", "pt");
  for (const Parameter& p : session.model().parameters.all())
    if (!p.adapter) writer.declare(p.name, type, p.shape);
  writer.begin();
  std::vector<float> rows;
  for (const Parameter& p : session.model().parameters.all()) {
    if (p.adapter) continue;
    const int64_t cols = p.is_matrix() ? p.shape[-1] : 1;
    const int64_t total = p.shape.elements() / cols;
    const int64_t block = p.is_matrix() ? kRowsPerBlock : total;
    for (int64_t first = 0; first < total; first += block) {
      session.check_stop();
      const int64_t count = std::min(block, total - first);
      rows.resize(static_cast<size_t>(count * cols));
      merged.read_rows(p, first, count, rows.data());
      writer.append_f32(rows.data(), count * cols);
    }
  }
  writer.finish();
  write_file(dir + "/config.json", config);
}

GgufExportResult export_gguf(Session& session, const std::string& path, GgufFileType type, const GgufMetadata& metadata,
                             const std::string& adapter) {
  Model& model = session.model();
  const Family& family = model.source->family();
  const ModelConfig& config = session.config();
  const MergedWeights merged(session, session.spec().adapter_index(adapter, "options.adapter"));
  GgufExportRequest request;
  request.type = type;
  request.hyperparameters = hyperparameters(session, config, family);
  request.metadata = carried_metadata(config, family.gguf_architecture(), model.source->gguf());
  for (auto& key : family.gguf_keys(config)) request.metadata.push_back(std::move(key));
  request.metadata.insert(request.metadata.end(), metadata.begin(), metadata.end());
  request.threads = session.pool().threads();
  request.should_stop = [&session] { return session.stop_requested(); };
  for (const Parameter& p : model.parameters.all()) {
    if (p.adapter) continue;
    const std::string name = family.gguf_name(p.name);
    if (name.empty())
      throw Error(ErrorCode::kUnsupported, "exportGguf",
                  std::string("family ") + family.name() + " is not written to GGUF; export a merged folder instead");
    const float offset = family.gguf_offset(p.name);
    const bool permutes = family.gguf_permutes(p.name);
    const int64_t head_size = config.head_size;
    const Parameter* parameter = &p;
    request.tensors.push_back(
        {name, p.shape, [&merged, parameter, permutes, head_size, offset](int64_t first, int64_t count, float* out) {
           if (!parameter->is_matrix()) {
             // A vector is one row to GGUF and one value per row to us.
             const int64_t n = parameter->shape.elements();
             std::vector<float> values(static_cast<size_t>(n));
             merged.read_rows(*parameter, 0, n, values.data());
             for (int64_t i = 0; i < n; ++i)
               out[i] = values[static_cast<size_t>(permutes ? gguf_rope_source_row(i, head_size) : i)] + offset;
           } else if (!permutes) {
             merged.read_rows(*parameter, first, count, out);
           } else {
             for (int64_t i = 0; i < count; ++i)
               merged.read_rows(*parameter, gguf_rope_source_row(first + i, head_size), 1, out + i * parameter->shape[-1]);
           }
         }});
  }
  const std::vector<float> factors = rope_factors(config);
  if (!factors.empty())
    request.tensors.push_back({"rope_freqs.weight", Shape{static_cast<int64_t>(factors.size())},
                               [&factors](int64_t, int64_t, float* out) { std::copy(factors.begin(), factors.end(), out); }});
  return export_gguf(path, request);
}

}  // namespace anneal
