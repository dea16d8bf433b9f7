// What a session is asked to do. The binding fills it from JavaScript and names bad fields; check_spec holds the rules
// between fields.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cpu/isa.h"
#include "models/weight_source.h"
#include "nn/linear.h"
#include "ops/gemm/gemm.h"
#include "ops/objective/distill.h"

namespace anneal {

enum class Precision {
  kF32,
  kBF16,            // products and activations bf16, float32 masters
  kBF16Stochastic,  // the same without masters: trained matrices are bf16, rounded stochastically
  kF16,             // weights and products f16, float32 masters and activations, adaptive loss scale
};

enum class OptimizerKind { kAdamW, kAdamW8bit, kLion, kAdafactor, kSgd };

// Every kind reads its own fields only.
struct OptimizerConfig {
  OptimizerKind kind = OptimizerKind::kAdamW;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;
  double decay = -0.8, epsilon1 = 1e-30, epsilon2 = 1e-3, clip_threshold = 1.0;  // Adafactor
  double momentum = 0.0;                                                         // SGD
  bool nesterov = false;
};

enum class ObjectiveKind { kSft, kDpo, kIpo, kOrpo, kSimpo, kKto, kDistill };

struct ObjectiveConfig {
  ObjectiveKind kind = ObjectiveKind::kSft;
  double label_smoothing = 0, z_loss = 0;
  double beta = 0.1, gamma = 0;
  double desirable_weight = 1, undesirable_weight = 1;
  Divergence divergence = Divergence::kForwardKl;
  double temperature = 1, jsd_beta = 0.5, cross_entropy_weight = 0;
  std::optional<BaseSource> teacher;
  std::string teacher_adapter;
  int64_t teacher_top_k = 0;  // micro-batches bring this many of the teacher's best log-probabilities; 0 = not known
};

enum class Checkpointing {
  kNone,
  kLayer,      // each layer is computed again from its input
  kSelective,  // only the feed-forward is computed again
};

// How frozen matrices stay in memory (LoRA only); see train/base_storage.h.
enum class BaseStorage { kDense, kInt8, kNf4, kBlocks };

// One of the adapters trained side by side over one base; targets, dropout and rsLoRA are the method's.
struct AdapterSpec {
  std::string name;  // empty: the only one
  int64_t rank = 0;
  double alpha = 0;
  uint64_t seed = 0;
  std::string start;  // PEFT folder to start from; empty = fresh
};

struct TrainingSpec {
  BaseSource base;
  Precision numbers = Precision::kF32;
  int threads = 0;  // 0 = all
  Isa isa = best_isa();
  uint64_t seed = 0;
  BaseStorage base_storage = BaseStorage::kDense;
  bool lora = false;
  LoraConfig lora_config;
  std::vector<std::string> targets;
  double lora_plus_ratio = 1;       // learning rate of B and magnitudes over that of A
  std::vector<std::string> freeze;  // full training: patterns of tensors that stay
  OptimizerConfig optimizer;
  ObjectiveConfig objective;
  double neftune_alpha = 0;
  double router_aux_weight = 0;
  Checkpointing checkpointing = Checkpointing::kNone;
  int64_t max_tokens = 0;            // of one micro-batch
  int64_t max_sequence_tokens = 0;   // of one sequence
  uint64_t memory_budget_bytes = 0;  // 0 = none
  std::string adapter;               // PEFT folder to start from; empty = fresh

  bool is_bf16() const { return numbers == Precision::kBF16 || numbers == Precision::kBF16Stochastic; }
  std::vector<AdapterSpec> adapters;  // side by side; empty: one, as the method and `adapter` say

  std::vector<AdapterSpec> all_adapters() const {
    if (!adapters.empty() || !lora) return adapters;
    return {{"", lora_config.rank, lora_config.alpha, seed, adapter}};
  }
  LoraConfig config_of(const AdapterSpec& a) const {
    LoraConfig c = lora_config;
    c.rank = a.rank;
    c.alpha = a.alpha;
    return c;
  }
  // Its place among `adapters`; throws kInvalidArgument naming `where`. An empty name is the first.
  int adapter_index(const std::string& name, const std::string& where) const;

  DType act() const { return is_bf16() ? DType::kBF16 : DType::kF32; }
  DType matrix() const { return numbers == Precision::kF16 ? DType::kF16 : act(); }
  GemmPrecision precision() const {
    return is_bf16() ? GemmPrecision::kBF16 : numbers == Precision::kF16 ? GemmPrecision::kF16 : GemmPrecision::kF32;
  }
};

// One micro-batch as it comes from outside. labels: -100 = not trained. Legend: N tokens, S sequences.
struct MicroBatch {
  std::vector<int32_t> tokens;          // (N)
  std::vector<int32_t> labels;          // (N)
  std::vector<int32_t> offsets;         // (S + 1)
  std::vector<float> weights;           // (N), or empty: all 1
  std::vector<int8_t> preference;       // (S), or empty
  std::vector<int32_t> adapters;        // (S) which adapter each sequence trains, ascending; empty: the first
  std::vector<int32_t> teacher_ids;     // (Ns, k) of the supervised tokens in order, or empty
  std::vector<float> teacher_logprobs;  // (Ns, k)
  int64_t teacher_k = 0;

  int adapter_of(int64_t sequence) const { return adapters.empty() ? 0 : adapters[static_cast<size_t>(sequence)]; }
  int64_t sequences() const { return static_cast<int64_t>(offsets.size()) - 1; }
  float weight(int32_t t) const { return weights.empty() ? 1.0f : weights[static_cast<size_t>(t)]; }
};

constexpr int32_t kIgnoreLabel = -100;

// Throws kInvalidArgument naming the field (`where` is its path, "microBatches[1]").
void check_micro_batch(const MicroBatch& batch, const TrainingSpec& spec, int64_t vocab_size, const std::string& where);

// fn(t, sequence) for every token that carries loss, in order.
template <class Fn>
void for_each_supervised(const MicroBatch& batch, Fn&& fn) {
  for (size_t s = 0; s + 1 < batch.offsets.size(); ++s)
    for (int32_t t = batch.offsets[s] + 1; t < batch.offsets[s + 1]; ++t)
      if (batch.labels[static_cast<size_t>(t)] != kIgnoreLabel) fn(t, static_cast<int64_t>(s));
}

// Sum of their weights.
double supervised_weight(const MicroBatch& batch);

// Tokens that carry loss: labels other than -100 that have a predecessor in their sequence.
int64_t count_supervised(const MicroBatch& batch);

}  // namespace anneal
