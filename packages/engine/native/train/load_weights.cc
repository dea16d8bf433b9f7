#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <unordered_set>
#include <vector>

#include "core/bf16.h"
#include "core/error.h"
#include "core/philox.h"
#include "io/adapter.h"
#include "train/base_storage.h"
#include "train/model.h"

namespace anneal {
namespace {

// Steps of training are counted from 0 up; fresh adapters draw from the last one, which no run reaches.
constexpr uint32_t kInitStep = 0xffffffffu;

// f32 values of elements [first, first + n) of a parameter, into its compute copy and its master.
void store(Parameter& p, int64_t first, const float* values, int64_t n) {
  if (p.master) std::copy(values, values + n, p.master.f32() + first);
  if (p.value.dtype == DType::kF32) {
    if (!p.master) std::copy(values, values + n, p.value.f32() + first);
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    if (p.value.dtype == DType::kBF16) p.value.as<bf16>()[first + i] = to_bf16(values[i]);
    else p.value.as<f16>()[first + i] = to_f16(values[i]);
  }
}

void load_base(Model& model, ThreadPool& pool) {
  for (Parameter& p : model.parameters.all()) {
    if (p.adapter) continue;
    if (p.storage) {
      load_stored(*model.source, p, pool);
      continue;
    }
    const int64_t cols = p.is_matrix() ? p.shape[-1] : 1;
    const auto load_rows = [&](int64_t first, int64_t count) {
      std::vector<float> values(static_cast<size_t>(count * cols));
      model.source->read_rows(p.name, first, count, values.data());
      for (float v : values)
        if (!std::isfinite(v))
          throw Error(ErrorCode::kNumeric, model.source->path(), "tensor " + p.name + " holds a NaN or infinity");
      store(p, first * cols, values.data(), count * cols);
    };
    if (p.is_matrix()) for_each_row_run(*model.source, p, pool, load_rows);
    else load_rows(0, p.shape.elements());
  }
}

void init_fresh(Parameter& a, Parameter& b, int64_t in, uint64_t seed, uint32_t id) {
  const RandomStream stream{seed, kInitStep, id};
  const float bound = 1.0f / std::sqrt(static_cast<float>(in));
  std::vector<float> values(static_cast<size_t>(a.shape.elements()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = bound * (2.0f * stream.uniform(i) - 1.0f);
  store(a, 0, values.data(), static_cast<int64_t>(values.size()));
  std::vector<float> zeros(static_cast<size_t>(b.shape.elements()), 0.0f);
  store(b, 0, zeros.data(), static_cast<int64_t>(zeros.size()));
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

void check_adapter(Model& model, const AdapterFolder& folder, const TrainingSpec& spec, const AdapterSpec& own_spec) {
  const AdapterConfig& config = folder.config();
  auto refuse = [&](const std::string& message) {
    throw Error(ErrorCode::kInvalidArgument, own_spec.name.empty() ? "spec.adapter" : "spec.adapters." + own_spec.name,
                own_spec.start + " " + message);
  };
  if (config.rank != own_spec.rank)
    refuse("has r " + std::to_string(config.rank) + ", method.rank is " + std::to_string(own_spec.rank));
  if (config.alpha != own_spec.alpha)
    refuse("has lora_alpha " + std::to_string(config.alpha) + ", method.alpha is " + std::to_string(own_spec.alpha));
  if (config.dora != spec.lora_config.dora) refuse("and method.dora disagree about DoRA");
  if (config.rslora != spec.lora_config.rslora) refuse("and method.rsLora disagree about rsLoRA");
  std::vector<std::string> own = spec.targets, theirs = adapter_targets(model, folder);
  std::sort(own.begin(), own.end());
  std::sort(theirs.begin(), theirs.end());
  if (own != theirs) refuse("adapts " + joined(theirs) + ", method.targets names " + joined(own));
}

void read_adapter_tensor(const SafetensorsEntry& entry, Parameter& p, const std::string& where) {
  const Shape wanted = peft_shape(p);
  if (!(entry.shape == wanted))
    throw Error(ErrorCode::kShape, where, "tensor " + entry.name + " has shape " + entry.shape.to_string() +
                                              ", the model needs " + wanted.to_string());
  std::vector<float> values(static_cast<size_t>(p.shape.elements()));
  entry.read_f32(values.data(), where);
  for (float v : values)
    if (!std::isfinite(v)) throw Error(ErrorCode::kNumeric, where, "tensor " + entry.name + " holds a NaN or infinity");
  if (p.experts) values = from_peft_layout(p, values.data());
  store(p, 0, values.data(), static_cast<int64_t>(values.size()));
}

// What one adapter starts from: a folder, of which every tensor must find its place, or fresh values.
class AdapterStart {
 public:
  AdapterStart(Model& model, const TrainingSpec& spec, const AdapterSpec& adapter) : adapter_(adapter) {
    if (adapter.start.empty()) return;
    folder_ = std::make_unique<AdapterFolder>(adapter.start);
    check_adapter(model, *folder_, spec, adapter);
  }

  void fill(Parameter& a, Parameter& b, int64_t in, uint32_t id) {
    if (!folder_) return init_fresh(a, b, in, adapter_.seed, id);
    read(a), read(b);
  }

  void fill_magnitude(Parameter& magnitude) {
    if (folder_) read(magnitude);
  }

  void check_all_read() const {
    if (!folder_) return;
    for (const SafetensorsEntry& entry : folder_->tensors().entries())
      if (!read_.count(entry.name))
        throw Error(ErrorCode::kUnsupported, adapter_.start, "tensor \"" + entry.name.substr(0, 200) + "\" adapts something that cannot be adapted here; leave it out of target_modules");
  }

 private:
  void read(Parameter& p) {
    const std::string& name = p.file_name.empty() ? p.name : p.file_name;
    read_adapter_tensor(folder_->at(name), p, adapter_.start);
    read_.insert(name);
  }

  const AdapterSpec& adapter_;
  std::unique_ptr<AdapterFolder> folder_;
  std::unordered_set<std::string> read_;
};

}  // namespace

std::vector<std::string> adapter_targets(Model& model, const AdapterFolder& folder) {
  std::vector<std::string> targets;
  const auto add = [&targets](const std::string& name) {
    if (std::find(targets.begin(), targets.end(), name) == targets.end()) targets.push_back(name);
  };
  model.decoder->for_each_linear([&](Linear& linear) {
    if (folder.tensors().find(peft_tensor_name(linear.name(), "lora_A"))) add(linear.short_name());
  });
  for (const std::string& merged : folder.config().target_parameters) {
    if (merged == "gate_up_proj") add("gate_proj"), add("up_proj");
    if (merged == "down_proj") add(merged);
  }
  return targets;
}

void load_weights(Model& model, const TrainingSpec& spec, ThreadPool& pool) {
  load_base(model, pool);
  size_t at = 0;
  for (const AdapterSpec& adapter : spec.all_adapters()) {
    AdapterStart start(model, spec, adapter);
    uint32_t id = 0;
    model.decoder->for_each_linear([&](Linear& linear) {
      const uint32_t own = id++;
      if (!linear.rank()) return;
      const LowRank& low = linear.adapters()[at];
      start.fill(*low.a, *low.b, linear.in(), own);
      if (linear.magnitude()) start.fill_magnitude(*linear.magnitude());
    });
    model.decoder->for_each_expert([&](ExpertLinear& l) {
      const uint32_t own = id++;
      if (!l.rank()) return;
      const LowRank& low = l.adapters()[at];
      start.fill(*low.a, *low.b, l.in(), own);
    });
    start.check_all_read();
    ++at;
  }
}

void start_dora(Model& model, const TrainingSpec& spec, Context& ctx) {
  model.decoder->for_each_linear([&](Linear& linear) {
    if (linear.magnitude()) linear.start_dora(ctx, spec.adapter.empty());
  });
}

}  // namespace anneal
