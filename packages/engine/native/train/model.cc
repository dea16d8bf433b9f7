#include "train/model.h"

#include <algorithm>

#include "core/error.h"
#include "train/adapter_start.h"
#include "train/base_storage.h"

namespace anneal {
namespace {

void check_spec(const TrainingSpec& spec, const ModelConfig& config) {
  if (spec.max_sequence_tokens > config.context_length)
    refuse("sequence_above_context", "spec.maxSequenceTokens", "is {tokens}, the model's context length is {context}",
           {{"tokens", spec.max_sequence_tokens}, {"context", config.context_length}});
  if (spec.max_sequence_tokens > spec.max_tokens)
    refuse("sequence_above_micro_batch", "spec.maxSequenceTokens",
           "is {tokens}, more than maxTokensPerMicroBatch ({most})",
           {{"tokens", spec.max_sequence_tokens}, {"most", spec.max_tokens}});
  const auto has_experts = [](uint8_t layer) { return layer != 0; };
  if (spec.router_aux_weight > 0 && std::none_of(config.sparse.begin(), config.sparse.end(), has_experts))
    refuse("router_balance_needs_experts", "spec.routerAuxWeight",
           "needs a model with experts; {family} has none. Set it to 0", {{"family", config.family}});
  if (!spec.lora && !spec.adapters.empty())
    refuse("needs_method", "spec.adapters", "needs method.kind {method}", {{"method", "\"lora\""}});
  if (!spec.lora && !spec.adapter.empty())
    refuse("needs_method", "spec.adapter", "needs method.kind {method}", {{"method", "\"lora\""}});
}

void check_side_by_side(const TrainingSpec& spec) {
  if (spec.adapters.empty()) return;
  if (!spec.adapter.empty())
    refuse("start_for_one_adapter", "spec.adapter", "is for one adapter; give each of spec.adapters its own `from`");
  if (spec.lora_config.dora) refuse("not_side_by_side", "spec.method.dora", "is not for several adapters at once");
  if (spec.objective.kind != ObjectiveKind::kSft)
    refuse("objective_side_by_side", "spec.objective.kind", "must be \"sft\" where several adapters train at once");
  for (size_t i = 0; i < spec.adapters.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (spec.adapters[i].name == spec.adapters[j].name)
        refuse("named_twice", "spec.adapters", "names {name} twice", {{"name", "\"" + spec.adapters[i].name + "\""}});
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// The folder must be what the method and its targets say.
void check_method(Model& model, const AdapterFolder& folder, const TrainingSpec& spec, const AdapterSpec& own_spec) {
  const AdapterConfig& config = folder.config();
  const std::string where = own_spec.name.empty() ? "spec.adapter" : "spec.adapters." + own_spec.name;
  const std::string& folder_name = own_spec.start;
  if (config.rank != own_spec.rank)
    refuse("start_rank_differs", where, "{folder} has r {found}, method.rank is {wanted}",
           {{"folder", folder_name}, {"found", config.rank}, {"wanted", own_spec.rank}});
  if (config.alpha != own_spec.alpha)
    refuse("start_alpha_differs", where, "{folder} has lora_alpha {found}, method.alpha is {wanted}",
           {{"folder", folder_name}, {"found", config.alpha}, {"wanted", own_spec.alpha}});
  if (config.dora != spec.lora_config.dora)
    refuse("start_disagrees", where, "{folder} and {field} disagree about {about}",
           {{"folder", folder_name}, {"field", "method.dora"}, {"about", "DoRA"}});
  if (config.rslora != spec.lora_config.rslora)
    refuse("start_disagrees", where, "{folder} and {field} disagree about {about}",
           {{"folder", folder_name}, {"field", "method.rsLora"}, {"about", "rsLoRA"}});
  std::vector<std::string> own = spec.targets, theirs = adapter_targets(model, folder);
  std::sort(own.begin(), own.end());
  std::sort(theirs.begin(), theirs.end());
  if (own != theirs)
    refuse("start_targets_differ", where, "{folder} adapts {found}, method.targets names {wanted}",
           {{"folder", folder_name}, {"found", joined(theirs)}, {"wanted", joined(own)}});
}

// The folders that adapters go on from, before anything is attached.
void open_starts(Model& model, const TrainingSpec& spec) {
  for (const AdapterSpec& adapter : spec.all_adapters()) {
    model.starts.push_back(adapter.start.empty() ? nullptr : std::make_unique<AdapterFolder>(adapter.start));
    const AdapterFolder* folder = model.starts.back().get();
    if (!folder) continue;
    check_adapter_modules(model, *folder);
    check_method(model, *folder, spec, adapter);
  }
}

// Some linears of a folder may have a rank and an alpha of their own.
LoraConfig config_of(const TrainingSpec& spec, const AdapterSpec& adapter, const AdapterFolder* start,
                     const Linear& linear) {
  LoraConfig config = spec.config_of(adapter);
  if (!start) return config;
  config.rank = start->config().rank_of(linear.name());
  config.alpha = start->config().alpha_of(linear.name());
  return config;
}

void attach_adapters(Model& model, const TrainingSpec& spec) {
  if (spec.lora_config.dora && spec.lora_config.dropout > 0)
    refuse("dropout_with_dora", "spec.method.dropout", "must be 0 with DoRA");
  check_side_by_side(spec);
  if (spec.targets.empty()) refuse("targets_empty", "spec.method.targets", "is empty; name at least one linear layer");
  const std::vector<std::string> names = linear_names(model);
  for (size_t i = 0; i < spec.targets.size(); ++i) {
    const std::string& target = spec.targets[i];
    if (std::find(names.begin(), names.end(), target) == names.end()) {
      std::string known;
      for (const std::string& n : names) known += (known.empty() ? "" : ", ") + n;
      refuse("target_unknown", "spec.method.targets", "names {target}; this model has {known}",
             {{"target", "\"" + target + "\""}, {"known", known}});
    }
    if (std::find(spec.targets.begin(), spec.targets.begin() + static_cast<int64_t>(i), target) !=
        spec.targets.begin() + static_cast<int64_t>(i))
      refuse("named_twice", "spec.method.targets", "names {name} twice", {{"name", "\"" + target + "\""}});
  }
  const auto targeted = [&](const std::string& name) {
    return std::find(spec.targets.begin(), spec.targets.end(), name) != spec.targets.end();
  };
  open_starts(model, spec);
  uint32_t id = 0;
  model.decoder->for_each_linear([&](Linear& linear) {
    const uint32_t own = id++;
    if (std::find(spec.targets.begin(), spec.targets.end(), linear.short_name()) == spec.targets.end()) return;
    for (const AdapterSpec& adapter : spec.all_adapters()) {
      const LoraConfig config = config_of(spec, adapter, model.starts[linear.adapters().size()].get(), linear);
      // One above the smaller side is of no use there, but PEFT has one rank for all: narrow keys beside wide
      // feed-forwards.
      if (config.rank > std::max(linear.in(), linear.out()))
        refuse("rank_above_layer", adapter.name.empty() ? "spec.method.rank" : "spec.adapters",
               "has rank {rank}, above the larger side of {layer} ({size})",
               {{"rank", config.rank}, {"layer", linear.name()}, {"size", std::max(linear.in(), linear.out())}});
      linear.attach_lora(model.parameters, config, own, adapter.seed, adapter.name);
      linear.adapters().back().b->rate_factor = static_cast<float>(spec.lora_plus_ratio);
    }
    if (linear.magnitude()) linear.magnitude()->rate_factor = static_cast<float>(spec.lora_plus_ratio);
  });
  model.decoder->for_each_expert([&](ExpertLinear& experts) {
    const auto& parts = experts.parts();
    const auto wanted = std::count_if(parts.begin(), parts.end(), targeted);
    if (wanted == 0) return;
    if (wanted != static_cast<std::ptrdiff_t>(parts.size()))
      refuse("expert_targets_incomplete", "spec.method.targets",
             "names one of gate_proj and up_proj of the experts; they share an adapter: name both or neither");
    if (spec.lora_config.dropout > 0)
      refuse("dropout_of_experts", "spec.method.dropout", "must be 0 where experts are adapted, as in PEFT");
    if (spec.lora_config.dora)
      refuse("dora_of_experts", "spec.method.dora", "is not for experts; leave them out of method.targets");
    for (const AdapterSpec& adapter : spec.all_adapters()) {
      // Two outputs side by side get twice the rank and alpha, so that the scale stays: PEFT's rule for merged expert
      // weights.
      LoraConfig config = spec.config_of(adapter);
      config.rank *= static_cast<int64_t>(parts.size());
      config.alpha *= static_cast<double>(parts.size());
      experts.attach_lora(model.parameters, config, parts.size() > 1 && targeted("down_proj"), adapter.name);
      experts.adapters().back().b->rate_factor = static_cast<float>(spec.lora_plus_ratio);
    }
  });
  for (size_t i = 0; i < model.starts.size(); ++i)
    if (model.starts[i]) check_adapter_shapes(model, *model.starts[i], static_cast<int>(i));
}

// `*` stands for any text.
bool matches(const char* pattern, const char* name) {
  if (*pattern == '*') return matches(pattern + 1, name) || (*name && matches(pattern, name + 1));
  if (*pattern != *name) return false;
  return !*pattern || matches(pattern + 1, name + 1);
}

void freeze(Model& model, const std::vector<std::string>& patterns) {
  for (size_t i = 0; i < patterns.size(); ++i) {
    bool any = false;
    for (Parameter& p : model.parameters.all()) {
      if (!matches(patterns[i].c_str(), p.name.c_str())) continue;
      p.trainable = false;
      any = true;
    }
    if (!any)
      refuse("freeze_matches_nothing", "spec.method.freeze", "names {pattern}, which fits no tensor of this model",
             {{"pattern", "\"" + patterns[i] + "\""}});
  }
  if (model.parameters.trainable_elements() == 0)
    refuse("nothing_to_train", "spec.method.freeze", "leaves nothing to train");
}

}  // namespace

Model open_model(const BaseSource& source) {
  Model model;
  model.source = WeightSource::open(source);
  model.decoder = model.source->family().build(model.source->config(), model.parameters);
  model.source->check(model.parameters);
  return model;
}

Model open_model(const TrainingSpec& spec) {
  Model model = open_model(spec.base);
  check_spec(spec, model.config());
  if (spec.lora) {
    attach_adapters(model, spec);
  } else {
    for (Parameter& p : model.parameters.all()) p.trainable = !p.buffer;
    freeze(model, spec.freeze);
  }
  choose_base_storage(model, spec);
  return model;
}

std::vector<std::string> linear_names(Model& model) {
  std::vector<std::string> names;
  model.decoder->for_each_linear([&](Linear& linear) {
    const std::string name = linear.short_name();
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  });
  model.decoder->for_each_expert([&](ExpertLinear& experts) {
    for (const std::string& part : experts.parts())
      if (std::find(names.begin(), names.end(), part) == names.end()) names.push_back(part);
  });
  return names;
}

}  // namespace anneal
