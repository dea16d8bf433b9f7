// Stochastic gradient descent with momentum, in torch.optim.SGD's terms: weight decay is part of the gradient.
#pragma once
#include "ops/optimizer/update_target.h"

namespace anneal {

struct SgdOptions {
  float learning_rate = 0;
  float momentum = 0;
  bool nesterov = false;
  float weight_decay = 0;
  float gradient_scale = 1;
};

// g += weight_decay w; buffer = momentum buffer + g; w -= lr * (nesterov ? g + momentum buffer : buffer).
// buffer (f32, updated in place) starts as zero and is empty when momentum is 0.
void sgd(Context& ctx, const UpdateTarget& target, const Tensor& gradient, Tensor buffer, const SgdOptions& options);

}  // namespace anneal
