// Adafactor (Shazeer and Stern, 2018) in torch.optim.Adafactor's terms: second moments of a matrix kept as one row and
// one column.
#pragma once
#include "ops/optimizer/update_target.h"

namespace anneal {

struct AdafactorOptions {
  float learning_rate = 0;
  double decay = -0.8;      // 1 - beta2 of step t is t^decay
  double epsilon1 = 1e-30;  // least mean square of a matrix; its square is the least second moment
  double epsilon2 = 1e-3;   // least size of the weights that steps are relative to
  double clip_threshold = 1.0;
  float weight_decay = 0;
  int64_t step = 1;  // 1-based
  float gradient_scale = 1;
};

// Matrices (R, C): rows (R), columns (C) f32, `variance` empty. Others: variance, of the gradient's size, f32; rows and
// columns empty. All are updated in place. Sums are f64 in a fixed order.
void adafactor(Context& ctx, const UpdateTarget& target, const Tensor& gradient, Tensor rows, Tensor columns,
               Tensor variance, const AdafactorOptions& options);

}  // namespace anneal
