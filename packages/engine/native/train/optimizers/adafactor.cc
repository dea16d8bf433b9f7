#include "ops/optimizer/adafactor.h"

#include "train/optimizers/rules.h"

namespace anneal {
namespace {

class Adafactor final : public Optimizer {
 public:
  explicit Adafactor(const OptimizerConfig& c) : config_(c) {}
  void place(Parameter& p, MemoryLayout& layout) const override {
    if (!p.is_matrix()) {
      p.state = {{"variance", layout.take(Part::kOptimizer, DType::kF32, p.shape)}};
      return;
    }
    p.state = {{"rows", layout.take(Part::kOptimizer, DType::kF32, {p.shape.elements() / p.shape[-1]})},
               {"columns", layout.take(Part::kOptimizer, DType::kF32, {p.shape[-1]})}};
  }
  void update(Context& ctx, Parameter& p, const UpdateTarget& target, const UpdateOptions& u) const override {
    AdafactorOptions o;
    o.learning_rate = u.learning_rate;
    o.decay = config_.decay;
    o.epsilon1 = config_.epsilon1;
    o.epsilon2 = config_.epsilon2;
    o.clip_threshold = config_.clip_threshold;
    o.weight_decay = u.weight_decay;
    o.step = u.step;
    o.gradient_scale = u.gradient_scale;
    if (p.is_matrix()) adafactor(ctx, target, p.grad, p.state[0].tensor, p.state[1].tensor, {}, o);
    else adafactor(ctx, target, p.grad, {}, {}, p.state[0].tensor, o);
  }

 private:
  OptimizerConfig config_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adafactor(const OptimizerConfig& c) { return std::make_unique<Adafactor>(c); }

}  // namespace anneal
