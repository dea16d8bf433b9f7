#include "ops/optimizer/lion.h"

#include "train/optimizers/rules.h"

namespace anneal {
namespace {

class Lion final : public Optimizer {
 public:
  explicit Lion(const OptimizerConfig& c) : config_(c) {}
  void place(Parameter& p, MemoryLayout& layout) const override {
    p.state = {{"moment1", layout.take(Part::kOptimizer, DType::kF32, p.shape)}};
  }
  void update(Context& ctx, Parameter& p, const UpdateTarget& target, const UpdateOptions& u) const override {
    lion(ctx, target, p.grad, p.state[0].tensor,
         {u.learning_rate, config_.beta1, config_.beta2, u.weight_decay, u.gradient_scale});
  }

 private:
  OptimizerConfig config_;
};

}  // namespace

std::unique_ptr<Optimizer> make_lion(const OptimizerConfig& c) { return std::make_unique<Lion>(c); }

}  // namespace anneal
