// The model a policy is compared with: the one that training started from.
#pragma once
#include <memory>
#include <vector>

#include "train/frozen_model.h"

namespace anneal {

// Full training: a frozen copy of all weights. LoRA: the base, with a frozen copy of the adapters that training goes on
// from where there are such; fresh ones add nothing, so without them the adapters are switched off. A state that is
// loaded later changes no copy.
class Reference {
 public:
  Reference(const TrainingSpec& spec, Model& policy);
  // After the policy's parameters.
  void place(MemoryLayout& layout);
  size_t scratch_bytes(const Context& ctx) const { return copy_ ? copy_->scratch_bytes(ctx) : 0; }
  // After the policy's weights.
  void load(Context& ctx);
  // Uses the policy's buffers when it has none of its own.
  std::vector<SequenceScore> score(Runner& policy, const MicroBatch& batch);

 private:
  struct KeptMatrix {
    Parameter* parameter;
    Tensor value;
  };
  struct KeptFactors {
    Linear* linear;
    Tensor factors;
  };
  // Exchanges what the policy's layers read and what is kept.
  void exchange();

  Model& policy_;
  bool goes_on_ = false;  // from an adapter
  std::vector<KeptMatrix> matrices_;
  std::vector<KeptFactors> factors_;  // with DoRA
  std::unique_ptr<FrozenModel> copy_;
};

}  // namespace anneal
