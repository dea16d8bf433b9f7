#include "train/session.h"

#include <chrono>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "ops/elementwise.h"
#include "ops/optimizer.h"

namespace anneal {
namespace {

class Stopwatch {
 public:
  // Seconds since the last call or construction.
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    return seconds;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

std::string batch_name(size_t i) { return "microBatches[" + std::to_string(i) + "]"; }

int64_t check_batches(const std::vector<MicroBatch>& batches, const TrainingSpec& spec, int64_t vocab) {
  if (batches.empty()) throw Error(ErrorCode::kInvalidArgument, "microBatches", "is empty");
  if (batches.size() > 65535) throw Error(ErrorCode::kInvalidArgument, "microBatches", "holds more than 65535");
  int64_t supervised = 0;
  for (size_t i = 0; i < batches.size(); ++i) {
    check_micro_batch(batches[i], spec, vocab, batch_name(i));
    supervised += count_supervised(batches[i]);
  }
  return supervised;
}

}  // namespace

Session::Session(const TrainingSpec& spec)
    : spec_(spec), pool_(spec.threads), model_(open_model(spec)), plan_(plan_session(model_, spec, pool_)) {
  arena_ = std::make_unique<Arena>(plan_.arena_bytes);
  scratch_ = std::make_unique<Arena>(plan_.scratch_bytes);
  ctx_ = std::make_unique<Context>(Context{pool_, *scratch_, spec_.isa});
  MemoryLayout layout(*arena_);
  buffers_ = place_session(model_, spec_, layout);
  model_.decoder->fill_rope(buffers_);
  for (const Parameter& p : model_.parameters.all())
    if (p.trainable) gradients_.push_back(p.grad);
  load_weights(model_, spec_, pool_);
}

void Session::check_stop() const {
  if (stop_requested()) throw Error(ErrorCode::kStopped, "session", "a stop was requested; the state is as before the call");
}

Pass Session::start_pass(const MicroBatch& batch, PassMode mode) {
  const auto n = static_cast<int64_t>(batch.tokens.size());
  const auto boundaries = static_cast<int64_t>(batch.offsets.size());
  Pass pass(*ctx_);
  pass.mode = mode;
  pass.precision = spec_.precision();
  pass.tokens = n;
  pass.token_ids = first_rows(buffers_.token_ids, n);
  pass.positions = first_rows(buffers_.positions, n);
  pass.offsets = first_rows(buffers_.offsets, boundaries);
  pass.ropes = buffers_.ropes;
  pass.seed = spec_.seed;
  std::memcpy(pass.token_ids.data, batch.tokens.data(), batch.tokens.size() * sizeof(int32_t));
  std::memcpy(pass.offsets.data, batch.offsets.data(), batch.offsets.size() * sizeof(int32_t));
  int32_t* positions = pass.positions.as<int32_t>();
  for (size_t s = 0; s + 1 < batch.offsets.size(); ++s)
    for (int32_t t = batch.offsets[s]; t < batch.offsets[s + 1]; ++t) positions[t] = t - batch.offsets[s];
  return pass;
}

// The token at t is predicted by row t - 1 of its sequence.
int64_t Session::set_supervised_rows(const MicroBatch& batch, float weight) {
  int32_t* rows = buffers_.head_rows.as<int32_t>();
  int32_t* targets = buffers_.head_targets.as<int32_t>();
  float* weights = buffers_.head_weights.f32();
  int64_t count = 0;
  for (size_t s = 0; s + 1 < batch.offsets.size(); ++s) {
    for (int32_t t = batch.offsets[s] + 1; t < batch.offsets[s + 1]; ++t) {
      const int32_t label = batch.labels[static_cast<size_t>(t)];
      if (label == kIgnoreLabel) continue;
      rows[count] = t - 1;
      targets[count] = label;
      weights[count++] = weight;
    }
  }
  return count;
}

void Session::zero_gradients() {
  for (const Tensor& g : gradients_) fill_zero(*ctx_, g);
}

double Session::accumulate(const std::vector<MicroBatch>& batches, int64_t step, StepResult& result) {
  const int64_t supervised = check_batches(batches, spec_, config().vocab_size);
  if (supervised == 0)
    throw Error(ErrorCode::kInvalidArgument, "microBatches",
                "no token is trained: every label is -100, or only first tokens of sequences carry one");
  check_stop();
  zero_gradients();
  const float weight = 1.0f / static_cast<float>(supervised);
  double loss_sum = 0;
  Stopwatch watch;
  for (size_t i = 0; i < batches.size(); ++i) {
    check_stop();
    result.tokens += static_cast<int64_t>(batches[i].tokens.size());
    const int64_t count = set_supervised_rows(batches[i], weight);
    if (count == 0) continue;
    Pass pass = start_pass(batches[i], PassMode::kTrain);
    pass.step = static_cast<uint32_t>(step);
    pass.micro_batch = static_cast<uint32_t>(i);
    watch.lap();
    const Tensor stream = model_.decoder->forward(pass, buffers_);
    const Tensor dstream = model_.decoder->loss(pass, buffers_, stream, count);
    result.forward_seconds += watch.lap();
    model_.decoder->backward(pass, buffers_, dstream);
    result.backward_seconds += watch.lap();
    const float* nll = buffers_.nll.f32();
    for (int64_t r = 0; r < count; ++r) loss_sum += static_cast<double>(nll[r]);
  }
  result.supervised_tokens = supervised;
  return loss_sum / static_cast<double>(supervised);
}

void Session::update(const StepOptions& options, double grad_norm) {
  AdamWOptions adam;
  adam.learning_rate = static_cast<float>(options.learning_rate);
  adam.beta1 = static_cast<float>(spec_.optimizer.beta1);
  adam.beta2 = static_cast<float>(spec_.optimizer.beta2);
  adam.epsilon = static_cast<float>(spec_.optimizer.epsilon);
  adam.step = options.step + 1;
  // torch.nn.utils.clip_grad_norm_: the small constant is part of the peer's definition.
  const bool clips = options.clip_norm > 0 && std::isfinite(options.clip_norm);
  const double factor = clips ? options.clip_norm / (grad_norm + 1e-6) : 1.0;
  adam.gradient_scale = factor < 1.0 ? static_cast<float>(factor) : 1.0f;
  for (Parameter& p : model_.parameters.all()) {
    if (!p.trainable) continue;
    adam.weight_decay = p.is_matrix() ? static_cast<float>(spec_.optimizer.weight_decay) : 0.0f;
    adamw(*ctx_, p.master, p.grad, p.moment1, p.moment2, p.has_own_master() ? p.value : Tensor{}, adam);
  }
}

StepResult Session::step(const std::vector<MicroBatch>& batches, const StepOptions& options) {
  StepResult result;
  Stopwatch total, watch;
  result.loss = accumulate(batches, options.step, result);
  watch.lap();
  result.grad_norm = gradient_norm(*ctx_, gradients_);
  if (!std::isfinite(result.grad_norm) || !std::isfinite(result.loss))
    throw Error(ErrorCode::kNumeric, "step",
                "loss or gradient is not finite at step " + std::to_string(options.step) +
                    "; nothing was updated. Lower the learning rate, or leave the batch out");
  if (result.loss > options.max_loss)
    throw Error(ErrorCode::kNumeric, "step",
                "the loss " + std::to_string(result.loss) + " at step " + std::to_string(options.step) + " is above " +
                    std::to_string(options.max_loss) + "; nothing was updated");
  check_stop();
  update(options, result.grad_norm);
  next_step_ = options.step + 1;
  result.optimizer_seconds = watch.lap();
  result.seconds = total.lap();
  return result;
}

double Session::gradients(const std::vector<MicroBatch>& batches) {
  StepResult unused;
  return accumulate(batches, next_step_, unused);
}

Evaluation Session::evaluate(const std::vector<MicroBatch>& batches, bool adapters, bool token_logprobs) {
  check_batches(batches, spec_, config().vocab_size);
  Evaluation result;
  for (const MicroBatch& batch : batches) {
    check_stop();
    const int64_t count = set_supervised_rows(batch, 0.0f);
    if (count > 0) {
      Pass pass = start_pass(batch, PassMode::kForward);
      pass.adapters = adapters;
      const Tensor stream = model_.decoder->forward(pass, buffers_);
      model_.decoder->loss(pass, buffers_, stream, count);
    }
    const float* nll = buffers_.nll.f32();
    const int32_t* best = buffers_.best.as<int32_t>();
    const int32_t* rows = buffers_.head_rows.as<int32_t>();
    const int32_t* targets = buffers_.head_targets.as<int32_t>();
    int64_t r = 0;
    for (size_t s = 0; s + 1 < batch.offsets.size(); ++s) {
      SequenceScore score;
      for (; r < count && rows[r] < batch.offsets[s + 1]; ++r) {
        score.loss += static_cast<double>(nll[r]);
        score.tokens += 1;
        score.correct += best[r] == targets[r];
        if (token_logprobs) result.token_logprobs.push_back(-nll[r]);
      }
      result.loss_sum += score.loss;
      result.supervised_tokens += score.tokens;
      result.sequences.push_back(score);
    }
  }
  return result;
}

std::vector<float> Session::logits(const MicroBatch& batch, const std::vector<int32_t>& positions) {
  check_micro_batch(batch, spec_, config().vocab_size, "microBatch");
  const auto n = static_cast<int32_t>(batch.tokens.size());
  if (positions.size() > batch.tokens.size())
    throw Error(ErrorCode::kInvalidArgument, "positions", "holds more values than the batch has tokens");
  for (size_t i = 0; i < positions.size(); ++i)
    if (positions[i] < 0 || positions[i] >= n)
      throw Error(ErrorCode::kInvalidArgument, "positions[" + std::to_string(i) + "]",
                  "is " + std::to_string(positions[i]) + ", the batch has " + std::to_string(n) + " tokens");
  const auto count = static_cast<int64_t>(positions.size());
  const int64_t vocab = config().vocab_size;
  std::vector<float> values(positions.size() * static_cast<size_t>(vocab));
  if (count == 0) return values;
  Pass pass = start_pass(batch, PassMode::kForward);
  const Tensor stream = model_.decoder->forward(pass, buffers_);
  std::memcpy(buffers_.head_rows.data, positions.data(), positions.size() * sizeof(int32_t));
  model_.decoder->logits(pass, buffers_, stream, count, Tensor{values.data(), DType::kF32, {count, vocab}});
  return values;
}

}  // namespace anneal
