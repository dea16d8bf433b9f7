#include "train/session.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "ops/elementwise.h"
#include "ops/optimizer/gradient_norm.h"
#include "ops/sampling.h"
#include "train/stopwatch.h"

namespace anneal {
namespace {

std::string batch_name(size_t i) { return "microBatches[" + std::to_string(i) + "]"; }

// Stochastic rounding draws from its own streams, away from the dropout of linears, which count micro-batches up from
// 0.
uint32_t rounding_stream(uint32_t parameter) { return 0x80000000u | parameter; }

RouterBalanceConfig balance_config(const ModelConfig& c, double weight) {
  const auto sparse = std::count_if(c.sparse.begin(), c.sparse.end(), [](uint8_t experts) { return experts != 0; });
  return {c.moe.experts, c.moe.experts_per_token, c.layers, sparse, c.moe.balance_by_sequence, weight};
}

}  // namespace

Session::Session(const TrainingSpec& spec)
    : spec_(spec),
      pool_(spec.threads),
      model_(open_model(spec)),
      objective_(make_objective(spec, model_)),
      optimizer_(make_optimizer(spec.optimizer)),
      plan_(plan_session(model_, *objective_, spec, pool_)) {
  arena_ = std::make_unique<Arena>(plan_.arena_bytes);
  scratch_ = std::make_unique<Arena>(plan_.scratch_bytes);
  ctx_ = std::make_unique<Context>(Context{pool_, *scratch_, spec_.isa});
  MemoryLayout layout(*arena_);
  place_state(model_, *objective_, spec_, layout);
  buffers_begin_ = arena_->mark();
  buffers_ = place_buffers(model_, spec_, layout);
  runner_ = std::make_unique<Runner>(*ctx_, *model_.decoder, buffers_, spec_);
  model_.decoder->fill_rope(buffers_);
  adapter_gradients_.resize(std::max<size_t>(1, spec_.adapters.size()));
  for (const Parameter& p : model_.parameters.all()) {
    if (!p.trainable) continue;
    gradients_.push_back(p.grad);
    adapter_gradients_[static_cast<size_t>(p.adapter_index)].push_back(p.grad);
  }
  load_weights(model_, spec_, pool_);
  start_dora(model_, spec_, *ctx_);
  objective_->load(*ctx_);
  if (spec_.router_aux_weight > 0) balance_.emplace(balance_config(config(), spec_.router_aux_weight));
}

void Session::check_stop() const {
  if (stop_requested())
    throw Error(ErrorCode::kStopped, "stop_requested", "session",
                "a stop was requested; the state is as before the call");
}

void Session::check(const std::vector<MicroBatch>& batches) const {
  if (batches.empty()) throw Error(ErrorCode::kInvalidArgument, "empty", "microBatches", "is empty");
  if (batches.size() > 32767)
    throw Error(ErrorCode::kInvalidArgument, "too_many_micro_batches", "microBatches", "holds more than 32767");
  for (size_t i = 0; i < batches.size(); ++i)
    check_micro_batch(batches[i], spec_, model_.config().vocab_size, batch_name(i));
}

double Session::accumulate(const std::vector<MicroBatch>& batches, int64_t step, bool gradients, double loss_scale,
                           StepResult& result) {
  check(batches);
  for (size_t i = 0; i < batches.size(); ++i) {
    objective_->check(batches[i], batch_name(i));
    result.supervised_tokens += count_supervised(batches[i]);
    result.tokens += static_cast<int64_t>(batches[i].tokens.size());
  }
  if (result.supervised_tokens == 0)
    throw Error(ErrorCode::kInvalidArgument, "no_trained_token", "microBatches",
                "no token is trained: every label is -100, or only first tokens of sequences carry one");
  check_stop();
  if (gradients)
    for (const Tensor& g : gradients_) fill_zero(*ctx_, g);
  ObjectiveRun run{*runner_, [this] { check_stop(); }, step, gradients, static_cast<float>(loss_scale)};
  run.adapters.resize(adapter_gradients_.size());
  if (balance_) {
    run.balance = &*balance_;
    std::vector<MicroBatch> parts;
    for (const MicroBatch& batch : batches) parts.push_back(objective_->trained_part(batch));
    run.start_balance(parts);
  }
  double loss = objective_->accumulate(batches, run);
  if (balance_) {
    // As the objective's: the step's is the mean of the adapters'.
    double weighted = 0, trained = 0;
    for (size_t k = 0; k < run.adapters.size(); ++k) {
      if (!balance_->trains(k)) continue;
      run.adapters[k].loss += balance_->weighted_loss(k);
      run.adapters[k].router_aux = balance_->loss(k);
      weighted += balance_->weighted_loss(k);
      trained += 1;
    }
    loss += weighted / trained;
    run.metrics["routerAux"] = balance_->mean_loss();
    run.metrics["expertLoadMax"] = balance_->busiest();
    run.metrics["expertLoadMin"] = balance_->idlest();
  }
  for (const AdapterTotals& totals : run.adapters) result.adapters.push_back({totals, 0.0});
  result.metrics = std::move(run.metrics);
  result.forward_seconds = run.forward_seconds;
  result.backward_seconds = run.backward_seconds;
  return loss;
}

void Session::update(const StepOptions& options, const std::vector<double>& grad_norms,
                     const std::vector<bool>& trains_now, double loss_scale) {
  // torch.nn.utils.clip_grad_norm_: the small constant is part of the peer's definition.
  const auto clip_factor = [&](size_t adapter) {
    const double limit = options.adapters.empty() ? options.clip_norm : options.adapters[adapter].clip_norm;
    return limit > 0 && std::isfinite(limit) ? std::min(1.0, limit / (grad_norms[adapter] + 1e-6)) : 1.0;
  };
  UpdateOptions u;
  u.step = options.step + 1;
  std::vector<uint32_t> drawn(
      adapter_gradients_.size());  // parameters of each adapter so far: it draws as it would alone
  for (Parameter& p : model_.parameters.all()) {
    if (!p.trainable) continue;
    const auto adapter = static_cast<size_t>(p.adapter_index);
    // An adapter whose data is not in this step rests: momentum alone would move it.
    if (adapter_gradients_.size() > 1 && !trains_now[adapter]) continue;
    const double rate = options.adapters.empty() ? options.learning_rate : options.adapters[adapter].learning_rate;
    u.learning_rate = static_cast<float>(rate * static_cast<double>(p.rate_factor));
    u.gradient_scale = static_cast<float>(clip_factor(adapter) / loss_scale);
    u.weight_decay = p.is_matrix() ? static_cast<float>(spec_.optimizer.weight_decay) : 0.0f;
    UpdateTarget target;
    target.weights = p.master ? p.master : p.value;
    if (p.has_own_master()) target.copy = p.value;
    const uint64_t seed = spec_.adapters.empty() ? spec_.seed : spec_.adapters[adapter].seed;
    target.rounding = {seed, static_cast<uint32_t>(options.step), rounding_stream(drawn[adapter]++)};
    optimizer_->update(*ctx_, p, target, u);
  }
  weights_changed();
}

void Session::weights_changed() {
  model_.decoder->for_each_linear([&](Linear& linear) {
    if (linear.magnitude()) linear.refresh_dora(*ctx_);
  });
}

StepResult Session::step(const std::vector<MicroBatch>& batches, const StepOptions& options) {
  if (!options.adapters.empty() && options.adapters.size() != spec_.adapters.size())
    throw Error(ErrorCode::kInvalidArgument, "adapter_entries", "request.adapters",
                "holds {entries} entries, the session has {adapters} adapters",
                {{"entries", options.adapters.size()}, {"adapters", spec_.adapters.size()}});
  StepResult result;
  Stopwatch total, watch;
  const bool scaled = spec_.numbers == Precision::kF16;
  result.loss_scale = scaled ? loss_scale_.value : 1.0;
  result.loss = accumulate(batches, options.step, true, result.loss_scale, result);
  watch.lap();
  std::vector<double> norms;
  std::vector<bool> trains_now;
  double squares = 0;
  for (size_t k = 0; k < adapter_gradients_.size(); ++k) {
    norms.push_back(gradient_norm(*ctx_, adapter_gradients_[k]) / result.loss_scale);
    result.adapters[k].grad_norm = norms.back();
    squares += norms.back() * norms.back();
    trains_now.push_back(result.adapters[k].totals.supervised_tokens > 0);
  }
  result.grad_norm = norms.size() == 1 ? norms[0] : std::sqrt(squares);
  const auto refuse_step = [&](Cause problem) {
    throw Error(ErrorCode::kNumeric, "step_not_finite", "step",
                "{problem} at step {step}; nothing was updated. Lower the learning rate, or leave the batch out",
                {{"problem", std::move(problem)}, {"step", options.step}});
  };
  const Cause not_finite{"loss_or_gradient_not_finite", "loss or gradient is not finite"};
  if (!std::isfinite(result.loss)) refuse_step(not_finite);
  if (!std::isfinite(result.grad_norm)) {
    if (!scaled) refuse_step(not_finite);
    if (!loss_scale_.overflowed())
      refuse_step(Cause{"gradient_not_finite_at_any_scale", "the gradient is not finite at any loss scale"});
    result.skipped = true;
  }
  if (result.loss > options.max_loss)
    throw Error(ErrorCode::kNumeric, "loss_above_limit", "step",
                "the loss {loss} at step {step} is above {limit}; nothing was updated",
                {{"loss", result.loss}, {"step", options.step}, {"limit", options.max_loss}});
  check_stop();
  if (!result.skipped) {
    update(options, norms, trains_now, result.loss_scale);
    if (scaled) loss_scale_.succeeded();
  }
  next_step_ = options.step + 1;
  result.optimizer_seconds = watch.lap();
  result.seconds = total.lap();
  return result;
}

StepResult Session::gradients(const std::vector<MicroBatch>& batches) {
  StepResult result;
  result.loss_scale = spec_.numbers == Precision::kF16 ? loss_scale_.value : 1.0;
  result.loss = accumulate(batches, next_step_, true, result.loss_scale, result);
  if (result.loss_scale != 1.0)
    for (const Tensor& g : gradients_) scale(*ctx_, g, static_cast<float>(1.0 / result.loss_scale));
  return result;
}

StepResult Session::measure(const std::vector<MicroBatch>& batches) {
  StepResult result;
  result.loss = accumulate(batches, next_step_, false, 1.0, result);
  return result;
}

Evaluation Session::evaluate(const std::vector<MicroBatch>& batches, bool adapters, bool token_logprobs) {
  check(batches);
  Evaluation result;
  for (const MicroBatch& batch : batches) {
    check_stop();
    for (const SequenceScore& score : runner_->score(batch, adapters)) {
      result.loss_sum += score.loss;
      result.supervised_tokens += score.tokens;
      result.sequences.push_back(score);
    }
    const int64_t count = count_supervised(batch);
    if (token_logprobs)
      for (int64_t r = 0; r < count; ++r) result.token_logprobs.push_back(-buffers_.nll.f32()[r]);
  }
  return result;
}

std::vector<float> Session::logits(const MicroBatch& batch, const std::vector<int32_t>& positions) {
  check_micro_batch(batch, spec_, config().vocab_size, "microBatch");
  const auto n = static_cast<int32_t>(batch.tokens.size());
  if (positions.size() > batch.tokens.size())
    throw Error(ErrorCode::kInvalidArgument, "too_many_positions", "positions",
                "holds more values than the batch has tokens");
  for (size_t i = 0; i < positions.size(); ++i)
    if (positions[i] < 0 || positions[i] >= n)
      throw Error(ErrorCode::kInvalidArgument, "position_outside_batch", "positions[" + std::to_string(i) + "]",
                  "is {position}, the batch has {tokens} tokens", {{"position", positions[i]}, {"tokens", n}});
  const auto count = static_cast<int64_t>(positions.size());
  const int64_t vocab = config().vocab_size;
  std::vector<float> values(positions.size() * static_cast<size_t>(vocab));
  if (count == 0) return values;
  Pass pass = runner_->start(batch, PassMode::kForward);
  std::memcpy(buffers_.head_rows.data, positions.data(), positions.size() * sizeof(int32_t));
  model_.decoder->logits(pass, buffers_, model_.decoder->forward(pass, buffers_, count),
                         Tensor{values.data(), DType::kF32, {count, vocab}});
  return values;
}

BestTokens Session::best_tokens(const MicroBatch& batch, int64_t k) {
  check_micro_batch(batch, spec_, config().vocab_size, "microBatch");
  const int64_t vocab = config().vocab_size;
  if (k < 1 || k > vocab)
    throw Error(ErrorCode::kInvalidArgument, "k_above_vocabulary", "k",
                "is {k}, the vocabulary has {vocabulary} tokens", {{"k", k}, {"vocabulary", vocab}});
  const int64_t count = count_supervised(batch);
  BestTokens best;
  best.ids.resize(static_cast<size_t>(count * k));
  best.logprobs.resize(best.ids.size());
  if (count == 0) return best;
  check_stop();
  runner_->set_rows(batch);
  Pass pass = runner_->start(batch, PassMode::kForward);
  pass.adapters = false;
  const Tensor rows = model_.decoder->forward(pass, buffers_, count);
  constexpr int64_t kLogitBytes = int64_t{32} << 20;
  const int64_t chunk = std::clamp<int64_t>(kLogitBytes / (4 * vocab), 1, count);
  std::vector<float> logits(static_cast<size_t>(chunk * vocab));
  note_extra_bytes(logits.size() * sizeof(float) + best.ids.size() * (sizeof(int32_t) + sizeof(float)));
  for (int64_t begin = 0; begin < count; begin += chunk) {
    const int64_t n = std::min(chunk, count - begin);
    const Tensor part{logits.data(), DType::kF32, {n, vocab}};
    model_.decoder->logits(pass, buffers_, token_rows(rows, {0, begin, begin + n}), part);
    best_log_probabilities(*ctx_, part, {best.ids.data() + begin * k, DType::kI32, {n, k}},
                           {best.logprobs.data() + begin * k, DType::kF32, {n, k}});
  }
  return best;
}

}  // namespace anneal
