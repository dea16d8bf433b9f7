// Gradient norm and AdamW with decoupled weight decay. Everything in f32; sums of squares in f64 in a fixed order.
#pragma once
#include <vector>

#include "ops/context.h"

namespace anneal {

// sqrt of the sum of squares of all elements of all tensors (f32), accumulated in f64. NaN or infinity propagates.
double gradient_norm(Context& ctx, const std::vector<Tensor>& gradients);

struct AdamWOptions {
  float learning_rate = 0;
  double beta1 = 0.9;  // double: 1 - beta2 loses five digits in f32
  double beta2 = 0.999;
  float epsilon = 1e-8f;
  float weight_decay = 0;    // 0 for tensors that are not decayed
  int64_t step = 1;          // 1-based: for bias correction
  float gradient_scale = 1;  // clip factor, applied to the gradient as it is read
};

// master, m, v: f32, updated in place; gradient f32, left as it is; copy: bf16 refreshed from the master (empty = none).
// Order of operations is torch.optim.AdamW's: decay, moments, master -= lr/bc1 * m / (sqrt(v)/sqrt(bc2) + epsilon).
void adamw(Context& ctx, Tensor master, const Tensor& gradient, Tensor m, Tensor v, Tensor copy, const AdamWOptions& options);

}  // namespace anneal
