#include "train/objectives/losses.h"

namespace anneal {

std::unique_ptr<Objective> make_objective(const TrainingSpec& spec, Model& model) {
  switch (spec.objective.kind) {
    case ObjectiveKind::kSft: return make_sft(spec, model);
    case ObjectiveKind::kDpo: return make_dpo(spec, model);
    case ObjectiveKind::kIpo: return make_ipo(spec, model);
    case ObjectiveKind::kOrpo: return make_orpo(spec, model);
    case ObjectiveKind::kSimpo: return make_simpo(spec, model);
    case ObjectiveKind::kKto: return make_kto(spec, model);
    case ObjectiveKind::kDistill: return make_distill(spec, model);
  }
  throw Error(ErrorCode::kInternal, "maker_missing", "spec.objective", "has no maker");
}

}  // namespace anneal
