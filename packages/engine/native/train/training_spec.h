// What a session is asked to do. The binding fills it from JavaScript and names bad fields; check_spec holds the rules between fields.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "cpu/isa.h"
#include "models/weight_source.h"
#include "nn/linear.h"
#include "ops/gemm.h"

namespace anneal {

struct AdamWConfig {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;
};

// How frozen matrices stay in memory (LoRA only); see train/base_storage.h.
enum class BaseStorage { kDense, kInt8, kNf4, kBlocks };

struct TrainingSpec {
  BaseSource base;
  bool bf16 = false;
  int threads = 0;  // 0 = all
  Isa isa = best_isa();
  uint64_t seed = 0;
  BaseStorage base_storage = BaseStorage::kDense;
  bool lora = false;
  LoraConfig lora_config;
  std::vector<std::string> targets;
  AdamWConfig optimizer;
  bool gradient_checkpointing = false;
  int64_t max_tokens = 0;           // of one micro-batch
  int64_t max_sequence_tokens = 0;  // of one sequence
  uint64_t memory_budget_bytes = 0;  // 0 = none
  std::string adapter;               // PEFT folder to start from; empty = fresh

  DType act() const { return bf16 ? DType::kBF16 : DType::kF32; }
  GemmPrecision precision() const { return bf16 ? GemmPrecision::kBF16 : GemmPrecision::kF32; }
};

// One micro-batch as it comes from outside. labels: -100 = not trained. Legend: N tokens, S sequences.
struct MicroBatch {
  std::vector<int32_t> tokens;   // (N)
  std::vector<int32_t> labels;   // (N)
  std::vector<int32_t> offsets;  // (S + 1)
};

constexpr int32_t kIgnoreLabel = -100;

// Throws kInvalidArgument naming the field (`where` is its path, "microBatches[1]").
void check_micro_batch(const MicroBatch& batch, const TrainingSpec& spec, int64_t vocab_size, const std::string& where);

// Tokens that carry loss: labels other than -100 that have a predecessor in their sequence.
int64_t count_supervised(const MicroBatch& batch);

}  // namespace anneal
