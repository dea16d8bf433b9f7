// A second model that only looks: a teacher, or the weights a preference run started from. Same precision as the
// session, no gradients.
#pragma once
#include <memory>
#include <string>

#include "train/model.h"
#include "train/runner.h"

namespace anneal {

class FrozenModel {
 public:
  // Headers only. `adapter`: a PEFT folder applied to it, or empty. `role` is the spec's field, for errors.
  FrozenModel(const BaseSource& base, const std::string& adapter, const TrainingSpec& spec, const std::string& role);

  const ModelConfig& config() const { return model_.config(); }
  float soft_cap() const { return model_.decoder->config().logit_soft_cap; }
  void place(MemoryLayout& layout);
  size_t scratch_bytes(const Context& ctx) const;
  // Weights from the files; after the real placing.
  void load(Context& ctx);
  Runner& runner() { return *runner_; }

 private:
  TrainingSpec spec_;
  Model model_;
  PassBuffers buffers_;
  std::unique_ptr<Runner> runner_;
};

}  // namespace anneal
