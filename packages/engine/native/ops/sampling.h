// Choosing tokens from logits, for inference.
#pragma once
#include <cstdint>
#include <vector>

#include "core/philox.h"
#include "ops/context.h"

namespace anneal {

struct SamplingOptions {
  float temperature = 0;  // 0 = greedy
  int32_t top_k = 0;      // 0 = all
  float top_p = 1;        // in (0,1]; the smallest set of most likely tokens whose probability reaches it
};

struct SampledToken {
  int32_t token = 0;
  float log_probability = 0;  // of the unfiltered softmax at temperature 1
};

// logits (V) f32, read only. Greedy takes the lowest id on ties. Draw number `draw` of `stream` decides: same stream
// and draw, same token.
SampledToken sample_token(Context& ctx, const Tensor& logits, const SamplingOptions& options,
                          const RandomStream& stream, uint64_t draw);

// log-softmax of each row: logits (M,V) f32 -> out (M,V) f32, may be the same buffer.
void log_softmax(Context& ctx, const Tensor& logits, Tensor out);

struct TopEntry {
  int32_t token = 0;
  float log_probability = 0;
};
// The k most likely tokens of logits (V) f32, most likely first, lowest id on ties.
std::vector<TopEntry> top_log_probabilities(Context& ctx, const Tensor& logits, int32_t k);

// The same of many rows: logits (M,V) f32 -> ids (M,k) i32 and log_probabilities (M,k) f32, 1 <= k <= V.
void best_log_probabilities(Context& ctx, const Tensor& logits, Tensor ids, Tensor log_probabilities);

}  // namespace anneal
