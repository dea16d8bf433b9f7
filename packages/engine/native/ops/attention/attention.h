// Causal attention over concatenated sequences: token t of a sequence sees tokens max(0, t-window+1)..t of the same
// sequence. Tiled: the T x T scores never exist; blocks that are masked out are not computed.
#pragma once
#include "ops/context.h"

namespace anneal {

struct AttentionOptions {
  int64_t query_heads = 0;      // H, a multiple of kv_heads; query head h reads kv head h / (H/K)
  int64_t kv_heads = 0;         // K
  int64_t head_size = 0;        // D of queries and keys
  int64_t value_head_size = 0;  // 0 = head_size (differs for MLA)
  float scale = 0.0f;           // scores are multiplied by it; usually 1/sqrt(D)
  int64_t window = 0;           // 0 = no sliding window
  float soft_cap = 0.0f;        // 0 = none; else scores = soft_cap * tanh(scores / soft_cap)
  // kBF16: the products run on bf16 operands with f32 accumulation; softmax is f32 either way.
  bool bf16_products = false;
};

// q (N,H*D), k (N,K*D), v (N,K*Dv), out (N,H*Dv): f32|bf16 each, out overwritten. lse (N,H) f32: log-sum-exp of each
// query's scores, overwritten. offsets (S+1) i32: 0 = offsets[0] <= ... <= offsets[S] = N.
void attention_forward(Context& ctx, const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& offsets,
                       Tensor out, Tensor lse, const AttentionOptions& options);

// dout (N,H*Dv); the rest as forward left it. dq, dk, dv: f32|bf16, overwritten; dq may be q or dout, dk may be k, dv
// may be v (equal dtypes).
void attention_backward(Context& ctx, const Tensor& dout, const Tensor& q, const Tensor& k, const Tensor& v,
                        const Tensor& out, const Tensor& lse, const Tensor& offsets, Tensor dq, Tensor dk, Tensor dv,
                        const AttentionOptions& options);

// Decode: one new query per sequence over its cache. q (B,H*D); keys (B,capacity,K*D), values (B,capacity,K*Dv)
// f32|bf16; lengths (B) i32 in [0,capacity]: the number of cached tokens each query sees (its own included; 0 leaves a
// zero row); slots (B) i32: which row of the cache sequence b owns (empty tensor = b). out (B,H*Dv) f32|bf16,
// overwritten.
void attention_decode(Context& ctx, const Tensor& q, const Tensor& keys, const Tensor& values, const Tensor& lengths,
                      const Tensor& slots, Tensor out, const AttentionOptions& options);

// Scratch bytes (upper bound) of forward and backward for the longest sequence given.
size_t attention_scratch_bytes(const Context& ctx, const AttentionOptions& options, int64_t tokens,
                               int64_t longest_sequence);

}  // namespace anneal
