// Internal: the tiled CPU bodies behind ops/attention.h. Operands are checked already.
#pragma once
#include "ops/attention/attention.h"

namespace anneal {

struct AttentionTensors {
  Tensor q, k, v, out, lse, offsets;
  Tensor dout, dq, dk, dv;  // backward only
};

void attention_forward_cpu(Context& ctx, const AttentionTensors& tensors, const AttentionOptions& options);
void attention_backward_cpu(Context& ctx, const AttentionTensors& tensors, const AttentionOptions& options);
size_t attention_scratch_bytes_cpu(const Context& ctx, const AttentionOptions& options, int64_t tokens,
                                   int64_t longest);

// A head may not be wider than one block of packed units.
constexpr int64_t kMaxHeadSize = 384;

}  // namespace anneal
