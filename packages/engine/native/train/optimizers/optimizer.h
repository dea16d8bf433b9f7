// Rules that turn gradients into updates. One file per rule; registry.cc names them. What a rule keeps lies in
// Parameter::state.
#pragma once
#include <memory>

#include "nn/memory_layout.h"
#include "nn/parameter.h"
#include "ops/context.h"
#include "ops/optimizer/update_target.h"
#include "train/training_spec.h"

namespace anneal {

struct UpdateOptions {
  float learning_rate = 0;   // of this parameter
  float weight_decay = 0;    // 0 for tensors that are not decayed
  float gradient_scale = 1;  // factor of the gradient as it is read: clipping over loss scale
  int64_t step = 1;          // 1-based count of updates
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // Takes the parameter's state, which starts as zeros.
  virtual void place(Parameter& p, MemoryLayout& layout) const = 0;
  virtual void update(Context& ctx, Parameter& p, const UpdateTarget& target, const UpdateOptions& options) const = 0;
};

std::unique_ptr<Optimizer> make_optimizer(const OptimizerConfig& config);
// As spec.optimizer.kind has it; also the name in state files.
const char* optimizer_name(OptimizerKind kind);

}  // namespace anneal
