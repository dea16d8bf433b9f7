#include "train/objectives/objective.h"

#include <set>

#include "train/stopwatch.h"

namespace anneal {

Pass ObjectiveRun::start(const MicroBatch& batch, size_t i) {
  Pass pass = policy.start(batch, gradients ? PassMode::kTrain : PassMode::kForward);
  pass.step = static_cast<uint32_t>(step);
  pass.micro_batch = static_cast<uint32_t>(i);
  pass.balance = balance;
  return pass;
}

void ObjectiveRun::start_balance(const std::vector<MicroBatch>& parts) {
  Stopwatch watch;
  int64_t batches = 0;
  std::vector<BalanceShare> shares(adapters.size());
  for (const MicroBatch& part : parts) {
    if (part.tokens.empty()) continue;
    for (int64_t s = 0; s < part.sequences(); ++s) {
      BalanceShare& share = shares[static_cast<size_t>(part.adapter_of(s))];
      share.tokens += part.offsets[static_cast<size_t>(s) + 1] - part.offsets[static_cast<size_t>(s)];
      share.sequences += 1;
    }
    batches += 1;
  }
  balance->begin(shares, static_cast<double>(loss_scale));
  if (!gradients || batches < 2 || !balance->needs_whole_step()) return;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].tokens.empty()) continue;
    check_stop();
    Pass pass = start(parts[i], i);
    balance->start_forward();
    policy.decoder().forward(pass, policy.buffers(), 0);
  }
  balance->keep_choices();
  forward_seconds += watch.lap();
}

void ObjectiveRun::timed(const std::function<Tensor(Pass&)>& forward, Pass& pass) {
  Stopwatch watch;
  if (balance) balance->start_forward();
  const Tensor drows = forward(pass);
  if (balance) balance->end_forward();
  forward_seconds += watch.lap();
  if (!drows) return;
  policy.decoder().backward(pass, policy.buffers(), drows);
  backward_seconds += watch.lap();
}

MicroBatch Objective::trained_part(const MicroBatch& batch) const {
  std::set<int> trained;
  for_each_supervised(batch, [&](int32_t, int64_t s) { trained.insert(batch.adapter_of(s)); });
  if (trained.empty()) return {};
  std::vector<size_t> sequences;
  for (int64_t s = 0; s < batch.sequences(); ++s)
    if (trained.count(batch.adapter_of(s))) sequences.push_back(static_cast<size_t>(s));
  return static_cast<int64_t>(sequences.size()) == batch.sequences() ? batch : pick_sequences(batch, sequences);
}

MicroBatch pick_sequences(const MicroBatch& batch, const std::vector<size_t>& sequences) {
  MicroBatch picked;
  picked.offsets.push_back(0);
  for (size_t s : sequences) {
    const auto begin = batch.offsets[s], end = batch.offsets[s + 1];
    picked.tokens.insert(picked.tokens.end(), batch.tokens.begin() + begin, batch.tokens.begin() + end);
    picked.labels.insert(picked.labels.end(), batch.labels.begin() + begin, batch.labels.begin() + end);
    if (!batch.weights.empty())
      picked.weights.insert(picked.weights.end(), batch.weights.begin() + begin, batch.weights.begin() + end);
    if (!batch.adapters.empty()) picked.adapters.push_back(batch.adapters[s]);
    picked.offsets.push_back(static_cast<int32_t>(picked.tokens.size()));
  }
  return picked;
}

}  // namespace anneal
