// Losses over pairs of answers to one question: sequences come as chosen, rejected, chosen, rejected, ... and a pair is
// never split.
#pragma once
#include "train/objectives/objective.h"
#include "train/objectives/reference.h"

namespace anneal {

// Sum of log-probabilities of a sequence's supervised tokens, under the policy and the reference.
struct AnswerScore {
  double policy = 0;
  double reference = 0;
  int64_t tokens = 0;
};

// Of all micro-batches of the step together.
struct PairTotals {
  int64_t pairs = 0;
  int64_t chosen_tokens = 0;
};

// One pair's share of the step's loss (already over the number of pairs), its gradient with respect to both policy
// sums, and the rewards that are reported.
struct PairTerm {
  double loss = 0;
  double d_chosen = 0, d_rejected = 0;
  double reward_chosen = 0, reward_rejected = 0;
};

using PairLoss =
    std::function<PairTerm(const AnswerScore& chosen, const AnswerScore& rejected, const PairTotals& totals)>;

// Losses that need no reference take none.
std::unique_ptr<Objective> make_pairwise(std::unique_ptr<Reference> reference, PairLoss loss);

// log(1 / (1 + exp(-x))) and its derivative, for any x.
double log_sigmoid(double x);
double sigmoid(double x);

}  // namespace anneal
