// One model with its buffers, and how a micro-batch goes through it.
#pragma once
#include <cstdint>
#include <vector>

#include "nn/decoder.h"
#include "train/training_spec.h"

namespace anneal {

struct SequenceScore {
  double loss = 0;  // sum of negative log-likelihoods
  int64_t tokens = 0;
  int64_t correct = 0;
};

class Runner {
 public:
  Runner(Context& ctx, const Decoder& decoder, PassBuffers& buffers, const TrainingSpec& spec)
      : ctx_(ctx), decoder_(decoder), buffers_(buffers), spec_(spec) {}

  Context& ctx() { return ctx_; }
  const Decoder& decoder() const { return decoder_; }
  PassBuffers& buffers() { return buffers_; }

  // A pass over the batch, whose tokens, offsets and positions now lie in the buffers.
  Pass start(const MicroBatch& batch, PassMode mode);
  // Writes rows and targets of the supervised tokens and returns their number; the token at t is predicted by row t - 1
  // of its sequence.
  int64_t set_rows(const MicroBatch& batch);
  // Weight of each supervised token, in the order of set_rows, as the gradient's factor: its own weight times its
  // adapter's factor.
  void set_weights(const MicroBatch& batch, const std::vector<double>& factors);

  // Runs the model forward and the head without gradient: buffers.nll and best. Returns the sequences' scores.
  std::vector<SequenceScore> score(const MicroBatch& batch, bool adapters);
  // The sequences' scores from buffers.nll and best.
  std::vector<SequenceScore> scores(const MicroBatch& batch, int64_t count) const;

 private:
  Context& ctx_;
  const Decoder& decoder_;
  PassBuffers& buffers_;
  const TrainingSpec& spec_;
};

}  // namespace anneal
