#include "train/training_spec.h"

#include "core/error.h"

namespace anneal {
namespace {

std::string at(const char* field, size_t i) { return std::string(field) + "[" + std::to_string(i) + "]"; }

void check_adapters(const MicroBatch& batch, const TrainingSpec& spec, const std::string& where) {
  const auto count = static_cast<int32_t>(spec.adapters.size());
  if (batch.adapters.empty()) {
    if (count > 1)
      refuse("batch_adapters_missing", where + ".adapters", "is missing: the session trains {adapters} adapters",
             {{"adapters", count}});
    return;
  }
  if (count == 0)
    refuse("batch_adapters_unexpected", where + ".adapters",
           "is given, but the session was opened without spec.adapters");
  if (static_cast<int64_t>(batch.adapters.size()) != batch.sequences())
    refuse("values_per_sequence", where + ".adapters", "holds {values} values for {sequences} sequences",
           {{"values", batch.adapters.size()}, {"sequences", batch.sequences()}});
  for (size_t i = 0; i < batch.adapters.size(); ++i) {
    if (batch.adapters[i] < 0 || batch.adapters[i] >= count)
      refuse("adapter_index", where + "." + at("adapters", i), "is {adapter}, the session has {adapters} adapters",
             {{"adapter", batch.adapters[i]}, {"adapters", count}});
    if (i > 0 && batch.adapters[i] < batch.adapters[i - 1])
      refuse("adapters_not_in_order", where + "." + at("adapters", i),
             "is below the one before it; sequences of one adapter lie together, in order");
  }
}

void check_extras(const MicroBatch& batch, int64_t vocab, const std::string& where) {
  const size_t n = batch.tokens.size();
  if (!batch.weights.empty() && batch.weights.size() != n)
    refuse("values_per_token", where + ".weights", "holds {values} values for {tokens} tokens",
           {{"values", batch.weights.size()}, {"tokens", n}});
  for (size_t i = 0; i < batch.weights.size(); ++i)
    if (!(batch.weights[i] >= 0 && batch.weights[i] <= 1e6f))
      refuse("token_weight_out_of_range", where + "." + at("weights", i), "must be from 0 to 1e6");
  if (!batch.preference.empty() && static_cast<int64_t>(batch.preference.size()) != batch.sequences())
    refuse("values_per_sequence", where + ".preference", "holds {values} values for {sequences} sequences",
           {{"values", batch.preference.size()}, {"sequences", batch.sequences()}});
  for (size_t i = 0; i < batch.preference.size(); ++i)
    if (batch.preference[i] < 0 || batch.preference[i] > 2)
      refuse("preference_mark", where + "." + at("preference", i), "must be 0, 1 or 2");
  if (batch.teacher_k == 0) return;
  const size_t values = static_cast<size_t>(count_supervised(batch)) * static_cast<size_t>(batch.teacher_k);
  if (batch.teacher_ids.size() != values)
    refuse("teacher_values_per_token", where + ".teacher.ids", "must hold k values for each supervised token");
  if (batch.teacher_logprobs.size() != values)
    refuse("teacher_values_per_token", where + ".teacher.logprobs", "must hold k values for each supervised token");
  for (size_t i = 0; i < values; ++i) {
    if (batch.teacher_ids[i] < 0 || batch.teacher_ids[i] >= vocab)
      refuse("token_outside_vocabulary", where + "." + at("teacher.ids", i),
             "is {token}, the vocabulary has {vocabulary} entries",
             {{"token", batch.teacher_ids[i]}, {"vocabulary", vocab}});
    if (!(batch.teacher_logprobs[i] <= 1e-3f))
      refuse("not_log_probability", where + "." + at("teacher.logprobs", i), "is no log-probability");
  }
}

}  // namespace

void check_micro_batch(const MicroBatch& batch, const TrainingSpec& spec, int64_t vocab, const std::string& where) {
  const auto n = static_cast<int64_t>(batch.tokens.size());
  if (n < 1) refuse("empty", where + ".tokens", "is empty");
  if (n > spec.max_tokens)
    refuse("micro_batch_too_long", where + ".tokens",
           "holds {tokens} tokens, the session was opened for maxTokensPerMicroBatch {most}",
           {{"tokens", n}, {"most", spec.max_tokens}});
  if (batch.labels.size() != batch.tokens.size())
    refuse("values_per_token", where + ".labels", "holds {values} values for {tokens} tokens",
           {{"values", batch.labels.size()}, {"tokens", n}});
  if (batch.offsets.size() < 2 || batch.offsets.front() != 0 || batch.offsets.back() != n)
    refuse("batch_offsets", where + ".offsets", "must start with 0 and end with the number of tokens, {tokens}",
           {{"tokens", n}});
  for (size_t s = 0; s + 1 < batch.offsets.size(); ++s) {
    // The difference is taken in 64 bits: hostile offsets may lie 2^32 apart.
    const int64_t length = static_cast<int64_t>(batch.offsets[s + 1]) - batch.offsets[s];
    if (length < 1)
      refuse("not_above", where + "." + at("offsets", s + 1), "must be above {minimum}",
             {{"minimum", "the offset before it"}});
    if (length > spec.max_sequence_tokens)
      refuse("sequence_too_long", where + "." + at("offsets", s + 1),
             "makes a sequence of {tokens} tokens, the session was opened for maxSequenceTokens {most}",
             {{"tokens", length}, {"most", spec.max_sequence_tokens}});
  }
  for (size_t i = 0; i < batch.tokens.size(); ++i) {
    if (batch.tokens[i] < 0 || batch.tokens[i] >= vocab)
      refuse("token_outside_vocabulary", where + "." + at("tokens", i),
             "is {token}, the vocabulary has {vocabulary} entries",
             {{"token", batch.tokens[i]}, {"vocabulary", vocab}});
    if (batch.labels[i] != kIgnoreLabel && (batch.labels[i] < 0 || batch.labels[i] >= vocab))
      refuse("not_expected", where + "." + at("labels", i), "is {found}, expected {expected}",
             {{"found", batch.labels[i]}, {"expected", "-100 or a token below " + std::to_string(vocab)}});
  }
  check_extras(batch, vocab, where);
  check_adapters(batch, spec, where);
}

int TrainingSpec::adapter_index(const std::string& name, const std::string& where) const {
  if (name.empty()) return 0;
  for (size_t i = 0; i < adapters.size(); ++i)
    if (adapters[i].name == name) return static_cast<int>(i);
  refuse("no_such_adapter", where, "\"{adapter}\" is none of the session's adapters",
         {{"adapter", name.substr(0, 80)}});
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
