#include "train/adapter_start.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/error.h"
#include "io/file_kind.h"

namespace anneal {
namespace {

std::string shown(const std::string& name) { return "\"" + printable(name) + "\""; }

std::string tensor_place(const AdapterFolder& folder, const std::string& name) {
  return folder.tensors().path() + ": tensor " + shown(name);
}

// The layer in "model.layers.7.self_attn.q_proj"; -1 without one.
int64_t layer_of(const std::string& module) {
  const std::string prefix = "model.layers.";
  if (!module.starts_with(prefix)) return -1;
  const std::string digits = module.substr(prefix.size(), module.find('.', prefix.size()) - prefix.size());
  if (digits.empty() || digits.size() > 6 || digits.find_first_not_of("0123456789") != std::string::npos) return -1;
  return std::stoll(digits);
}

bool ends_with_part(const std::string& path, const std::string& end) {
  return path == end || (path.size() > end.size() && path.ends_with(end) && path[path.size() - end.size() - 1] == '.');
}

[[noreturn]] void refuse_module(const Model& model, const AdapterFolder& folder, const std::string& tensor,
                                const std::string& module) {
  const int64_t layer = layer_of(module), layers = model.config().layers;
  if (layer >= layers)
    throw Error(ErrorCode::kShape, "adapter_layer_beyond_base", tensor_place(folder, tensor),
                "is of layer {layer}; the base has {layers} layers, counted from 0",
                {{"layer", layer}, {"layers", layers}});
  if (module == "lm_head" || module == "model.embed_tokens")
    throw Error(ErrorCode::kUnsupported, "adapter_module_not_adaptable", tensor_place(folder, tensor),
                "adapts the {part}, which cannot be adapted here; leave it out of target_modules",
                {{"part", module == "lm_head" ? "head" : "embedding"}});
  throw Error(ErrorCode::kShape, "adapter_module_unknown", tensor_place(folder, tensor),
              "adapts {module}, which this base does not have or which cannot be adapted", {{"module", shown(module)}});
}

// The linears of the model by path, with their short names, and the paths of experts' adapters.
struct Adaptable {
  std::map<std::string, std::string> linears;
  std::set<std::string> experts;
};

Adaptable adaptable(Model& model) {
  Adaptable all;
  model.decoder->for_each_linear([&](Linear& linear) { all.linears.emplace(linear.name(), linear.short_name()); });
  model.decoder->for_each_expert(
      [&](ExpertLinear& experts) { all.experts.insert({experts.name(), experts.name() + ".base_layer"}); });
  return all;
}

// Layers at the end without tensors are those of a longer base; a gap is a choice of layers.
void check_all_layers(const Model& model, const AdapterFolder& folder, const Adaptable& all,
                      const std::set<std::string>& modules) {
  std::set<std::string> names;
  int64_t last = -1;
  for (const std::string& module : modules) {
    const auto found = all.linears.find(module);
    if (found != all.linears.end()) names.insert(found->second);
    last = std::max(last, layer_of(module));
  }
  for (const auto& [module, name] : all.linears) {
    if (!names.count(name) || modules.count(module)) continue;
    const std::string where = folder.tensors().path();
    const std::string tensor = shown(peft_tensor_name(module, "lora_A"));
    if (last >= 0 && layer_of(module) > last)
      throw Error(ErrorCode::kShape, "adapter_longer_base", where,
                  "tensor {tensor} is missing; the adapter ends with layer {last}, the base has {layers} layers, "
                  "counted from 0",
                  {{"tensor", tensor}, {"last", last}, {"layers", model.config().layers}});
    throw Error(ErrorCode::kUnsupported, "adapter_some_layers", where,
                "tensor {tensor} is missing, though {name} is adapted in other layers; adapters of some layers only "
                "are not read",
                {{"tensor", tensor}, {"name", name}});
  }
}

// A list is believed only where the tensors agree; what the base does not have may stand in it, as PEFT has it.
void check_targets(const AdapterFolder& folder, const Adaptable& all, const std::set<std::string>& modules) {
  const AdapterConfig& config = folder.config();
  if (!config.target_modules) return;
  std::vector<std::string> named = *config.target_modules;
  for (const std::string& parameter : config.target_parameters)
    if (parameter.ends_with(".weight")) named.push_back(parameter.substr(0, parameter.size() - 7));
  const auto is_named = [&](const std::string& module) {
    return std::any_of(named.begin(), named.end(),
                       [&](const std::string& name) { return ends_with_part(module, name); });
  };
  for (const std::string& module : modules)
    if (all.linears.count(module) && !is_named(module))
      throw Error(ErrorCode::kFormat, "adapter_targets_omit", folder.field("target_modules"),
                  "does not name {module}, for which adapter_model.safetensors holds tensors",
                  {{"module", shown(module)}});
  for (const std::string& name : named) {
    const auto meant = [&](const std::string& module) { return ends_with_part(module, name); };
    const bool in_base =
        std::any_of(all.linears.begin(), all.linears.end(), [&](const auto& linear) { return meant(linear.first); });
    if (in_base && std::none_of(modules.begin(), modules.end(), meant))
      throw Error(ErrorCode::kFormat, "adapter_targets_without_tensor", folder.field("target_modules"),
                  "names {name}, for which adapter_model.safetensors holds no tensor", {{"name", shown(name)}});
  }
}

}  // namespace

void check_adapter_modules(Model& model, const AdapterFolder& folder) {
  const Adaptable all = adaptable(model);
  std::set<std::string> modules;
  for (const SafetensorsEntry& entry : folder.tensors().entries()) {
    const std::string module = adapter_module(entry.name);
    if (!all.linears.count(module) && !all.experts.count(module)) refuse_module(model, folder, entry.name, module);
    modules.insert(module);
    for (const char* side : {"lora_A", "lora_B"}) folder.at(peft_tensor_name(module, side));
  }
  if (modules.empty()) throw Error(ErrorCode::kFormat, "no_tensor", folder.tensors().path(), "holds no tensor");
  check_all_layers(model, folder, all, modules);
  check_targets(folder, all, modules);
}

void check_adapter_shapes(const Model& model, const AdapterFolder& folder, int index) {
  size_t own = 0;
  for (const Parameter& p : model.parameters.all()) {
    if (!p.adapter || p.adapter_index != index) continue;
    const std::string& name = p.file_name.empty() ? p.name : p.file_name;
    const SafetensorsEntry& entry = folder.at(name);
    ++own;
    if (!(entry.shape == peft_shape(p)))
      throw Error(ErrorCode::kShape, "adapter_shape_differs", tensor_place(folder, name),
                  "has the shape {shape}, this base needs {needed}",
                  {{"shape", entry.shape.to_string()}, {"needed", peft_shape(p).to_string()}});
  }
  if (own != folder.tensors().entries().size())
    throw Error(ErrorCode::kFormat, "adapter_tensors_beyond", folder.tensors().path(),
                "holds {held} tensors, of which {own} belong to what is adapted",
                {{"held", folder.tensors().entries().size()}, {"own", own}});
}

void check_adapter_values(const AdapterFolder& folder) {
  std::vector<float> values;
  for (const SafetensorsEntry& entry : folder.tensors().entries()) {
    values.resize(static_cast<size_t>(entry.shape.elements()));
    entry.read_f32(values.data(), folder.tensors().path());
    folder.tensors().file().release_pages(entry.data, entry.bytes);
    if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); }))
      throw Error(ErrorCode::kFormat, "holds_not_finite", tensor_place(folder, entry.name), "holds a NaN or infinity");
  }
}

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

TrainingSpec spec_from_adapter(const BaseSource& base, const std::string& dir) {
  const AdapterFolder folder(dir);
  const AdapterConfig& config = folder.config();
  TrainingSpec spec;
  spec.base = base;
  spec.lora = true;
  spec.lora_config.rank = config.rank;
  spec.lora_config.alpha = config.alpha;
  spec.lora_config.rslora = config.rslora;
  spec.lora_config.dora = config.dora;
  Model header = open_model(base);
  check_adapter_modules(header, folder);
  spec.targets = adapter_targets(header, folder);
  spec.adapter = dir;
  return spec;
}

AdapterInfo inspect_adapter(const BaseSource& base, const std::string& dir) {
  TrainingSpec spec = spec_from_adapter(base, dir);
  spec.max_tokens = spec.max_sequence_tokens = 1;
  const Model model = open_model(spec);
  const AdapterFolder& folder = *model.starts.at(0);
  check_adapter_values(folder);
  return {folder.config(), spec.targets};
}

}  // namespace anneal
