// NEFTune (Jain et al., 2023): uniform noise on the embeddings of training, smaller for longer sequences.
#pragma once
#include "core/philox.h"
#include "ops/context.h"

namespace anneal {

// x (N,C) f32 += alpha / sqrt(L * C) * u, u uniform in [-1, 1), L the length of the token's sequence; offsets (S + 1)
// i32. The noise is a function of (stream, element), so nothing needs to be kept for it.
void add_embedding_noise(Context& ctx, Tensor x, const Tensor& offsets, float alpha, const RandomStream& stream);

}  // namespace anneal
