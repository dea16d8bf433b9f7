// Distillation from a teacher in the same process, from the base without its adapter, or from the best
// log-probabilities of a file.
#include "core/error.h"
#include "ops/elementwise.h"
#include "train/frozen_model.h"
#include "train/objectives/losses.h"

namespace anneal {
namespace {

[[noreturn]] void refuse_reverse_kl() {
  refuse(
      "reverse_kl_of_best", "spec.objective.divergence",
      "is \"reverse_kl\", which needs every token's probability; use forward_kl or jsd with a file of the best ones");
}

class Distill final : public Objective {
 public:
  Distill(const TrainingSpec& spec, const Model& model) : spec_(spec), student_(model.config()) {
    const ObjectiveConfig& c = spec.objective;
    options_.precision = spec.precision();
    options_.divergence = c.divergence;
    options_.temperature = static_cast<float>(c.temperature);
    options_.jsd_beta = static_cast<float>(c.jsd_beta);
    options_.cross_entropy_weight = static_cast<float>(c.cross_entropy_weight);
    options_.student_cap = model.decoder->config().logit_soft_cap;
    options_.teacher_cap = options_.student_cap;
    if (c.teacher_top_k > 0) {
      if (c.teacher)
        refuse("given_beside", "spec.objective.teacherTopK", "is given beside {other}; leave one out",
               {{"other", "spec.objective.teacher"}});
      if (c.teacher_top_k > student_.vocab_size)
        refuse("k_above_vocabulary", "spec.objective.teacherTopK", "is {k}, the vocabulary has {vocabulary} tokens",
               {{"k", c.teacher_top_k}, {"vocabulary", student_.vocab_size}});
      if (c.divergence == Divergence::kReverseKl) refuse_reverse_kl();
    }
    if (!c.teacher) return;
    teacher_ = std::make_unique<FrozenModel>(*c.teacher, c.teacher_adapter, spec, "spec.objective.teacher");
    options_.teacher_cap = teacher_->soft_cap();
    if (teacher_->config().vocab_size != student_.vocab_size)
      throw Error(ErrorCode::kInvalidArgument, "teacher_vocabulary", "spec.objective.teacher",
                  "has a vocabulary of {teacher} tokens, the student has {student}; both must share one tokenizer",
                  {{"teacher", teacher_->config().vocab_size}, {"student", student_.vocab_size}});
  }

  void place(MemoryLayout& layout) override {
    if (teacher_) teacher_->place(layout);
    else if (spec_.lora && spec_.objective.teacher_top_k == 0)
      base_rows_ = layout.take(Part::kActivations, spec_.act(), {spec_.max_tokens, student_.hidden_size});
  }
  // One micro-batch's ids and log-probabilities, as JavaScript holds them and as the engine does.
  size_t batch_bytes() const override {
    return static_cast<size_t>(2 * spec_.max_tokens * spec_.objective.teacher_top_k) *
           (sizeof(int32_t) + sizeof(float));
  }
  size_t scratch_bytes(const Context& ctx) const override {
    const int64_t own_channels = spec_.objective.teacher_top_k > 0 ? 0 : student_.hidden_size;
    const int64_t channels = teacher_ ? teacher_->config().hidden_size : own_channels;
    const size_t own =
        distill_scratch_bytes(ctx, options_, spec_.max_tokens, student_.hidden_size, channels, student_.vocab_size);
    return teacher_ ? std::max(own, teacher_->scratch_bytes(ctx)) : own;
  }
  void load(Context& ctx) override {
    if (teacher_) teacher_->load(ctx);
  }

  void check(const MicroBatch& batch, const std::string& where) const override {
    if (batch.teacher_k > 0) {
      if (teacher_)
        throw Error(ErrorCode::kInvalidArgument, "given_beside", where + ".teacher",
                    "is given beside {other}; leave one out", {{"other", "spec.objective.teacher"}});
      if (options_.divergence == Divergence::kReverseKl) refuse_reverse_kl();
      if (spec_.objective.teacher_top_k > 0 && batch.teacher_k != spec_.objective.teacher_top_k)
        refuse("teacher_k_differs", where + ".teacher.k", "is {found}, spec.objective.teacherTopK is {wanted}",
               {{"found", batch.teacher_k}, {"wanted", spec_.objective.teacher_top_k}});
    } else if (spec_.objective.teacher_top_k > 0) {
      refuse("teacher_values_missing", where + ".teacher",
             "is missing: spec.objective.teacherTopK promises the teacher's best log-probabilities");
    } else if (!teacher_ && !spec_.lora) {
      throw Error(
          ErrorCode::kInvalidArgument, "teacher_missing_in_full_training", where + ".teacher",
          "is missing: full training without spec.objective.teacher learns from the micro-batches' log-probabilities");
    }
  }

  double accumulate(const std::vector<MicroBatch>& batches, ObjectiveRun& run) override {
    double weight = 0, nll = 0, divergence = 0;
    for (const MicroBatch& batch : batches) weight += supervised_weight(batch);
    if (!(weight > 0))
      throw Error(ErrorCode::kInvalidArgument, "all_weights_zero", "microBatches",
                  "every token that is trained has the weight 0");
    for (size_t i = 0; i < batches.size(); ++i) {
      run.check_stop();
      const MicroBatch& batch = batches[i];
      if (run.policy.set_rows(batch) == 0) continue;
      const TeacherRows teacher = teacher_rows(batch, run);
      const int64_t count = run.policy.set_rows(batch);
      run.policy.set_weights(batch, {static_cast<double>(run.loss_scale) / weight});
      Pass pass = run.start(batch, i);
      run.timed([&](Pass& p) { return forward(p, count, teacher, run); }, pass);
      run.policy.set_weights(batch, {1.0});
      const PassBuffers& b = run.policy.buffers();
      for (int64_t r = 0; r < count; ++r) {
        nll += static_cast<double>(b.head_weights.f32()[r]) * b.nll.f32()[r];
        divergence += static_cast<double>(b.head_weights.f32()[r]) * b.penalty.f32()[r];
      }
    }
    run.metrics["nll"] = nll / weight;
    run.metrics["divergence"] = divergence / weight;
    const double share = static_cast<double>(options_.cross_entropy_weight);
    return (share * nll + (1 - share) * divergence) / weight;
  }

 private:
  TeacherRows teacher_rows(const MicroBatch& batch, ObjectiveRun& run) {
    TeacherRows rows;
    if (batch.teacher_k > 0) {
      const Shape shape{static_cast<int64_t>(batch.teacher_ids.size()) / batch.teacher_k, batch.teacher_k};
      // Only read: a tensor has no other way to see foreign memory.
      rows.best_ids = {const_cast<int32_t*>(batch.teacher_ids.data()), DType::kI32, shape};
      rows.best_logprobs = {const_cast<float*>(batch.teacher_logprobs.data()), DType::kF32, shape};
      return rows;
    }
    Runner& runner = teacher_ ? teacher_->runner() : run.policy;
    PassBuffers& b = runner.buffers();
    const int64_t count = runner.set_rows(batch);
    Pass pass = runner.start(batch, PassMode::kForward);
    pass.adapters = teacher_ != nullptr;
    rows.hidden = runner.decoder().head_input(pass, b, runner.decoder().forward(pass, b, count));
    rows.head = runner.decoder().head_view();
    if (!teacher_) {
      // The student's own pass writes over these rows.
      const Tensor kept = first_rows(base_rows_, count);
      cast(run.policy.ctx(), rows.hidden, kept);
      rows.hidden = kept;
    }
    return rows;
  }

  Tensor forward(Pass& pass, int64_t count, const TeacherRows& teacher, ObjectiveRun& run) {
    PassBuffers& b = run.policy.buffers();
    const Decoder& decoder = run.policy.decoder();
    const Tensor rows = decoder.forward(pass, b, count);
    const Tensor normed = decoder.head_input(pass, b, rows);
    const Tensor dnormed = run.gradients ? first_rows(b.workspace.dnormed, count) : Tensor{};
    distill_head(pass.ctx, normed, decoder.head_view(), teacher, first_rows(b.head_targets, count),
                 first_rows(b.head_weights, count), first_rows(b.nll, count), first_rows(b.penalty, count),
                 first_rows(b.best, count), dnormed, run.gradients ? decoder.head_gradient() : Tensor{}, options_);
    return run.gradients ? decoder.head_backward(pass, b, rows) : Tensor{};
  }

  TrainingSpec spec_;
  ModelConfig student_;
  DistillOptions options_;
  std::unique_ptr<FrozenModel> teacher_;
  Tensor base_rows_;  // (N, C) act: the base's rows while the student runs
};

}  // namespace

std::unique_ptr<Objective> make_distill(const TrainingSpec& spec, const Model& model) {
  return std::make_unique<Distill>(spec, model);
}

}  // namespace anneal
