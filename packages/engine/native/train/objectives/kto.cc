// KTO (Ethayarajh et al., 2024): answers marked desirable (1) or not (0) against the divergence of policy and
// reference, which is measured on sequences of preference 2 (a question with another one's answer) of the whole step,
// floored at 0 and held constant.
#include <algorithm>

#include "core/error.h"
#include "train/objectives/losses.h"
#include "train/objectives/pairwise.h"
#include "train/objectives/reference.h"

namespace anneal {
namespace {

std::vector<size_t> sequences_with(const MicroBatch& batch, bool measuring) {
  std::vector<size_t> all;
  for (size_t s = 0; s < batch.preference.size(); ++s)
    if ((batch.preference[s] == 2) == measuring) all.push_back(s);
  return all;
}

class Kto final : public Objective {
 public:
  Kto(const TrainingSpec& spec, Model& model) : config_(spec.objective), reference_(spec, model) {}

  void place(MemoryLayout& layout) override { reference_.place(layout); }
  size_t scratch_bytes(const Context& ctx) const override { return reference_.scratch_bytes(ctx); }
  void load(Context& ctx) override { reference_.load(ctx); }

  void check(const MicroBatch& batch, const std::string& where) const override {
    if (batch.preference.empty())
      throw Error(ErrorCode::kInvalidArgument, "kto_marks_missing", where + ".preference",
                  "is missing: 1 for desirable, 0 for undesirable answers");
    if (!batch.weights.empty())
      throw Error(ErrorCode::kInvalidArgument, "weights_with_answers", where + ".weights",
                  "belong to supervised fine-tuning; an answer counts as a whole");
    for (size_t s = 0; s < batch.preference.size(); ++s)
      if (count_supervised(pick_sequences(batch, {s})) == 0)
        throw Error(ErrorCode::kInvalidArgument, "sequence_without_trained_token", where + ".labels",
                    "sequence {sequence} has no trained token", {{"sequence", s}});
  }

  MicroBatch trained_part(const MicroBatch& batch) const override {
    return pick_sequences(batch, sequences_with(batch, false));
  }

  double accumulate(const std::vector<MicroBatch>& batches, ObjectiveRun& run) override {
    double answers = 0;
    for (const MicroBatch& batch : batches) answers += static_cast<double>(sequences_with(batch, false).size());
    if (answers == 0)
      throw Error(ErrorCode::kInvalidArgument, "kto_no_answer", "microBatches",
                  "hold no answer marked 0 or 1; those of 2 only measure");
    const double kl = measure(batches, run);
    Sums sums;
    for (size_t i = 0; i < batches.size(); ++i) {
      run.check_stop();
      const std::vector<size_t> own = sequences_with(batches[i], false);
      if (own.empty()) continue;
      const MicroBatch batch = pick_sequences(batches[i], own);
      const std::vector<SequenceScore> reference = reference_.score(run.policy, batch);
      const int64_t count = run.policy.set_rows(batch);
      Pass pass = run.start(batch, i);
      run.timed(
          [&](Pass& p) {
            PassBuffers& b = run.policy.buffers();
            const Tensor rows = run.policy.decoder().forward(p, b, count);
            HeadLoss head;
            head.gradient = false;
            run.policy.decoder().loss(p, b, rows, head);
            const std::vector<SequenceScore> policy = run.policy.scores(batch, count);
            float* weights = b.head_weights.f32();
            for (size_t s = 0; s < own.size(); ++s) {
              const double ratio = reference[s].loss - policy[s].loss;
              const double slope = term(ratio, kl, batches[i].preference[own[s]] == 1, answers, sums);
              for (int64_t t = 0; t < policy[s].tokens; ++t) *weights++ = static_cast<float>(-slope * run.loss_scale);
            }
            return run.gradients ? run.policy.decoder().loss(p, b, rows) : Tensor{};
          },
          pass);
    }
    run.metrics["kl"] = kl;
    if (sums.desirable > 0) run.metrics["rewardChosen"] = sums.reward_desirable / sums.desirable;
    if (sums.undesirable > 0) run.metrics["rewardRejected"] = sums.reward_undesirable / sums.undesirable;
    if (sums.desirable > 0 && sums.undesirable > 0)
      run.metrics["rewardMargin"] = run.metrics["rewardChosen"] - run.metrics["rewardRejected"];
    return sums.loss;
  }

 private:
  struct Sums {
    double loss = 0, desirable = 0, undesirable = 0, reward_desirable = 0, reward_undesirable = 0;
  };

  // Mean log-ratio of the measuring sequences, at least 0; 0 without any.
  double measure(const std::vector<MicroBatch>& batches, ObjectiveRun& run) {
    double sum = 0, count = 0;
    for (const MicroBatch& whole : batches) {
      const std::vector<size_t> measuring = sequences_with(whole, true);
      if (measuring.empty()) continue;
      run.check_stop();
      const MicroBatch batch = pick_sequences(whole, measuring);
      const std::vector<SequenceScore> reference = reference_.score(run.policy, batch);
      const std::vector<SequenceScore> policy = run.policy.score(batch, true);
      for (size_t s = 0; s < policy.size(); ++s) sum += reference[s].loss - policy[s].loss;
      count += static_cast<double>(policy.size());
    }
    return count > 0 ? std::max(0.0, sum / count) : 0.0;
  }

  // Adds one answer's share of the loss; returns its gradient with respect to the policy's sum.
  double term(double ratio, double kl, bool desirable, double answers, Sums& sums) const {
    const double sign = desirable ? 1 : -1,
                 weight = (desirable ? config_.desirable_weight : config_.undesirable_weight) / answers;
    const double s = sigmoid(sign * config_.beta * (ratio - kl));
    sums.loss += weight * (1 - s);
    (desirable ? sums.desirable : sums.undesirable) += 1;
    (desirable ? sums.reward_desirable : sums.reward_undesirable) += config_.beta * ratio;
    return -weight * sign * config_.beta * s * (1 - s);
  }

  ObjectiveConfig config_;
  Reference reference_;
};

}  // namespace

std::unique_ptr<Objective> make_kto(const TrainingSpec& spec, Model& model) {
  return std::make_unique<Kto>(spec, model);
}

}  // namespace anneal
