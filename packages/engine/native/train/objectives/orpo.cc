// ORPO (Hong et al., 2024): cross-entropy of the chosen answers plus beta times -log sigmoid of the log odds ratio; no
// reference.
#include <algorithm>
#include <cmath>

#include "train/objectives/losses.h"
#include "train/objectives/pairwise.h"

namespace anneal {

std::unique_ptr<Objective> make_orpo(const TrainingSpec& spec, Model&) {
  const double beta = spec.objective.beta;
  return make_pairwise(nullptr, [=](const AnswerScore& chosen, const AnswerScore& rejected, const PairTotals& totals) {
    const auto pairs = static_cast<double>(totals.pairs), chosen_tokens = static_cast<double>(totals.chosen_tokens);
    const auto length_chosen = static_cast<double>(chosen.tokens),
               length_rejected = static_cast<double>(rejected.tokens);
    const double mean_chosen = chosen.policy / length_chosen, mean_rejected = rejected.policy / length_rejected;
    // log(1 - p) of a mean log-probability; p = 1 has no finite odds, so it is kept a rounding below.
    const auto log_rest = [](double mean) { return std::log(-std::expm1(std::min(mean, -1e-12))); };
    const auto odds_slope = [](double mean) { return 1 / -std::expm1(std::min(mean, -1e-12)); };  // d log odds / d mean
    const double x = mean_chosen - mean_rejected - (log_rest(mean_chosen) - log_rest(mean_rejected));
    PairTerm term;
    term.loss = -chosen.policy / chosen_tokens - beta * log_sigmoid(x) / pairs;
    const double slope = -beta * sigmoid(-x) / pairs;
    term.d_chosen = -1 / chosen_tokens + slope * odds_slope(mean_chosen) / length_chosen;
    term.d_rejected = -slope * odds_slope(mean_rejected) / length_rejected;
    term.reward_chosen = beta * mean_chosen;
    term.reward_rejected = beta * mean_rejected;
    return term;
  });
}

}  // namespace anneal
