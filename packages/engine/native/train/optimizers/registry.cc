#include "train/optimizers/rules.h"

namespace anneal {

std::unique_ptr<Optimizer> make_optimizer(const OptimizerConfig& config) {
  switch (config.kind) {
    case OptimizerKind::kAdamW: return make_adamw(config);
    case OptimizerKind::kAdamW8bit: return make_adamw_8bit(config);
    case OptimizerKind::kLion: return make_lion(config);
    case OptimizerKind::kAdafactor: return make_adafactor(config);
    case OptimizerKind::kSgd: return make_sgd(config);
  }
  throw Error(ErrorCode::kInternal, "maker_missing", "spec.optimizer", "has no maker");
}

const char* optimizer_name(OptimizerKind kind) {
  switch (kind) {
    case OptimizerKind::kAdamW: return "adamw";
    case OptimizerKind::kAdamW8bit: return "adamw8bit";
    case OptimizerKind::kLion: return "lion";
    case OptimizerKind::kAdafactor: return "adafactor";
    case OptimizerKind::kSgd: return "sgd";
  }
  return "";
}

}  // namespace anneal
