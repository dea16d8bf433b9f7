#include "train/plan.h"

#include <algorithm>
#include <cstdio>

#include "core/error.h"
#include "ops/objective/cross_entropy.h"
#include "train/optimizers/optimizer.h"

namespace anneal {
namespace {

// The trainer's process before its session: Node, its modules, the addon, DuckDB, heaps; and the tokenizer's tables for
// each entry of the vocabulary. Measured over vocabularies from 259 to 262,144 entries on two kinds of machine, the
// larger taken; `npm run -s plan-check` holds them to every cell.
constexpr uint64_t kProcessBytes = uint64_t{132} << 20;
constexpr uint64_t kVocabularyEntryBytes = 480;

std::string mebibytes(uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / 1048576.0);
  return text;
}

// Forward 2 FLOP per weight and token; backward 2 more for dX and 2 for each trained weight's gradient; the head on
// every token is the upper bound. Attention: two products forward and five backward over the causal half.
double count_flops(Model& model, const TrainingSpec& spec) {
  const ModelConfig& c = model.config();
  const auto tokens = static_cast<double>(spec.max_tokens);
  double per_token = 0;
  model.decoder->for_each_linear([&](Linear& l) {
    const double base = static_cast<double>(l.in()) * static_cast<double>(l.out());
    const double low = static_cast<double>(l.rank()) * static_cast<double>(l.in() + l.out());
    per_token += base * (l.weight().trainable ? 6.0 : 4.0) + 6.0 * low;
    if (spec.checkpointing == Checkpointing::kLayer) per_token += 2.0 * (base + low);
  });
  model.decoder->for_each_expert([&](ExpertLinear& l) {
    const double chosen = static_cast<double>(c.moe.experts_per_token);
    const double outputs = static_cast<double>(l.out()) * static_cast<double>(l.parts().size());
    const double base = static_cast<double>(l.in()) * outputs;
    const double low = static_cast<double>(l.rank()) * (static_cast<double>(l.in()) + outputs);
    per_token += chosen * (base * (l.weight(0, 0).trainable ? 6.0 : 4.0) + 6.0 * low);
    if (spec.checkpointing == Checkpointing::kLayer) per_token += chosen * 2.0 * (base + low);
  });
  per_token += static_cast<double>(c.vocab_size) * static_cast<double>(c.hidden_size) * (spec.lora ? 4.0 : 6.0);
  const double pairs = static_cast<double>(spec.max_sequence_tokens) / 2.0;
  per_token += static_cast<double>(c.layers * c.heads * c.head_size) * pairs * 14.0;
  return per_token * tokens;
}

Recompute recompute_of(const TrainingSpec& spec) {
  switch (spec.checkpointing) {
    case Checkpointing::kLayer: return Recompute::kLayers;
    case Checkpointing::kSelective: return Recompute::kFeedForward;
    default: return Recompute::kNothing;
  }
}

// Sums of chunks that norms and optimizers keep while they run.
size_t update_scratch_bytes(const Model& model) {
  int64_t largest = 0;
  for (const Parameter& p : model.parameters.all())
    if (p.trainable) largest = std::max(largest, p.shape.elements());
  return static_cast<size_t>(largest / 16384 + 2) * sizeof(double) + kAlignment;
}

void check_budget(const MemoryPlan& p, const TrainingSpec& spec) {
  if (spec.memory_budget_bytes == 0 || p.total <= spec.memory_budget_bytes) return;
  throw Error(
      ErrorCode::kOutOfMemory, "plan_exceeds_budget", "plan",
      "needs {needed}, the budget is {budget} (weights {weights}, adapter {adapter}, gradients {gradients}, optimizer "
      "{optimizer}, activations {activations}, reference model {reference}, logits {logits}, packing {packing}, "
      "runtime {runtime}). Lower maxTokensPerMicroBatch, switch gradientCheckpointing on, or use bf16",
      {{"needed", mebibytes(p.total)},
       {"budget", mebibytes(spec.memory_budget_bytes)},
       {"weights", mebibytes(p.weights + p.blocks)},
       {"adapter", mebibytes(p.adapter)},
       {"gradients", mebibytes(p.gradients)},
       {"optimizer", mebibytes(p.optimizer)},
       {"activations", mebibytes(p.activations)},
       {"reference", mebibytes(p.reference)},
       {"logits", mebibytes(p.logits)},
       {"packing", mebibytes(p.packing)},
       {"runtime", mebibytes(p.runtime)}});
}

}  // namespace

void place_state(Model& model, Objective& objective, const TrainingSpec& spec, MemoryLayout& layout) {
  model.parameters.place(layout, spec.matrix(), spec.numbers != Precision::kBF16Stochastic);
  const std::unique_ptr<Optimizer> optimizer = make_optimizer(spec.optimizer);
  for (Parameter& p : model.parameters.all())
    if (p.trainable) optimizer->place(p, layout);
  objective.place(layout);
}

PassBuffers place_buffers(const Model& model, const TrainingSpec& spec, MemoryLayout& layout) {
  return model.decoder->place(layout, spec.max_tokens, spec.max_sequence_tokens, spec.act(), true, recompute_of(spec));
}

MemoryPlan plan_session(Model& model, Objective& objective, const TrainingSpec& spec, ThreadPool& pool) {
  MemoryLayout layout;
  place_state(model, objective, spec, layout);
  const PassBuffers buffers = place_buffers(model, spec, layout);
  Arena none(0);
  const Context ctx{pool, none, spec.isa};
  CrossEntropyOptions head;
  head.precision = spec.precision();
  const ModelConfig& c = model.config();
  const size_t logits = cross_entropy_scratch_bytes(ctx, head, spec.max_tokens, c.hidden_size, c.vocab_size,
                                                    model.decoder->head_trains());
  const size_t scratch =
      std::max({logits, model.decoder->scratch_bytes(ctx, spec.precision(), buffers, spec.max_sequence_tokens),
                objective.scratch_bytes(ctx), update_scratch_bytes(model)});

  MemoryPlan p;
  p.weights = layout.bytes(Part::kWeights);
  p.blocks = layout.bytes(Part::kBlocks);
  p.adapter = layout.bytes(Part::kAdapter);
  p.gradients = layout.bytes(Part::kGradients);
  p.optimizer = layout.bytes(Part::kOptimizer);
  p.activations = layout.bytes(Part::kActivations);
  p.reference = layout.bytes(Part::kReference) + objective.batch_bytes();
  p.layer_activations = buffers.layer_bytes;
  p.logits = logits;
  p.packing = scratch - logits;
  p.arena_bytes = layout.total_bytes();
  p.scratch_bytes = scratch;
  // Arenas consist of whole pages.
  const auto unused = [](uint64_t bytes) { return (kHugePage - bytes % kHugePage) % kHugePage; };
  const uint64_t process = kProcessBytes + kVocabularyEntryBytes * static_cast<uint64_t>(c.vocab_size) +
                           unused(p.arena_bytes) + unused(p.scratch_bytes);
  p.runtime = layout.bytes(Part::kRuntime) + process;
  p.total = p.arena_bytes + p.scratch_bytes + objective.batch_bytes() + process;
  p.trainable_parameters = model.parameters.trainable_elements();
  p.flops_per_micro_batch = count_flops(model, spec);
  check_budget(p, spec);
  return p;
}

}  // namespace anneal
