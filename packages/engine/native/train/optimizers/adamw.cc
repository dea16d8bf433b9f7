#include "ops/optimizer/adamw.h"

#include "train/optimizers/rules.h"

namespace anneal {
namespace {

// Below this many elements 8-bit codes save nothing worth their error (bitsandbytes draws the same line).
constexpr int64_t kLeastCoded = 4096;

AdamWOptions options_of(const OptimizerConfig& c, const UpdateOptions& u) {
  AdamWOptions o;
  o.learning_rate = u.learning_rate;
  o.beta1 = c.beta1;
  o.beta2 = c.beta2;
  o.epsilon = static_cast<float>(c.epsilon);
  o.weight_decay = u.weight_decay;
  o.step = u.step;
  o.gradient_scale = u.gradient_scale;
  return o;
}

void place_moments(Parameter& p, MemoryLayout& layout) {
  p.state = {{"moment1", layout.take(Part::kOptimizer, DType::kF32, p.shape)},
             {"moment2", layout.take(Part::kOptimizer, DType::kF32, p.shape)}};
}

class AdamW final : public Optimizer {
 public:
  explicit AdamW(const OptimizerConfig& c) : config_(c) {}
  void place(Parameter& p, MemoryLayout& layout) const override { place_moments(p, layout); }
  void update(Context& ctx, Parameter& p, const UpdateTarget& target, const UpdateOptions& u) const override {
    adamw(ctx, target, p.grad, p.state[0].tensor, p.state[1].tensor, options_of(config_, u));
  }

 private:
  OptimizerConfig config_;
};

class AdamW8bit final : public Optimizer {
 public:
  explicit AdamW8bit(const OptimizerConfig& c) : config_(c) {}
  void place(Parameter& p, MemoryLayout& layout) const override {
    const int64_t n = p.shape.elements(), blocks = (n + kMomentBlock - 1) / kMomentBlock;
    if (n < kLeastCoded) return place_moments(p, layout);
    p.state = {{"moment1.codes", layout.take(Part::kOptimizer, DType::kU8, {n})},
               {"moment2.codes", layout.take(Part::kOptimizer, DType::kU8, {n})},
               {"moment1.scales", layout.take(Part::kOptimizer, DType::kF32, {blocks})},
               {"moment2.scales", layout.take(Part::kOptimizer, DType::kF32, {blocks})}};
  }
  void update(Context& ctx, Parameter& p, const UpdateTarget& target, const UpdateOptions& u) const override {
    const auto& s = p.state;
    if (s.size() == 2) return adamw(ctx, target, p.grad, s[0].tensor, s[1].tensor, options_of(config_, u));
    adamw_8bit(ctx, target, p.grad, {s[0].tensor, s[1].tensor, s[2].tensor, s[3].tensor}, options_of(config_, u));
  }

 private:
  OptimizerConfig config_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adamw(const OptimizerConfig& c) { return std::make_unique<AdamW>(c); }
std::unique_ptr<Optimizer> make_adamw_8bit(const OptimizerConfig& c) { return std::make_unique<AdamW8bit>(c); }

}  // namespace anneal
