#include "infer/generate.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>

#include "core/error.h"
#include "ops/sampling.h"

namespace anneal {
namespace {

// Rows of the cache: enough to share one reading of the weights, few enough that the logits stay small.
constexpr int64_t kMaxSlots = 64;
// Fewer would make a held-out set's answers slow: memory is taken beyond the session's idle buffers rather than go
// below.
constexpr int64_t kFewSlots = 8;
// Prompt tokens of one prefill pass, and what they may shrink to where memory is short.
constexpr int64_t kPrefillTokens = 2048, kFewPrefillTokens = 256;
constexpr int64_t kCacheBudgetBytes = int64_t{2} << 30;
// Slack for ops that name no scratch of their own (attention over the cache, sampling).
constexpr size_t kDecodeScratchBytes = size_t{8} << 20;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void check(const std::vector<std::vector<int32_t>>& prompts, const GenerateOptions& o, const ModelConfig& c) {
  if (prompts.empty()) refuse("empty", "prompts", "is empty");
  if (o.max_new_tokens < 1) refuse("below_minimum", "maxNewTokens", "must be at least {minimum}", {{"minimum", 1}});
  for (size_t i = 0; i < prompts.size(); ++i) {
    const std::string name = "prompts[" + std::to_string(i) + "]";
    if (prompts[i].empty()) refuse("empty", name, "is empty");
    const auto total = static_cast<int64_t>(prompts[i].size()) + o.max_new_tokens;
    if (total > c.context_length)
      refuse("prompt_above_context", name,
             "with maxNewTokens needs {tokens} tokens, the model's context length is {context}",
             {{"tokens", total}, {"context", c.context_length}});
    for (size_t t = 0; t < prompts[i].size(); ++t)
      if (prompts[i][t] < 0 || prompts[i][t] >= c.vocab_size)
        refuse("token_outside_vocabulary", name + "[" + std::to_string(t) + "]",
               "is {token}, the vocabulary has {vocabulary} entries",
               {{"token", prompts[i][t]}, {"vocabulary", c.vocab_size}});
  }
}

class Generator {
 public:
  Generator(Session& session, const std::vector<std::vector<int32_t>>& prompts, const GenerateOptions& options)
      : session_(session), idle_(session), decoder_(*session.model().decoder), prompts_(prompts), options_(options) {
    size_memory();
    result_.sequences.resize(prompts.size());
    for (size_t i = 0; i < prompts.size(); ++i) {
      waiting_.push_back(static_cast<int32_t>(i));
      result_.prompt_tokens += static_cast<int64_t>(prompts[i].size());
    }
    for (int64_t s = slots_; s-- > 0;) free_slots_.push_back(static_cast<int32_t>(s));
  }

  Generation run() {
    while (!waiting_.empty() || !active_.empty()) {
      session_.check_stop();
      // A quarter of the rows at once keeps prefill passes large; the last prompts do not wait.
      const auto free = static_cast<int64_t>(free_slots_.size());
      if (!waiting_.empty() && free > 0 &&
          (active_.empty() || free * 4 >= slots_ || free >= static_cast<int64_t>(waiting_.size()))) {
        prefill();
      } else {
        decode();
      }
    }
    return std::move(result_);
  }

 private:
  struct Active {
    int32_t sequence;
    int32_t slot;
    int32_t first;       // its first position
    int32_t length;      // cached tokens
    int32_t last_token;  // chosen, not cached yet
  };

  void size_memory() {
    const DType act = session_.spec().act();
    int64_t longest = 0, all = 0;
    for (const auto& prompt : prompts_) {
      longest = std::max(longest, static_cast<int64_t>(prompt.size()));
      all += static_cast<int64_t>(prompt.size());
    }
    capacity_ = (longest + options_.max_new_tokens + 15) / 16 * 16;
    int64_t columns = 0;
    for (int64_t l = 0; l < decoder_.layers(); ++l)
      columns += decoder_.attention(l).key_columns() + decoder_.attention(l).value_columns();
    const int64_t row_bytes = columns * capacity_ * (act == DType::kBF16 ? 2 : 4);
    slots_ = std::clamp<int64_t>(kCacheBudgetBytes / row_bytes, 1, kMaxSlots);
    slots_ = std::min(slots_, static_cast<int64_t>(prompts_.size()));
    int64_t prefill = kPrefillTokens;
    uint64_t needed = measure(longest, std::min(all, prefill));
    // A session with a budget keeps to what its training has taken; slots depend on the spec alone, so that answers do
    // too.
    const bool shrinks = session_.spec().memory_budget_bytes > 0;
    while (shrinks && needed > idle_.bytes() && (slots_ > kFewSlots || prefill > kFewPrefillTokens)) {
      slots_ = std::min(slots_, std::max(kFewSlots, slots_ / 2));
      prefill = std::max(kFewPrefillTokens, prefill / 2);
      needed = measure(longest, std::min(all, prefill));
    }
    if (needed <= idle_.bytes()) {
      arena_ = std::make_unique<Arena>(idle_.begin(), idle_.bytes());
    } else {
      arena_ = std::make_unique<Arena>(needed);
      session_.note_extra_bytes(needed);
    }
    MemoryLayout placing(*arena_);
    place(placing);
    ctx_ = std::make_unique<Context>(
        Context{session_.pool(), scratch_ ? *scratch_ : idle_.scratch(), session_.spec().isa});
    decoder_.fill_rope(buffers_);
  }

  // Bytes that `slots_` rows and passes of so many tokens take beside the session's scratch.
  uint64_t measure(int64_t longest, int64_t prefill) {
    pass_tokens_ = std::max({longest, prefill, slots_});
    own_scratch_bytes_ = 0;
    MemoryLayout counting;
    place(counting);
    const Context ctx{session_.pool(), none_, session_.spec().isa};
    const size_t scratch =
        decoder_.scratch_bytes(ctx, session_.spec().precision(), buffers_, capacity_) + kDecodeScratchBytes;
    if (scratch <= idle_.scratch().capacity_bytes()) return counting.total_bytes();
    own_scratch_bytes_ = scratch;
    return counting.total_bytes() + scratch + kAlignment;
  }

  void place(MemoryLayout& layout) {
    const ModelConfig& c = session_.config();
    const DType act = session_.spec().act();
    buffers_ = decoder_.place(layout, pass_tokens_, capacity_, act, false, Recompute::kNothing);
    logits_ = layout.take(Part::kLogits, DType::kF32, {slots_, c.vocab_size});
    cache_ = KvCache{};
    cache_.capacity = capacity_;
    for (int64_t l = 0; l < decoder_.layers(); ++l) {
      const AttentionBlock& attention = decoder_.attention(l);
      cache_.keys.push_back(layout.take(Part::kRuntime, act, {slots_, capacity_, attention.key_columns()}));
      cache_.values.push_back(layout.take(Part::kRuntime, act, {slots_, capacity_, attention.value_columns()}));
    }
    cache_lengths_ = layout.take(Part::kRuntime, DType::kI32, {slots_});
    cache_slots_ = layout.take(Part::kRuntime, DType::kI32, {slots_});
    if (!own_scratch_bytes_) return;
    const Tensor scratch = layout.take(Part::kPacking, DType::kU8, {static_cast<int64_t>(own_scratch_bytes_)});
    if (scratch.data) scratch_ = std::make_unique<Arena>(static_cast<std::byte*>(scratch.data), own_scratch_bytes_);
  }

  Pass start_pass(PassMode mode, int64_t tokens, int64_t sequences) {
    Pass pass(*ctx_);
    pass.mode = mode;
    pass.precision = session_.spec().precision();
    pass.tokens = tokens;
    pass.token_ids = first_rows(buffers_.token_ids, tokens);
    pass.positions = first_rows(buffers_.positions, tokens);
    pass.offsets = first_rows(buffers_.offsets, sequences + 1);
    pass.ropes = buffers_.ropes;
    pass.adapters = options_.adapters;
    pass.adapter = session_.spec().adapter_index(options_.adapter, "request.adapter");
    cache_.lengths = first_rows(cache_lengths_, sequences);
    cache_.slots = first_rows(cache_slots_, sequences);
    pass.cache = &cache_;
    return pass;
  }

  void prefill() {
    const auto start = std::chrono::steady_clock::now();
    std::vector<Active> group;
    int64_t tokens = 0;
    int32_t* offsets = buffers_.offsets.as<int32_t>();
    offsets[0] = 0;
    while (!waiting_.empty() && !free_slots_.empty()) {
      const int32_t sequence = waiting_.front();
      const auto& prompt = prompts_[static_cast<size_t>(sequence)];
      const auto length = static_cast<int64_t>(prompt.size());
      if (tokens + length > pass_tokens_) break;
      waiting_.pop_front();
      std::memcpy(buffers_.token_ids.as<int32_t>() + tokens, prompt.data(), prompt.size() * sizeof(int32_t));
      const int32_t first = decoder_.first_position(buffers_, length + options_.max_new_tokens);
      for (int64_t t = 0; t < length; ++t)
        buffers_.positions.as<int32_t>()[tokens + t] = first + static_cast<int32_t>(t);
      tokens += length;
      const size_t row = group.size();
      offsets[row + 1] = static_cast<int32_t>(tokens);
      buffers_.head_rows.as<int32_t>()[row] = static_cast<int32_t>(tokens - 1);
      cache_slots_.as<int32_t>()[row] = free_slots_.back();
      group.push_back({sequence, free_slots_.back(), first, static_cast<int32_t>(length), 0});
      free_slots_.pop_back();
    }
    const auto count = static_cast<int64_t>(group.size());
    Pass pass = start_pass(PassMode::kPrefill, tokens, count);
    choose(pass, group);
    active_.insert(active_.end(), group.begin(), group.end());
    result_.prefill_seconds += seconds_since(start);
  }

  void decode() {
    const auto start = std::chrono::steady_clock::now();
    const auto count = static_cast<int64_t>(active_.size());
    for (int64_t i = 0; i < count; ++i) {
      Active& a = active_[static_cast<size_t>(i)];
      buffers_.token_ids.as<int32_t>()[i] = a.last_token;
      buffers_.positions.as<int32_t>()[i] = a.first + a.length;
      buffers_.offsets.as<int32_t>()[i] = static_cast<int32_t>(i);
      buffers_.head_rows.as<int32_t>()[i] = static_cast<int32_t>(i);
      cache_slots_.as<int32_t>()[i] = a.slot;
      a.length += 1;
      cache_lengths_.as<int32_t>()[i] = a.length;
    }
    buffers_.offsets.as<int32_t>()[count] = static_cast<int32_t>(count);
    Pass pass = start_pass(PassMode::kDecode, count, count);
    choose(pass, active_);
    const double seconds = seconds_since(start);
    result_.decode_seconds += seconds;
    result_.step_seconds.push_back(seconds);
  }

  // Runs the pass, samples the next token of each sequence of `batch` and takes those that ended out of it.
  void choose(Pass& pass, std::vector<Active>& batch) {
    const auto count = static_cast<int64_t>(batch.size());
    const int64_t vocab = session_.config().vocab_size;
    const Tensor logits = first_rows(logits_, count);
    decoder_.logits(pass, buffers_, decoder_.forward(pass, buffers_, count), logits);
    size_t kept = 0;
    for (int64_t i = 0; i < count; ++i) {
      Active a = batch[static_cast<size_t>(i)];
      const Tensor row{logits_.f32() + i * vocab, DType::kF32, {vocab}};
      if (take_token(a, row)) {
        free_slots_.push_back(a.slot);
      } else {
        batch[kept++] = a;
      }
    }
    batch.resize(kept);
  }

  // True when the sequence has ended.
  bool take_token(Active& a, const Tensor& row) {
    GeneratedSequence& sequence = result_.sequences[static_cast<size_t>(a.sequence)];
    const SamplingOptions sampling{options_.temperature, options_.top_k, options_.top_p};
    const RandomStream stream{options_.seed, 0, static_cast<uint32_t>(a.sequence)};
    const SampledToken sampled = sample_token(*ctx_, row, sampling, stream, sequence.tokens.size());
    result_.new_tokens += 1;
    if (options_.logprobs) sequence.logprobs.push_back(sampled.log_probability);
    if (options_.top_logprobs > 0) {
      for (const TopEntry& entry : top_log_probabilities(*ctx_, row, options_.top_logprobs)) {
        sequence.top_tokens.push_back(entry.token);
        sequence.top_logprobs.push_back(entry.log_probability);
      }
    }
    const auto& stops = options_.stop_tokens;
    if (std::find(stops.begin(), stops.end(), sampled.token) != stops.end()) {
      sequence.stopped = true;
      return true;
    }
    sequence.tokens.push_back(sampled.token);
    a.last_token = sampled.token;
    if (options_.on_token) options_.on_token(a.sequence, sampled.token);
    return static_cast<int64_t>(sequence.tokens.size()) >= options_.max_new_tokens;
  }

  Session& session_;
  const Session::Idle idle_;
  const Decoder& decoder_;
  const std::vector<std::vector<int32_t>>& prompts_;
  const GenerateOptions& options_;
  Arena none_{0};
  std::unique_ptr<Arena> arena_, scratch_;
  std::unique_ptr<Context> ctx_;
  PassBuffers buffers_;
  KvCache cache_;
  Tensor logits_, cache_lengths_, cache_slots_;
  size_t own_scratch_bytes_ = 0;  // where the session's is too small
  int64_t slots_ = 0, capacity_ = 0, pass_tokens_ = 0;
  std::deque<int32_t> waiting_;
  std::vector<int32_t> free_slots_;
  std::vector<Active> active_;
  Generation result_;
};

}  // namespace

Generation generate(Session& session, const std::vector<std::vector<int32_t>>& prompts,
                    const GenerateOptions& options) {
  check(prompts, options, session.config());
  return Generator(session, prompts, options).run();
}

}  // namespace anneal
