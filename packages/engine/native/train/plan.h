// Bytes and work of a session before it exists: the session's own placing code run against a counting layout.
#pragma once
#include <cstdint>
#include <vector>

#include "nn/memory_layout.h"
#include "train/model.h"
#include "train/objectives/objective.h"
#include "train/training_spec.h"

namespace anneal {

struct MemoryPlan {
  uint64_t weights = 0, blocks = 0, adapter = 0, gradients = 0, optimizer = 0, activations = 0, reference = 0,
           logits = 0, packing = 0, runtime = 0;
  std::vector<uint64_t> layer_activations;  // of `activations`, what each layer keeps for backward
  uint64_t total = 0;
  int64_t trainable_parameters = 0;
  double flops_per_micro_batch = 0;

  uint64_t arena_bytes = 0;    // one reservation for everything that lives as long as the session
  uint64_t scratch_bytes = 0;  // ops' scratch: packing panels and logit chunks
};

// Places the parameters, the optimizer's state and what the objective needs beside them.
void place_state(Model& model, Objective& objective, const TrainingSpec& spec, MemoryLayout& layout);
// Places the buffers of training passes. They hold nothing between two calls of a session.
PassBuffers place_buffers(const Model& model, const TrainingSpec& spec, MemoryLayout& layout);

// Throws kOutOfMemory with the parts when spec.memory_budget_bytes is exceeded.
MemoryPlan plan_session(Model& model, Objective& objective, const TrainingSpec& spec, ThreadPool& pool);

}  // namespace anneal
