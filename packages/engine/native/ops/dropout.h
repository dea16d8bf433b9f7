// Inverted dropout with a counter-based mask: the mask is a function of (stream, element index), so backward needs
// nothing saved.
#pragma once
#include "core/philox.h"
#include "ops/context.h"

namespace anneal {

// y = x * keep / (1 - probability), keep drawn per element; x (any shape) f32|bf16, y the same shape f32|bf16.
// accumulate: y +=. The same call on dy gives dx. 0 <= probability < 1. y may be x when dtypes are equal and accumulate
// is false.
void dropout(Context& ctx, const Tensor& x, Tensor y, float probability, const RandomStream& stream,
             bool accumulate = false);

}  // namespace anneal
