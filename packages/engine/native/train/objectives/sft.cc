#include "train/objectives/losses.h"

#include "core/error.h"

namespace anneal {
namespace {

class Sft final : public Objective {
 public:
  explicit Sft(const ObjectiveConfig& c)
      : loss_{static_cast<float>(c.label_smoothing), static_cast<float>(c.z_loss), true} {}

  void check(const MicroBatch&, const std::string&) const override {}

  // Every adapter's loss is the mean over its own tokens, as if it trained alone; the step's loss is the mean of
  // theirs.
  double accumulate(const std::vector<MicroBatch>& batches, ObjectiveRun& run) override {
    const size_t adapters = run.adapters.size();
    std::vector<double> weight(adapters), factors(adapters), nll(adapters), penalty(adapters);
    for (const MicroBatch& batch : batches)
      for_each_supervised(batch, [&](int32_t t, int64_t s) {
        weight[static_cast<size_t>(batch.adapter_of(s))] += static_cast<double>(batch.weight(t));
        run.adapters[static_cast<size_t>(batch.adapter_of(s))].supervised_tokens += 1;
      });
    for (size_t k = 0; k < adapters; ++k) {
      if (run.adapters[k].supervised_tokens > 0 && !(weight[k] > 0))
        throw Error(ErrorCode::kInvalidArgument, "all_weights_zero", "microBatches",
                    "every token that is trained has the weight 0");
      factors[k] = weight[k] > 0 ? static_cast<double>(run.loss_scale) / weight[k] : 0.0;
    }
    for (size_t i = 0; i < batches.size(); ++i) {
      run.check_stop();
      for (int64_t s = 0; s < batches[i].sequences(); ++s)
        run.adapters[static_cast<size_t>(batches[i].adapter_of(s))].tokens +=
            batches[i].offsets[static_cast<size_t>(s) + 1] - batches[i].offsets[static_cast<size_t>(s)];
      const MicroBatch batch = trained_part(batches[i]);
      const int64_t count = batch.tokens.empty() ? 0 : run.policy.set_rows(batch);
      if (count == 0) continue;
      run.policy.set_weights(batch, factors);
      Pass pass = run.start(batch, i);
      run.timed(
          [&](Pass& p) {
            PassBuffers& b = run.policy.buffers();
            return run.policy.decoder().loss(p, b, run.policy.decoder().forward(p, b, count), loss_);
          },
          pass);
      const PassBuffers& b = run.policy.buffers();
      int64_t r = 0;
      for_each_supervised(batch, [&](int32_t t, int64_t s) {
        const auto k = static_cast<size_t>(batch.adapter_of(s));
        nll[k] += static_cast<double>(batch.weight(t)) * static_cast<double>(b.nll.f32()[r]);
        penalty[k] += static_cast<double>(batch.weight(t)) * static_cast<double>(b.penalty.f32()[r++]);
      });
    }
    double loss = 0, plain = 0, trained = 0;
    for (size_t k = 0; k < adapters; ++k) {
      if (!(weight[k] > 0)) continue;
      run.adapters[k].loss = (nll[k] + penalty[k]) / weight[k];
      loss += run.adapters[k].loss;
      plain += nll[k] / weight[k];
      trained += 1;
    }
    run.metrics["nll"] = plain / trained;
    return loss / trained;
  }

 private:
  HeadLoss loss_;
};

}  // namespace

std::unique_ptr<Objective> make_sft(const TrainingSpec& spec, const Model&) {
  return std::make_unique<Sft>(spec.objective);
}

}  // namespace anneal
