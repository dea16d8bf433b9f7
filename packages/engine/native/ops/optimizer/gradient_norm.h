// Global norm of gradients; sums of squares in f64 in a fixed order.
#pragma once
#include <vector>

#include "ops/context.h"

namespace anneal {

// sqrt of the sum of squares of all elements of all tensors (f32), accumulated in f64. NaN or infinity propagates.
double gradient_norm(Context& ctx, const std::vector<Tensor>& gradients);

}  // namespace anneal
