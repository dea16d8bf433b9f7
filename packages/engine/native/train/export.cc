#include "train/export.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "core/error.h"
#include "io/adapter.h"
#include "train/merged_weights.h"

namespace anneal {
namespace {

constexpr int64_t kRowsPerBlock = 256;

void make_folder(const std::string& dir) {
  if (mkdir(dir.c_str(), 0777) != 0 && errno != EEXIST)
    io_failed("folder_make_failed", dir, "cannot make the folder: {cause}", errno);
}

const char* dtype_name(SafetensorsType type) {
  switch (type) {
    case SafetensorsType::kF32: return "float32";
    case SafetensorsType::kF16: return "float16";
    case SafetensorsType::kBF16: return "bfloat16";
    default:
      throw Error(ErrorCode::kInvalidArgument, "must_be", "options.dtype", "must be {expected}",
                  {{"expected", "f32, f16 or bf16"}});
  }
}

}  // namespace

void export_adapter(Session& session, const std::string& dir, const std::string& base_model_name,
                    const std::string& adapter) {
  const TrainingSpec& spec = session.spec();
  if (!spec.lora)
    throw Error(ErrorCode::kInvalidArgument, "adapter_of_full_training", "exportAdapter",
                "the session trains all weights; use exportMerged");
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
    tensors.push_back(
        {p.file_name.empty() ? p.name : p.file_name, peft_shape(p), to_peft_layout(p, TrainedValues(p).data())});
  };
  std::vector<std::string> of_experts;
  std::vector<OwnScale> own_scales;
  session.model().decoder->for_each_linear([&](Linear& linear) {
    if (!linear.rank()) return;
    const LowRank& low = linear.adapters()[index];
    keep(*low.a), keep(*low.b);
    if (linear.magnitude()) keep(*linear.magnitude());
    if (low.config.rank != config.rank || low.config.alpha != config.alpha)
      own_scales.push_back({linear.name(), low.config.rank, low.config.alpha});
  });
  session.model().decoder->for_each_expert([&](ExpertLinear& l) {
    if (!l.rank()) return;
    keep(*l.adapters()[index].a), keep(*l.adapters()[index].b);
    const std::string merged = l.parts().size() > 1 ? "gate_up_proj" : "down_proj";
    if (std::find(config.target_parameters.begin(), config.target_parameters.end(), merged) ==
        config.target_parameters.end())
      config.target_parameters.push_back(merged);
    of_experts.insert(of_experts.end(), l.parts().begin(), l.parts().end());
  });
  config.target_modules.emplace();
  for (const std::string& target : spec.targets) {
    if (std::find(of_experts.begin(), of_experts.end(), target) != of_experts.end()) continue;
    if (target.find('.') == std::string::npos) {
      config.target_modules->push_back(target);
    } else {
      // The plain feed-forwards of a mixture: as modules PEFT would take them for the experts', as parameters it finds
      // them, but without dropout.
      config.target_parameters.push_back(target + ".weight");
      config.dropout = 0;
    }
  }
  write_adapter(dir, config, tensors, own_scales);
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

}  // namespace anneal
