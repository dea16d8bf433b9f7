#include "train/training_spec.h"

#include "core/error.h"

namespace anneal {
namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, where, message);
}

std::string at(const char* field, size_t i) { return std::string(field) + "[" + std::to_string(i) + "]"; }

void check_adapters(const MicroBatch& batch, const TrainingSpec& spec, const std::string& where) {
  const auto count = static_cast<int32_t>(spec.adapters.size());
  if (batch.adapters.empty()) {
    if (count > 1) refuse(where + ".adapters", "is missing: the session trains " + std::to_string(count) + " adapters");
    return;
  }
  if (count == 0) refuse(where + ".adapters", "is given, but the session was opened without spec.adapters");
  if (static_cast<int64_t>(batch.adapters.size()) != batch.sequences())
    refuse(where + ".adapters", "holds " + std::to_string(batch.adapters.size()) + " values for " +
                                    std::to_string(batch.sequences()) + " sequences");
  for (size_t i = 0; i < batch.adapters.size(); ++i) {
    if (batch.adapters[i] < 0 || batch.adapters[i] >= count)
      refuse(where + "." + at("adapters", i),
             "is " + std::to_string(batch.adapters[i]) + ", the session has " + std::to_string(count) + " adapters");
    if (i > 0 && batch.adapters[i] < batch.adapters[i - 1])
      refuse(where + "." + at("adapters", i),
             "is below the one before it; sequences of one adapter lie together, in order");
  }
}

void check_extras(const MicroBatch& batch, int64_t vocab, const std::string& where) {
  const size_t n = batch.tokens.size();
  if (!batch.weights.empty() && batch.weights.size() != n)
    refuse(where + ".weights",
           "holds " + std::to_string(batch.weights.size()) + " values for " + std::to_string(n) + " tokens");
  for (size_t i = 0; i < batch.weights.size(); ++i)
    if (!(batch.weights[i] >= 0 && batch.weights[i] <= 1e6f))
      refuse(where + "." + at("weights", i), "must be from 0 to 1e6");
  if (!batch.preference.empty() && static_cast<int64_t>(batch.preference.size()) != batch.sequences())
    refuse(where + ".preference", "holds " + std::to_string(batch.preference.size()) + " values for " +
                                      std::to_string(batch.sequences()) + " sequences");
  for (size_t i = 0; i < batch.preference.size(); ++i)
    if (batch.preference[i] < 0 || batch.preference[i] > 2)
      refuse(where + "." + at("preference", i), "must be 0, 1 or 2");
  if (batch.teacher_k == 0) return;
  const size_t values = static_cast<size_t>(count_supervised(batch)) * static_cast<size_t>(batch.teacher_k);
  if (batch.teacher_ids.size() != values)
    refuse(where + ".teacher.ids", "must hold k values for each supervised token");
  if (batch.teacher_logprobs.size() != values)
    refuse(where + ".teacher.logprobs", "must hold k values for each supervised token");
  for (size_t i = 0; i < values; ++i) {
    if (batch.teacher_ids[i] < 0 || batch.teacher_ids[i] >= vocab)
      refuse(where + "." + at("teacher.ids", i), "is " + std::to_string(batch.teacher_ids[i]) +
                                                     ", the vocabulary has " + std::to_string(vocab) + " entries");
    if (!(batch.teacher_logprobs[i] <= 1e-3f)) refuse(where + "." + at("teacher.logprobs", i), "is no log-probability");
  }
}

}  // namespace

void check_micro_batch(const MicroBatch& batch, const TrainingSpec& spec, int64_t vocab, const std::string& where) {
  const auto n = static_cast<int64_t>(batch.tokens.size());
  if (n < 1) refuse(where + ".tokens", "is empty");
  if (n > spec.max_tokens)
    refuse(where + ".tokens", "holds " + std::to_string(n) +
                                  " tokens, the session was opened for maxTokensPerMicroBatch " +
                                  std::to_string(spec.max_tokens));
  if (batch.labels.size() != batch.tokens.size())
    refuse(where + ".labels",
           "holds " + std::to_string(batch.labels.size()) + " values for " + std::to_string(n) + " tokens");
  if (batch.offsets.size() < 2 || batch.offsets.front() != 0 || batch.offsets.back() != n)
    refuse(where + ".offsets", "must start with 0 and end with the number of tokens, " + std::to_string(n));
  for (size_t s = 0; s + 1 < batch.offsets.size(); ++s) {
    // The difference is taken in 64 bits: hostile offsets may lie 2^32 apart.
    const int64_t length = static_cast<int64_t>(batch.offsets[s + 1]) - batch.offsets[s];
    if (length < 1) refuse(where + "." + at("offsets", s + 1), "must be above the offset before it");
    if (length > spec.max_sequence_tokens)
      refuse(where + "." + at("offsets", s + 1), "makes a sequence of " + std::to_string(length) +
                                                     " tokens, the session was opened for maxSequenceTokens " +
                                                     std::to_string(spec.max_sequence_tokens));
  }
  for (size_t i = 0; i < batch.tokens.size(); ++i) {
    if (batch.tokens[i] < 0 || batch.tokens[i] >= vocab)
      refuse(where + "." + at("tokens", i),
             "is " + std::to_string(batch.tokens[i]) + ", the vocabulary has " + std::to_string(vocab) + " entries");
    if (batch.labels[i] != kIgnoreLabel && (batch.labels[i] < 0 || batch.labels[i] >= vocab))
      refuse(where + "." + at("labels", i),
             "is " + std::to_string(batch.labels[i]) + ", expected -100 or a token below " + std::to_string(vocab));
  }
  check_extras(batch, vocab, where);
  check_adapters(batch, spec, where);
}

int TrainingSpec::adapter_index(const std::string& name, const std::string& where) const {
  if (name.empty()) return 0;
  for (size_t i = 0; i < adapters.size(); ++i)
    if (adapters[i].name == name) return static_cast<int>(i);
  refuse(where, "\"" + name.substr(0, 80) + "\" is none of the session's adapters");
}

int64_t count_supervised(const MicroBatch& batch) {
  int64_t count = 0;
  for_each_supervised(batch, [&](int32_t, int64_t) { ++count; });
  return count;
}

double supervised_weight(const MicroBatch& batch) {
  double sum = 0;
  for_each_supervised(batch, [&](int32_t t, int64_t) { sum += static_cast<double>(batch.weight(t)); });
  return sum;
}

}  // namespace anneal
