#include "io/adapter.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>

#include <sys/stat.h>

#include "io/file_kind.h"

namespace anneal {
namespace {

constexpr int64_t kMaxRank = 65536;

bool is_file(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

std::string field_of(const std::string& where, const char* name) { return where + ": field \"" + name + "\""; }

std::string number_text(double v) {
  char text[40];
  std::snprintf(text, sizeof text, v == std::floor(v) && std::fabs(v) < 1e15 ? "%.0f" : "%.17g", v);
  return text;
}

bool is_empty(const JsonValue* value) {
  if (!value || value->is_null()) return true;
  if (value->is_bool()) return !value->as_bool("");
  if (value->is_array()) return value->as_array("").empty();
  if (value->is_object()) return value->as_object("").empty();
  return false;
}

// Settings of PEFT that change the arithmetic of a LoRA layer: refused rather than quietly ignored.
void refuse_other_methods(const JsonValue& json, const std::string& where) {
  static const char* const kMustBeEmpty[] = {"modules_to_save",
                                             "layer_replication",
                                             "megatron_config",
                                             "use_qalora",
                                             "corda_config",
                                             "alora_invocation_tokens",
                                             "trainable_token_indices",
                                             "lora_bias",
                                             "eva_config",
                                             "loftq_config",
                                             "arrow_config",
                                             "layers_to_transform",
                                             "lora_ga_config",
                                             "kasa_config",
                                             "monteclora_config",
                                             "use_bdlora"};
  for (const char* name : kMustBeEmpty)
    if (!is_empty(json.find(name)))
      throw Error(ErrorCode::kUnsupported, "adapter_not_plain_lora", field_of(where, name),
                  "is set; only plain LoRA adapters are read");
  if (json.get_string_or("bias", "none", where) != "none")
    throw Error(ErrorCode::kUnsupported, "must_be", field_of(where, "bias"), "must be {expected}",
                {{"expected", "\"none\""}});
  if (json.get_bool_or("fan_in_fan_out", false, where))
    throw Error(ErrorCode::kUnsupported, "must_be", field_of(where, "fan_in_fan_out"), "must be {expected}",
                {{"expected", "false"}});
  // These start from parts of the weights and take them out of the base, which the folder does not hold.
  const JsonValue* init = json.find("init_lora_weights");
  if (!init || !init->is_string()) return;
  const std::string how = init->as_string(where);
  for (const char* method : {"pissa", "olora", "corda", "loftq", "lora_ga"})
    if (how.starts_with(method))
      throw Error(ErrorCode::kUnsupported, "adapter_changes_base", field_of(where, "init_lora_weights"),
                  "changes the base; save the adapter as a plain one (PEFT: path_initial_model_for_weight_conversion)");
}

bool contains(const std::vector<std::string>& names, const char* name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Beside merged experts patterns are taken only as PEFT writes them for these: twice the rank and alpha of the two
// projections in one weight.
void check_patterns_of_experts(const JsonValue& json, const AdapterConfig& c, const std::string& where) {
  const bool merged = contains(c.target_parameters, "gate_up_proj");
  for (const char* name : {"rank_pattern", "alpha_pattern"}) {
    const JsonValue* pattern = json.find(name);
    if (is_empty(pattern) && !merged) continue;
    const double wanted = 2.0 * (name[0] == 'r' ? static_cast<double>(c.rank) : c.alpha);
    const bool fits = merged && !is_empty(pattern) && pattern->is_object() && pattern->as_object(where).size() == 1 &&
                      pattern->as_object(where)[0].first == ".*\\.gate_up_proj" &&
                      pattern->as_object(where)[0].second.as_number(where + ": " + name) == wanted;
    if (!fits)
      throw Error(ErrorCode::kUnsupported, "adapter_pattern_of_experts", field_of(where, name),
                  "is set otherwise than for merged experts; beside these only one rank and alpha are read");
  }
}

void read_patterns_of_linears(const JsonValue& json, AdapterConfig& c, const std::string& where) {
  const std::string ranks = field_of(where, "rank_pattern"), alphas = field_of(where, "alpha_pattern");
  c.rank_pattern = read_patterns(json, "rank_pattern", ranks);
  c.alpha_pattern = read_patterns(json, "alpha_pattern", alphas);
  for (const AdapterPattern& p : c.rank_pattern)
    if (!(p.value() >= 1 && p.value() <= static_cast<double>(kMaxRank)) || p.value() != std::floor(p.value()))
      throw Error(ErrorCode::kFormat, "not_whole_numbers_between", ranks,
                  "must hold whole numbers from {low} to {high}, found {found}",
                  {{"low", 1}, {"high", 65536}, {"found", number_text(p.value())}});
  for (const AdapterPattern& p : c.alpha_pattern)
    if (!std::isfinite(p.value()))
      throw Error(ErrorCode::kFormat, "not_finite_numbers", alphas, "must hold finite numbers");
}

}  // namespace

int64_t AdapterConfig::rank_of(const std::string& module) const {
  return static_cast<int64_t>(pattern_value(rank_pattern, module, static_cast<double>(rank)));
}
double AdapterConfig::alpha_of(const std::string& module) const { return pattern_value(alpha_pattern, module, alpha); }

std::string adapter_module(const std::string& tensor) {
  const std::string prefix = "base_model.model.";
  const size_t begin = tensor.starts_with(prefix) ? prefix.size() : 0, end = tensor.rfind(".lora_");
  return tensor.substr(begin, end == std::string::npos || end < begin ? std::string::npos : end - begin);
}

std::string peft_tensor_name(const std::string& module, const char* side) {
  return "base_model.model." + module + "." + side + ".weight";
}

AdapterFolder::AdapterFolder(const std::string& dir) : dir_(dir) {
  read_config(read_json_file(dir + "/adapter_config.json"));
  const std::string weights = dir + "/adapter_model.safetensors";
  if (!is_file(weights) && is_file(dir + "/adapter_model.bin"))
    throw Error(ErrorCode::kFormat, "adapter_pickle", dir + "/adapter_model.bin",
                "is a PyTorch pickle, which can run code when loaded; save the adapter as safetensors {how}",
                {{"how", "(PEFT: save_pretrained(..., safe_serialization=True))"}});
  tensors_ = std::make_unique<SafetensorsFile>(weights);
  check_tensors();
}

AdapterFolder::AdapterFolder(const std::string& dir, const JsonValue& config, std::unique_ptr<SafetensorsFile> tensors)
    : dir_(dir), tensors_(std::move(tensors)) {
  read_config(config);
  check_tensors();
}

void AdapterFolder::read_config(const JsonValue& json) {
  const std::string where = dir_ + "/adapter_config.json";
  const std::string type = json.get_string("peft_type", where);
  if (type != "LORA")
    throw Error(ErrorCode::kUnsupported, "must_be_found", field_of(where, "peft_type"),
                "must be {expected}, found {found}",
                {{"expected", "LORA"}, {"found", "\"" + printable(type, 40) + "\""}});
  refuse_other_methods(json, where);
  config_.rank = json.get_int("r", where);
  if (config_.rank < 1 || config_.rank > kMaxRank)
    throw Error(ErrorCode::kFormat, "out_of_range", field_of(where, "r"), "must be from {low} to {high}, found {found}",
                {{"low", 1}, {"high", kMaxRank}, {"found", config_.rank}});
  config_.alpha = json.get_number("lora_alpha", where);
  if (!std::isfinite(config_.alpha))
    throw Error(ErrorCode::kFormat, "not_finite_number", field_of(where, "lora_alpha"), "must be a finite number");
  config_.dropout = json.get_number_or("lora_dropout", 0.0, where);
  if (!(config_.dropout >= 0.0 && config_.dropout < 1.0))
    throw Error(ErrorCode::kFormat, "not_from_below", field_of(where, "lora_dropout"),
                "must be at least {low} and below {high}", {{"low", 0}, {"high", 1}});
  config_.dora = json.get_bool_or("use_dora", false, where);
  config_.rslora = json.get_bool_or("use_rslora", false, where);
  config_.base_model_name = json.get_string_or("base_model_name_or_path", "", where);
  const JsonValue* targets = json.find("target_modules");
  if (targets && !targets->is_null() && !targets->is_string()) {  // a pattern: the tensors say what it found
    config_.target_modules.emplace();
    for (const JsonValue& target : targets->as_array(field_of(where, "target_modules")))
      config_.target_modules->push_back(target.as_string(field_of(where, "target_modules")));
  }
  const std::string at = field_of(where, "target_parameters");
  if (const JsonValue* parameters = json.find("target_parameters"); !is_empty(parameters)) {
    for (const JsonValue& p : parameters->as_array(at)) {
      config_.target_parameters.push_back(p.as_string(at));
      const std::string& name = config_.target_parameters.back();
      // The weight of a linear is adapted as the linear is; its tensors tell.
      if (name != "gate_up_proj" && name != "down_proj" && !name.ends_with("_proj.weight"))
        throw Error(ErrorCode::kUnsupported, "adapter_parameters_unknown", at,
                    "names something else than gate_up_proj and down_proj of experts and weights of linears");
    }
  }
  const bool experts =
      contains(config_.target_parameters, "gate_up_proj") || contains(config_.target_parameters, "down_proj");
  if (experts) check_patterns_of_experts(json, config_, where);
  else read_patterns_of_linears(json, config_, where);
}

const SafetensorsEntry& AdapterFolder::at(const std::string& name) const {
  const SafetensorsEntry* entry = tensors_->find(name);
  if (!entry)
    throw Error(ErrorCode::kFormat, "tensor_missing", dir_, "tensor {tensor} is missing",
                {{"tensor", "\"" + name + "\""}});
  return *entry;
}

void AdapterFolder::check_tensors() const {
  for (const SafetensorsEntry& entry : tensors_->entries()) {
    if (config_.dora && entry.name.ends_with(".lora_magnitude_vector")) {
      if (entry.shape.rank != 1)
        throw Error(ErrorCode::kFormat, "adapter_magnitude_shape",
                    tensors_->path() + ": tensor \"" + printable(entry.name) + "\"",
                    "has the shape {shape}, a magnitude is a vector", {{"shape", entry.shape.to_string()}});
      continue;
    }
    const bool a = entry.name.find(".lora_A.") != std::string::npos,
               b = entry.name.find(".lora_B.") != std::string::npos;
    const std::string at = tensors_->path() + ": tensor \"" + printable(entry.name) + "\"";
    if (a == b)
      throw Error(ErrorCode::kUnsupported, "adapter_tensor_unknown", at,
                  "is neither lora_A nor lora_B; only LoRA and DoRA adapters are read");
    // Adapters of experts lie side by side; the model they are read for knows their shape.
    const size_t expert = entry.name.find(".experts.");
    const bool experts = expert != std::string::npos;
    if (experts && std::isdigit(static_cast<unsigned char>(entry.name[expert + 9])))
      throw Error(ErrorCode::kUnsupported, "adapter_of_one_expert", at,
                  "adapts one expert alone, as PEFT wrote it before transformers 5; load it there and save it again");
    const int64_t rank = entry.shape.rank == 2 ? entry.shape[a ? 0 : 1] : 0,
                  wanted = config_.rank_of(adapter_module(entry.name));
    if (entry.shape.rank != 2 || (experts ? rank % wanted != 0 : rank != wanted))
      throw Error(ErrorCode::kFormat, "adapter_rank_shape", at, "has the shape {shape}, which does not fit r = {rank}",
                  {{"shape", entry.shape.to_string()},
                   {"rank", std::to_string(wanted) + (wanted == config_.rank ? "" : " (of rank_pattern)")}});
  }
}

const SafetensorsEntry& AdapterFolder::lora(const std::string& module, const char* side) const {
  return at(peft_tensor_name(module, side));
}

const SafetensorsEntry& AdapterFolder::lora_a(const std::string& module) const { return lora(module, "lora_A"); }
const SafetensorsEntry& AdapterFolder::lora_b(const std::string& module) const { return lora(module, "lora_B"); }

void write_adapter(const std::string& dir, const AdapterConfig& config, const std::vector<AdapterTensor>& tensors,
                   const std::vector<OwnScale>& own_scales) {
  SafetensorsWriter writer(dir + "/adapter_model.safetensors");
  writer.set_metadata("format", "pt");
  for (const AdapterTensor& t : tensors) writer.declare(t.name, SafetensorsType::kF32, t.shape);
  writer.begin();
  for (const AdapterTensor& t : tensors) writer.append_f32(t.values.data(), t.shape.elements());
  writer.finish();

  std::string json = "{\n  \"peft_type\": \"LORA\",\n  \"task_type\": \"CAUSAL_LM\",\n";
  json += "  \"base_model_name_or_path\": " + json_quote(config.base_model_name) + ",\n";
  json += "  \"r\": " + std::to_string(config.rank) + ",\n  \"lora_alpha\": " + number_text(config.alpha) + ",\n";
  json += "  \"lora_dropout\": " + number_text(config.dropout) + ",\n";
  json += std::string("  \"use_rslora\": ") + (config.rslora ? "true" : "false") +
          ",\n  \"use_dora\": " + (config.dora ? "true" : "false") + ",\n";
  json +=
      "  \"bias\": \"none\",\n  \"fan_in_fan_out\": false,\n  \"inference_mode\": true,\n  \"init_lora_weights\": "
      "true,\n";
  const auto list = [](const std::vector<std::string>& names) {
    std::string text = "[";
    for (size_t i = 0; i < names.size(); ++i) text += (i ? ", " : "") + json_quote(names[i]);
    return text + "]";
  };
  std::string ranks, alphas;
  const auto add = [](std::string& all, const std::string& key, double value) {
    all += (all.empty() ? "" : ", ") + json_quote(key) + ": " + number_text(value);
  };
  if (contains(config.target_parameters, "gate_up_proj")) {
    add(ranks, ".*\\.gate_up_proj", 2.0 * static_cast<double>(config.rank));
    add(alphas, ".*\\.gate_up_proj", 2.0 * config.alpha);
  }
  for (const OwnScale& own : own_scales) {
    if (own.rank != config.rank) add(ranks, own.module, static_cast<double>(own.rank));
    if (own.alpha != config.alpha) add(alphas, own.module, own.alpha);
  }
  json +=
      "  \"modules_to_save\": null,\n  \"rank_pattern\": {" + ranks + "},\n  \"alpha_pattern\": {" + alphas + "},\n";
  if (!config.target_parameters.empty()) json += "  \"target_parameters\": " + list(config.target_parameters) + ",\n";
  json += "  \"target_modules\": " + list(config.target_modules.value_or(std::vector<std::string>{})) + "\n}\n";
  write_file(dir + "/adapter_config.json", json);
}

}  // namespace anneal
