// DPO (Rafailov et al., 2023): -log sigmoid(beta * margin of log-ratios); label smoothing is the share of pairs marked
// the wrong way round.
#include "train/objectives/losses.h"
#include "train/objectives/pairwise.h"

namespace anneal {

std::unique_ptr<Objective> make_dpo(const TrainingSpec& spec, Model& model) {
  const double beta = spec.objective.beta, smoothing = spec.objective.label_smoothing;
  return make_pairwise(std::make_unique<Reference>(spec, model),
                       [=](const AnswerScore& chosen, const AnswerScore& rejected, const PairTotals& totals) {
                         const auto pairs = static_cast<double>(totals.pairs);
                         const double ratio_chosen = chosen.policy - chosen.reference,
                                      ratio_rejected = rejected.policy - rejected.reference;
                         const double x = beta * (ratio_chosen - ratio_rejected);
                         PairTerm term;
                         term.loss = (-(1 - smoothing) * log_sigmoid(x) - smoothing * log_sigmoid(-x)) / pairs;
                         const double slope = beta * (smoothing * sigmoid(x) - (1 - smoothing) * sigmoid(-x)) / pairs;
                         term.d_chosen = slope;
                         term.d_rejected = -slope;
                         term.reward_chosen = beta * ratio_chosen;
                         term.reward_rejected = beta * ratio_rejected;
                         return term;
                       });
}

}  // namespace anneal
