#include "train/objectives/objective.h"

#include "train/stopwatch.h"

namespace anneal {

Pass ObjectiveRun::start(const MicroBatch& batch, size_t i) {
  Pass pass = policy.start(batch, gradients ? PassMode::kTrain : PassMode::kForward);
  pass.step = static_cast<uint32_t>(step);
  pass.micro_batch = static_cast<uint32_t>(i);
  return pass;
}

void ObjectiveRun::timed(const std::function<Tensor(Pass&)>& forward, Pass& pass) {
  Stopwatch watch;
  const Tensor dstream = forward(pass);
  forward_seconds += watch.lap();
  if (!dstream) return;
  policy.decoder().backward(pass, policy.buffers(), dstream);
  backward_seconds += watch.lap();
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
    picked.offsets.push_back(static_cast<int32_t>(picked.tokens.size()));
  }
  return picked;
}

}  // namespace anneal
