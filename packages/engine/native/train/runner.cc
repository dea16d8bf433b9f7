#include "train/runner.h"

#include <cstring>

namespace anneal {

Pass Runner::start(const MicroBatch& batch, PassMode mode) {
  const auto n = static_cast<int64_t>(batch.tokens.size());
  const auto boundaries = static_cast<int64_t>(batch.offsets.size());
  Pass pass(ctx_);
  pass.mode = mode;
  pass.precision = spec_.precision();
  pass.tokens = n;
  pass.token_ids = first_rows(buffers_.token_ids, n);
  pass.positions = first_rows(buffers_.positions, n);
  pass.offsets = first_rows(buffers_.offsets, boundaries);
  pass.ropes = buffers_.ropes;
  pass.seed = spec_.seed;
  for (int64_t s = 0; s < static_cast<int64_t>(batch.adapters.size()); ++s) {
    const int adapter = batch.adapter_of(s);
    const auto begin = batch.offsets[static_cast<size_t>(s)], end = batch.offsets[static_cast<size_t>(s) + 1];
    if (!pass.segments.empty() && pass.segments.back().adapter == adapter) pass.segments.back().end = end;
    else pass.segments.push_back({adapter, begin, end, spec_.adapters[static_cast<size_t>(adapter)].seed});
  }
  pass.noise_alpha = static_cast<float>(spec_.neftune_alpha);
  std::memcpy(pass.token_ids.data, batch.tokens.data(), batch.tokens.size() * sizeof(int32_t));
  std::memcpy(pass.offsets.data, batch.offsets.data(), batch.offsets.size() * sizeof(int32_t));
  int32_t* positions = pass.positions.as<int32_t>();
  for (size_t s = 0; s + 1 < batch.offsets.size(); ++s) {
    const int32_t begin = batch.offsets[s], end = batch.offsets[s + 1],
                  first = decoder_.first_position(buffers_, end - begin);
    for (int32_t t = begin; t < end; ++t) positions[t] = first + t - begin;
  }
  return pass;
}

int64_t Runner::set_rows(const MicroBatch& batch) {
  int32_t* rows = buffers_.head_rows.as<int32_t>();
  int32_t* targets = buffers_.head_targets.as<int32_t>();
  int64_t count = 0;
  for_each_supervised(batch, [&](int32_t t, int64_t) {
    rows[count] = t - 1;
    targets[count++] = batch.labels[static_cast<size_t>(t)];
  });
  return count;
}

void Runner::set_weights(const MicroBatch& batch, const std::vector<double>& factors) {
  float* weights = buffers_.head_weights.f32();
  for_each_supervised(batch, [&](int32_t t, int64_t sequence) {
    *weights++ = static_cast<float>(factors[static_cast<size_t>(batch.adapter_of(sequence))]) * batch.weight(t);
  });
}

std::vector<SequenceScore> Runner::score(const MicroBatch& batch, bool adapters) {
  const int64_t count = set_rows(batch);
  if (count > 0) {
    Pass pass = start(batch, PassMode::kForward);
    pass.adapters = adapters;
    decoder_.loss(pass, buffers_, decoder_.forward(pass, buffers_, count));
  }
  return scores(batch, count);
}

std::vector<SequenceScore> Runner::scores(const MicroBatch& batch, int64_t count) const {
  const float* nll = buffers_.nll.f32();
  const int32_t* best = buffers_.best.as<int32_t>();
  const int32_t* rows = buffers_.head_rows.as<int32_t>();
  const int32_t* targets = buffers_.head_targets.as<int32_t>();
  std::vector<SequenceScore> all;
  int64_t r = 0;
  for (size_t s = 0; s + 1 < batch.offsets.size(); ++s) {
    SequenceScore score;
    for (; r < count && rows[r] < batch.offsets[s + 1]; ++r) {
      score.loss += static_cast<double>(nll[r]);
      score.tokens += 1;
      score.correct += best[r] == targets[r];
    }
    all.push_back(score);
  }
  return all;
}

}  // namespace anneal
