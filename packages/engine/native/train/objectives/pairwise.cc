#include "train/objectives/pairwise.h"

#include <cmath>

#include "core/error.h"

namespace anneal {
namespace {

class Pairwise final : public Objective {
 public:
  Pairwise(std::unique_ptr<Reference> reference, PairLoss loss)
      : reference_(std::move(reference)), loss_(std::move(loss)) {}

  void place(MemoryLayout& layout) override {
    if (reference_) reference_->place(layout);
  }
  size_t scratch_bytes(const Context& ctx) const override { return reference_ ? reference_->scratch_bytes(ctx) : 0; }
  void load(Context& ctx) override {
    if (reference_) reference_->load(ctx);
  }

  void check(const MicroBatch& batch, const std::string& where) const override {
    if (batch.sequences() % 2)
      refuse("pairs_odd", where + ".offsets", "holds an odd number of sequences; pairs come as chosen, rejected");
    if (!batch.weights.empty())
      refuse("weights_with_pairs", where + ".weights", "belong to supervised fine-tuning; a pair counts as a whole");
    for (size_t s = 0; s < batch.preference.size(); ++s)
      if (batch.preference[s] != (s % 2 ? 0 : 1))
        refuse("preference_order", where + ".preference", "must be 1, 0, 1, 0, ...: chosen before rejected");
    for (int64_t s = 0; s < batch.sequences(); ++s)
      if (count_supervised(pick_sequences(batch, {static_cast<size_t>(s)})) == 0)
        refuse("sequence_without_trained_token", where + ".labels", "sequence {sequence} has no trained token",
               {{"sequence", s}});
  }

  double accumulate(const std::vector<MicroBatch>& batches, ObjectiveRun& run) override {
    PairTotals totals;
    for (const MicroBatch& batch : batches) {
      totals.pairs += batch.sequences() / 2;
      for (int64_t s = 0; s < batch.sequences(); s += 2)
        totals.chosen_tokens += count_supervised(pick_sequences(batch, {static_cast<size_t>(s)}));
    }
    sums_ = Sums{};
    for (size_t i = 0; i < batches.size(); ++i) {
      run.check_stop();
      const MicroBatch& batch = batches[i];
      // The reference goes first: it may use the buffers that the policy's pass fills for backward.
      const std::vector<SequenceScore> reference =
          reference_ ? reference_->score(run.policy, batch) : std::vector<SequenceScore>{};
      const int64_t count = run.policy.set_rows(batch);
      Pass pass = run.start(batch, i);
      run.timed([&](Pass& p) { return forward(p, batch, count, reference, totals, run); }, pass);
    }
    const auto pairs = static_cast<double>(totals.pairs);
    run.metrics["rewardChosen"] = sums_.reward_chosen / pairs;
    run.metrics["rewardRejected"] = sums_.reward_rejected / pairs;
    run.metrics["rewardMargin"] = (sums_.reward_chosen - sums_.reward_rejected) / pairs;
    run.metrics["rewardAccuracy"] = sums_.right / pairs;
    run.metrics["logpChosen"] = sums_.chosen / pairs;
    run.metrics["logpRejected"] = sums_.rejected / pairs;
    return sums_.loss;
  }

 private:
  struct Sums {
    double loss = 0, reward_chosen = 0, reward_rejected = 0, right = 0, chosen = 0, rejected = 0;
  };

  // Sequence sums first, without gradient; they make the weight of every token, and the head runs again with it.
  Tensor forward(Pass& pass, const MicroBatch& batch, int64_t count, const std::vector<SequenceScore>& reference,
                 const PairTotals& totals, ObjectiveRun& run) {
    PassBuffers& b = run.policy.buffers();
    const Decoder& decoder = run.policy.decoder();
    const Tensor rows = decoder.forward(pass, b, count);
    HeadLoss head;
    head.gradient = false;
    decoder.loss(pass, b, rows, head);
    const std::vector<SequenceScore> policy = run.policy.scores(batch, count);
    const auto answer = [&](size_t s) {
      return AnswerScore{-policy[s].loss, reference.empty() ? 0.0 : -reference[s].loss, policy[s].tokens};
    };
    float* weights = b.head_weights.f32();
    for (size_t s = 0; s < policy.size(); s += 2) {
      const AnswerScore chosen = answer(s), rejected = answer(s + 1);
      const PairTerm term = loss_(chosen, rejected, totals);
      sums_.loss += term.loss;
      sums_.reward_chosen += term.reward_chosen;
      sums_.reward_rejected += term.reward_rejected;
      sums_.right += term.reward_chosen > term.reward_rejected;
      sums_.chosen += chosen.policy;
      sums_.rejected += rejected.policy;
      // Weights are of nll = -log p.
      for (int64_t t = 0; t < chosen.tokens; ++t) *weights++ = static_cast<float>(-term.d_chosen * run.loss_scale);
      for (int64_t t = 0; t < rejected.tokens; ++t) *weights++ = static_cast<float>(-term.d_rejected * run.loss_scale);
    }
    return run.gradients ? decoder.loss(pass, b, rows) : Tensor{};
  }

  std::unique_ptr<Reference> reference_;
  PairLoss loss_;
  Sums sums_;
};

}  // namespace

std::unique_ptr<Objective> make_pairwise(std::unique_ptr<Reference> reference, PairLoss loss) {
  return std::make_unique<Pairwise>(std::move(reference), std::move(loss));
}

double log_sigmoid(double x) { return x < 0 ? x - std::log1p(std::exp(x)) : -std::log1p(std::exp(-x)); }
double sigmoid(double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }

}  // namespace anneal
