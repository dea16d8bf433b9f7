#include "train/objectives/losses.h"

#include "core/error.h"

namespace anneal {
namespace {

class Sft final : public Objective {
 public:
  explicit Sft(const ObjectiveConfig& c)
      : loss_{static_cast<float>(c.label_smoothing), static_cast<float>(c.z_loss), true} {}

  void check(const MicroBatch&, const std::string&) const override {}

  double accumulate(const std::vector<MicroBatch>& batches, ObjectiveRun& run) override {
    double weight = 0, nll = 0, penalty = 0;
    for (const MicroBatch& batch : batches) weight += supervised_weight(batch);
    if (!(weight > 0)) throw Error(ErrorCode::kInvalidArgument, "microBatches", "every token that is trained has the weight 0");
    for (size_t i = 0; i < batches.size(); ++i) {
      run.check_stop();
      const MicroBatch& batch = batches[i];
      const int64_t count = run.policy.set_rows(batch);
      if (count == 0) continue;
      run.policy.set_weights(batch, static_cast<float>(run.loss_scale / weight));
      Pass pass = run.start(batch, i);
      run.timed(
          [&](Pass& p) {
            PassBuffers& b = run.policy.buffers();
            const Tensor stream = run.policy.decoder().forward(p, b);
            return run.policy.decoder().loss(p, b, stream, count, loss_);
          },
          pass);
      run.policy.set_weights(batch, 1.0f);
      const PassBuffers& b = run.policy.buffers();
      for (int64_t r = 0; r < count; ++r) {
        nll += static_cast<double>(b.head_weights.f32()[r]) * b.nll.f32()[r];
        penalty += static_cast<double>(b.head_weights.f32()[r]) * b.penalty.f32()[r];
      }
    }
    run.metrics["nll"] = nll / weight;
    return (nll + penalty) / weight;
  }

 private:
  HeadLoss loss_;
};

}  // namespace

std::unique_ptr<Objective> make_sft(const TrainingSpec& spec, const Model&) { return std::make_unique<Sft>(spec.objective); }

}  // namespace anneal
