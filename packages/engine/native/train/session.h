// A model in memory with its optimizer. Not thread-safe: one engine thread calls it; only the stop flag is touched from
// outside.
#pragma once
#include <atomic>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/arena.h"
#include "io/file_writer.h"
#include "ops/context.h"
#include "train/loss_scale.h"
#include "train/model.h"
#include "train/objectives/objective.h"
#include "train/optimizers/optimizer.h"
#include "train/plan.h"
#include "train/runner.h"
#include "train/training_spec.h"

namespace anneal {

// An adapter's own rate and clipping.
struct AdapterStep {
  double learning_rate = 0;
  double clip_norm = 0;
};

struct AdapterResult {
  AdapterTotals totals;
  double grad_norm = 0;
};

struct StepOptions {
  double learning_rate = 0;
  double clip_norm = 0;                                       // 0 or infinity: no clipping
  int64_t step = 0;                                           // 0-based
  std::vector<AdapterStep> adapters;                          // of those side by side; empty: all as above
  double max_loss = std::numeric_limits<double>::infinity();  // a loss above it updates nothing
};

struct StepResult {
  double loss = 0;       // the objective's, before the update
  double grad_norm = 0;  // before clipping, of the unscaled gradient
  std::map<std::string, double> metrics;
  std::vector<AdapterResult> adapters;  // of those side by side
  double loss_scale = 1;
  bool skipped = false;  // the scaled gradient overflowed; nothing was updated
  int64_t supervised_tokens = 0;
  int64_t tokens = 0;
  double forward_seconds = 0, backward_seconds = 0, optimizer_seconds = 0, seconds = 0;
};

struct Evaluation {
  double loss_sum = 0;
  int64_t supervised_tokens = 0;
  std::vector<SequenceScore> sequences;
  std::vector<float> token_logprobs;  // of supervised tokens, in order
};

// (Ns, k) ids and natural log-probabilities, most likely first.
struct BestTokens {
  std::vector<int32_t> ids;
  std::vector<float> logprobs;
};

class Session {
 public:
  // Plans, checks the budget, takes the memory and loads the weights.
  explicit Session(const TrainingSpec& spec);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const TrainingSpec& spec() const { return spec_; }
  const MemoryPlan& plan() const { return plan_; }
  Model& model() { return model_; }
  ThreadPool& pool() { return pool_; }
  const ModelConfig& config() const { return model_.config(); }

  // One optimizer step of the objective over all micro-batches together. Throws kStopped before anything changed,
  // kNumeric when the gradient is not finite (nothing changed either; with a loss scale the step is skipped first),
  // kInvalidArgument for bad batches.
  StepResult step(const std::vector<MicroBatch>& batches, const StepOptions& options);
  // Leaves the gradients of the objective in the parameters.
  StepResult gradients(const std::vector<MicroBatch>& batches);
  // The objective's loss and metrics alone.
  StepResult measure(const std::vector<MicroBatch>& batches);
  Evaluation evaluate(const std::vector<MicroBatch>& batches, bool adapters, bool token_logprobs);
  // (positions.size(), V) row-major; positions index the batch's tokens.
  std::vector<float> logits(const MicroBatch& batch, const std::vector<int32_t>& positions);
  // The base's k best next tokens before each supervised token, in order, without the adapter; 1 <= k <= V.
  BestTokens best_tokens(const MicroBatch& batch, int64_t k);

  // Trained weights, the optimizer's state, the loss scale and the next step, in one safetensors file.
  SavedFile save_state(const std::string& path);
  // Returns the next step. Nothing changes unless the whole file fits this session.
  int64_t load_state(const std::string& path);

  void request_stop() { stop_.store(true, std::memory_order_release); }
  void clear_stop() { stop_.store(false, std::memory_order_release); }
  bool stop_requested() const { return stop_.load(std::memory_order_acquire); }
  // Throws kStopped when a stop was requested.
  void check_stop() const;

  // Memory that training passes use and that holds nothing between two calls, lent to a generation; `scratch` too.
  class Idle {
   public:
    explicit Idle(Session& session)
        : session_(session),
          begin_(session.arena_->at(session.buffers_begin_)),
          bytes_(session.arena_->used_bytes() - session.buffers_begin_) {}
    ~Idle() { session_.model_.decoder->fill_rope(session_.buffers_); }  // the only content that stays
    Idle(const Idle&) = delete;
    Idle& operator=(const Idle&) = delete;
    std::byte* begin() const { return begin_; }
    size_t bytes() const { return bytes_; }
    Arena& scratch() const { return *session_.scratch_; }

   private:
    Session& session_;
    std::byte* begin_;
    size_t bytes_;
  };

  // Gives the system what holds nothing between two calls, until training goes on: for another model beside this one.
  void release_idle_memory() {
    const Idle idle(*this);
    arena_->release_pages(buffers_begin_);
    scratch_->release_pages(0);
  }

  uint64_t arena_peak_bytes() const { return arena_->peak_bytes() + scratch_->peak_bytes() + extra_peak_bytes_; }
  // Memory outside the plan taken by a generation, for the peak.
  void note_extra_bytes(uint64_t bytes) { extra_peak_bytes_ = bytes > extra_peak_bytes_ ? bytes : extra_peak_bytes_; }

 private:
  void check(const std::vector<MicroBatch>& batches) const;
  double accumulate(const std::vector<MicroBatch>& batches, int64_t step, bool gradients, double loss_scale,
                    StepResult& result);
  void update(const StepOptions& options, const std::vector<double>& grad_norms, const std::vector<bool>& trains_now,
              double loss_scale);
  // What depends on trained weights and is kept beside them.
  void weights_changed();

  TrainingSpec spec_;
  std::atomic<bool> stop_{false};
  ThreadPool pool_;
  Model model_;
  std::unique_ptr<Objective> objective_;
  std::unique_ptr<Optimizer> optimizer_;
  MemoryPlan plan_;
  std::unique_ptr<Arena> arena_;
  std::unique_ptr<Arena> scratch_;
  std::unique_ptr<Context> ctx_;
  size_t buffers_begin_ = 0;  // their place in the arena, behind everything that lasts
  PassBuffers buffers_;
  std::unique_ptr<Runner> runner_;
  std::vector<Tensor> gradients_;
  std::vector<std::vector<Tensor>> adapter_gradients_;  // the same by adapter
  std::optional<RouterBalance> balance_;
  LossScale loss_scale_;
  int64_t next_step_ = 0;
  uint64_t extra_peak_bytes_ = 0;
};

}  // namespace anneal
