// The model a policy is compared with: the base with adapters off, or a frozen copy of the weights a full training started from.
#pragma once
#include <memory>
#include <vector>

#include "train/frozen_model.h"

namespace anneal {

class Reference {
 public:
  explicit Reference(const TrainingSpec& spec) {
    if (!spec.lora) copy_ = std::make_unique<FrozenModel>(spec.base, "", spec, "spec.base");
  }
  void place(MemoryLayout& layout) {
    if (copy_) copy_->place(layout);
  }
  size_t scratch_bytes(const Context& ctx) const { return copy_ ? copy_->scratch_bytes(ctx) : 0; }
  void load(Context& ctx) {
    if (copy_) copy_->load(ctx);
  }
  // Uses the policy's buffers when it has none of its own.
  std::vector<SequenceScore> score(Runner& policy, const MicroBatch& batch) {
    return copy_ ? copy_->runner().score(batch, false) : policy.score(batch, false);
  }

 private:
  std::unique_ptr<FrozenModel> copy_;
};

}  // namespace anneal
