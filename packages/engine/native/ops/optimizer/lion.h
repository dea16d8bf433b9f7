// Lion (Chen et al., "Symbolic discovery of optimization algorithms", 2023): the sign of a blend of momentum and
// gradient.
#pragma once
#include "ops/optimizer/update_target.h"

namespace anneal {

struct LionOptions {
  float learning_rate = 0;
  double beta1 = 0.9, beta2 = 0.99;
  float weight_decay = 0;  // decoupled; 0 for tensors that are not decayed
  float gradient_scale = 1;
};

// w -= lr * (sign(beta1 m + (1 - beta1) g) + weight_decay w); m = beta2 m + (1 - beta2) g. gradient, m: f32; m updated
// in place.
void lion(Context& ctx, const UpdateTarget& target, const Tensor& gradient, Tensor m, const LionOptions& options);

}  // namespace anneal
