// SimPO (Meng et al., 2024): -log sigmoid(beta * margin of mean log-probabilities - gamma); no reference.
#include "train/objectives/losses.h"
#include "train/objectives/pairwise.h"

namespace anneal {

std::unique_ptr<Objective> make_simpo(const TrainingSpec& spec, Model&) {
  const double beta = spec.objective.beta, gamma = spec.objective.gamma;
  return make_pairwise(nullptr, [=](const AnswerScore& chosen, const AnswerScore& rejected, const PairTotals& totals) {
    const auto pairs = static_cast<double>(totals.pairs);
    const auto length_chosen = static_cast<double>(chosen.tokens),
               length_rejected = static_cast<double>(rejected.tokens);
    PairTerm term;
    term.reward_chosen = beta * chosen.policy / length_chosen;
    term.reward_rejected = beta * rejected.policy / length_rejected;
    const double x = term.reward_chosen - term.reward_rejected - gamma;
    term.loss = -log_sigmoid(x) / pairs;
    const double slope = -beta * sigmoid(-x) / pairs;
    term.d_chosen = slope / length_chosen;
    term.d_rejected = -slope / length_rejected;
    return term;
  });
}

}  // namespace anneal
