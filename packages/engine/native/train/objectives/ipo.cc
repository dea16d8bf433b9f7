// IPO (Azar et al., 2023): the margin of log-ratios, averaged over each answer's tokens, is drawn to 1 / (2 beta).
#include "train/objectives/losses.h"
#include "train/objectives/pairwise.h"

namespace anneal {

std::unique_ptr<Objective> make_ipo(const TrainingSpec& spec, Model& model) {
  const double beta = spec.objective.beta;
  return make_pairwise(std::make_unique<Reference>(spec, model),
                       [=](const AnswerScore& chosen, const AnswerScore& rejected, const PairTotals& totals) {
                         const auto pairs = static_cast<double>(totals.pairs);
                         const auto length_chosen = static_cast<double>(chosen.tokens),
                                    length_rejected = static_cast<double>(rejected.tokens);
                         const double ratio_chosen = (chosen.policy - chosen.reference) / length_chosen;
                         const double ratio_rejected = (rejected.policy - rejected.reference) / length_rejected;
                         const double off = ratio_chosen - ratio_rejected - 1 / (2 * beta);
                         PairTerm term;
                         term.loss = off * off / pairs;
                         term.d_chosen = 2 * off / length_chosen / pairs;
                         term.d_rejected = -2 * off / length_rejected / pairs;
                         term.reward_chosen = beta * ratio_chosen;
                         term.reward_rejected = beta * ratio_rejected;
                         return term;
                       });
}

}  // namespace anneal
