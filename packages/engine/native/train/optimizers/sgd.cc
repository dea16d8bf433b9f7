#include "ops/optimizer/sgd.h"

#include "train/optimizers/rules.h"

namespace anneal {
namespace {

class Sgd final : public Optimizer {
 public:
  explicit Sgd(const OptimizerConfig& c) : config_(c) {}
  void place(Parameter& p, MemoryLayout& layout) const override {
    if (config_.momentum > 0) p.state = {{"moment1", layout.take(Part::kOptimizer, DType::kF32, p.shape)}};
  }
  void update(Context& ctx, Parameter& p, const UpdateTarget& target, const UpdateOptions& u) const override {
    sgd(ctx, target, p.grad, p.state.empty() ? Tensor{} : p.state[0].tensor,
        {u.learning_rate, static_cast<float>(config_.momentum), config_.nesterov, u.weight_decay, u.gradient_scale});
  }

 private:
  OptimizerConfig config_;
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(const OptimizerConfig& c) { return std::make_unique<Sgd>(c); }

}  // namespace anneal
