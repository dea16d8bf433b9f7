// Text generation with a KV cache: prompts wait for a free row of the cache, are prefilled together, and decode side by
// side.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "train/session.h"

namespace anneal {

struct GenerateOptions {
  int64_t max_new_tokens = 0;
  float temperature = 0;  // 0 = greedy
  int32_t top_k = 0;
  float top_p = 1;
  uint64_t seed = 0;
  std::vector<int32_t> stop_tokens;
  bool adapters = true;
  std::string adapter;       // of several, by name; empty: the first
  bool logprobs = false;     // log-probability of each chosen token
  int32_t top_logprobs = 0;  // and of this many best ones
  // Called on the engine thread with (sequence, token) as tokens come; stop tokens are not reported. May be empty.
  std::function<void(int32_t, int32_t)> on_token;
};

struct GeneratedSequence {
  std::vector<int32_t> tokens;      // without the stop token
  bool stopped = false;             // by a stop token; else by length
  std::vector<float> logprobs;      // of chosen tokens, the stop token included
  std::vector<int32_t> top_tokens;  // (chosen, top_logprobs)
  std::vector<float> top_logprobs;
};

struct Generation {
  std::vector<GeneratedSequence> sequences;
  double prefill_seconds = 0;
  double decode_seconds = 0;
  int64_t prompt_tokens = 0;
  int64_t new_tokens = 0;
  std::vector<double> step_seconds;  // each decode step of the batch
};

// Throws kInvalidArgument naming the prompt or option, kOutOfMemory when the cache does not fit, kStopped. The answer
// to a prompt is a function of the prompt, the seed and its index (and the arithmetic's last bits of which prompts run
// beside it).
Generation generate(Session& session, const std::vector<std::vector<int32_t>>& prompts, const GenerateOptions& options);

}  // namespace anneal
