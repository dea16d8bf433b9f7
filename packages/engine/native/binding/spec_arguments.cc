// A session's spec, field by field. A value that is not one of a field's is refused with the ones that are.
#include "binding/arguments.h"
#include "core/error.h"
#include "train/base_storage.h"

namespace anneal {
namespace {

template <class T>
struct Choice {
  const char* name;
  T value;
};

// The value whose name the field holds.
template <class T, size_t N>
T choose(const Fields& f, const char* field, const Choice<T> (&choices)[N]) {
  const std::string name = f.string(field);
  std::string known;
  for (const Choice<T>& c : choices) {
    if (name == c.name) return c.value;
    known += (known.empty() ? "\"" : ", \"") + std::string(c.name) + "\"";
  }
  refuse("not_one_of", f.field_path(field), "is {found}, expected one of {expected}",
         {{"found", "\"" + name.substr(0, 40) + "\""}, {"expected", known}});
}

constexpr Choice<Precision> kPrecisions[] = {{"f32", Precision::kF32},
                                             {"bf16", Precision::kBF16},
                                             {"bf16_sr", Precision::kBF16Stochastic},
                                             {"f16", Precision::kF16}};
constexpr Choice<OptimizerKind> kOptimizers[] = {{"adamw", OptimizerKind::kAdamW},
                                                 {"adamw8bit", OptimizerKind::kAdamW8bit},
                                                 {"lion", OptimizerKind::kLion},
                                                 {"adafactor", OptimizerKind::kAdafactor},
                                                 {"sgd", OptimizerKind::kSgd}};
constexpr Choice<ObjectiveKind> kObjectives[] = {{"sft", ObjectiveKind::kSft},        {"dpo", ObjectiveKind::kDpo},
                                                 {"ipo", ObjectiveKind::kIpo},        {"orpo", ObjectiveKind::kOrpo},
                                                 {"simpo", ObjectiveKind::kSimpo},    {"kto", ObjectiveKind::kKto},
                                                 {"distill", ObjectiveKind::kDistill}};
constexpr Choice<Divergence> kDivergences[] = {{"forward_kl", Divergence::kForwardKl},
                                               {"reverse_kl", Divergence::kReverseKl},
                                               {"jsd", Divergence::kJensenShannon}};
constexpr Choice<Checkpointing> kCheckpointing[] = {
    {"none", Checkpointing::kNone}, {"layer", Checkpointing::kLayer}, {"selective", Checkpointing::kSelective}};
constexpr Choice<bool> kMethods[] = {{"full", false}, {"lora", true}};

void read_method(const Fields& f, TrainingSpec& spec) {
  spec.lora = choose(f, "kind", kMethods);
  if (!spec.lora) {
    if (f.has("freeze")) spec.freeze = read_strings(f.get("freeze"), f.field_path("freeze"));
    return;
  }
  LoraConfig& c = spec.lora_config;
  c.rank = f.integer("rank", 1, 65536);
  c.alpha = f.number("alpha", 0.0, 1e6);
  c.dropout = static_cast<float>(f.number("dropout", 0.0, 0.999));
  c.rslora = f.boolean("rsLora");
  c.dora = f.boolean_or("dora", false);
  spec.lora_plus_ratio = f.number_or("loraPlusRatio", 1.0, 1e-6, 1e6);
  spec.targets = read_strings(f.get("targets"), f.field_path("targets"));
}

OptimizerConfig read_optimizer(const Fields& f) {
  OptimizerConfig c;
  c.kind = choose(f, "kind", kOptimizers);
  c.weight_decay = f.number("weightDecay", 0.0, 1000.0);
  switch (c.kind) {
    case OptimizerKind::kAdafactor:
      c.decay = f.number("decay", -1.0, -1e-3);
      c.epsilon1 = f.number("epsilon1", 1e-100, 1.0);
      c.epsilon2 = f.number("epsilon2", 0.0, 1.0);
      c.clip_threshold = f.number("clipThreshold", 1e-6, 1e6);
      return c;
    case OptimizerKind::kSgd:
      c.momentum = f.number("momentum", 0.0, 0.999999);
      c.nesterov = f.boolean("nesterov");
      if (c.nesterov && c.momentum == 0)
        refuse("nesterov_without_momentum", f.field_path("nesterov"), "needs a momentum above 0");
      return c;
    default: break;
  }
  c.beta1 = f.number("beta1", 0.0, 0.999999);
  c.beta2 = f.number("beta2", 0.0, 0.9999999);
  if (c.kind != OptimizerKind::kLion) c.epsilon = f.number("epsilon", 1e-30, 1.0);
  return c;
}

ObjectiveConfig read_objective(const Fields& f) {
  ObjectiveConfig c;
  c.kind = choose(f, "kind", kObjectives);
  if (c.kind == ObjectiveKind::kSft) {
    c.label_smoothing = f.number("labelSmoothing", 0.0, 0.999);
    c.z_loss = f.number("zLoss", 0.0, 1e3);
  } else if (c.kind == ObjectiveKind::kDistill) {
    c.divergence = choose(f, "divergence", kDivergences);
    c.temperature = f.number("temperature", 1e-3, 1e3);
    c.jsd_beta = f.number_or("jsdBeta", 0.5, 1e-6, 1 - 1e-6);
    c.cross_entropy_weight = f.number("crossEntropyWeight", 0.0, 1.0);
    c.teacher_top_k = f.integer_or("teacherTopK", 0, 1, 1 << 20);
    if (f.has("teacher")) {
      const Fields teacher = f.object("teacher");
      c.teacher = read_source(f.get("teacher"), teacher.path());
      if (teacher.has("adapter"))
        c.teacher_adapter = read_path(teacher.get("adapter"), "spec.objective.teacher.adapter");
    }
  } else {
    c.beta = f.number("beta", 1e-9, 1e6);
    if (c.kind == ObjectiveKind::kDpo) c.label_smoothing = f.number("labelSmoothing", 0.0, 0.5);
    if (c.kind == ObjectiveKind::kSimpo) c.gamma = f.number("gamma", -1e6, 1e6);
    if (c.kind == ObjectiveKind::kKto) {
      c.desirable_weight = f.number("desirableWeight", 0.0, 1e6);
      c.undesirable_weight = f.number("undesirableWeight", 0.0, 1e6);
    }
  }
  return c;
}

std::vector<AdapterSpec> read_adapters(const Napi::Value& value) {
  if (!value.IsArray() || value.As<Napi::Array>().Length() == 0)
    refuse("expected_adapters", "spec.adapters", "expected an array of at least one adapter");
  const Napi::Array array = value.As<Napi::Array>();
  if (array.Length() > 1024) refuse("too_many_adapters", "spec.adapters", "holds more than 1024");
  std::vector<AdapterSpec> all;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Fields f(array.Get(i), "spec.adapters[" + std::to_string(i) + "]");
    AdapterSpec a;
    a.name = f.string("name");
    const bool plain = a.name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
                       std::string::npos;
    if (a.name.empty() || a.name.size() > 80 || !plain)
      refuse("adapter_name_invalid", f.field_path("name"), "must be 1 to 80 letters, digits, _ or -");
    a.rank = f.integer("rank", 1, 65536);
    a.alpha = f.number("alpha", 0.0, 1e6);
    a.seed = static_cast<uint64_t>(f.integer("seed", 0, kMaxSafeInteger));
    if (f.has("from")) a.start = read_path(f.get("from"), f.field_path("from").c_str());
    all.push_back(a);
  }
  return all;
}

Checkpointing read_checkpointing(const Fields& f) {
  if (!f.get("gradientCheckpointing").IsBoolean()) return choose(f, "gradientCheckpointing", kCheckpointing);
  return f.boolean("gradientCheckpointing") ? Checkpointing::kLayer : Checkpointing::kNone;
}

}  // namespace

TrainingSpec read_spec(const Napi::Value& value) {
  const Fields f(value, "spec");
  TrainingSpec spec;
  spec.base = read_source(f.get("base"), "spec.base");
  spec.numbers = choose(f, "precision", kPrecisions);
  spec.isa = configured_isa();
  if (f.has("baseStorage")) spec.base_storage = parse_base_storage(f.string("baseStorage"));
  spec.threads = static_cast<int>(f.integer_or("threads", 0, 0, 256));
  spec.seed = static_cast<uint64_t>(f.integer("seed", 0, kMaxSafeInteger));
  read_method(f.object("method"), spec);
  if (f.has("adapters")) spec.adapters = read_adapters(f.get("adapters"));
  spec.optimizer = read_optimizer(f.object("optimizer"));
  if (f.has("objective")) spec.objective = read_objective(f.object("objective"));
  spec.neftune_alpha = f.number_or("neftuneAlpha", 0.0, 0.0, 1e4);
  spec.router_aux_weight = f.number_or("routerAuxWeight", 0.0, 0.0, 1e4);
  spec.checkpointing = read_checkpointing(f);
  spec.max_tokens = f.integer("maxTokensPerMicroBatch", 1, kMaxTokens);
  spec.max_sequence_tokens = f.integer("maxSequenceTokens", 1, kMaxTokens);
  if (f.has("memoryBudgetBytes"))
    spec.memory_budget_bytes = static_cast<uint64_t>(f.integer("memoryBudgetBytes", 1, kMaxSafeInteger));
  if (f.has("adapter")) spec.adapter = read_path(f.get("adapter"), "spec.adapter");
  return spec;
}

}  // namespace anneal
