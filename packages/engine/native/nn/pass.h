// One micro-batch on its way through the network. Legend: N tokens, S sequences, C channels, H heads, K kv heads, D
// head size, F ffn, r rank.
#pragma once
#include <cstdint>
#include <vector>

#include "ops/attention/attention.h"
#include "ops/context.h"
#include "ops/gemm/gemm.h"
#include "ops/rope.h"

namespace anneal {

// Keys and values of sequences being generated, per layer (B, capacity, columns of the layer's attention).
struct KvCache {
  std::vector<Tensor> keys;
  std::vector<Tensor> values;
  int64_t capacity = 0;
  Tensor lengths;  // (B) i32, decode: cached tokens each query sees, its own included
  Tensor slots;    // (B) i32: cache row of each sequence of this pass
};

// Tokens [begin, end) go through one of the adapters trained side by side.
struct AdapterSegment {
  int adapter;
  int64_t begin, end;
  uint64_t seed = 0;  // of its noise
};

enum class PassMode {
  kTrain,    // activations are kept for backward
  kForward,  // evaluation: nothing is kept
  kPrefill,  // like kForward, keys and values go to the cache
  kDecode,   // one token per sequence over the cache
};

class RouterBalance;

struct Pass {
  explicit Pass(Context& context) : ctx(context) {}
  Context& ctx;
  PassMode mode = PassMode::kForward;
  GemmPrecision precision = GemmPrecision::kF32;
  int64_t tokens = 0;
  Tensor token_ids;              // (N) i32
  Tensor positions;              // (N) i32, rows of the rotation tables, restarting with each sequence
  Tensor offsets;                // (S + 1) i32
  std::vector<RopeTable> ropes;  // by the decoder's list
  KvCache* cache = nullptr;
  bool adapters = true;
  std::vector<AdapterSegment> segments;  // cover all tokens in order; empty: all of them through `adapter`
  int adapter = 0;
  float noise_alpha = 0;             // NEFTune, in training
  RouterBalance* balance = nullptr;  // where routers are balanced
  // (R) i32, distinct: the only rows that anybody reads the layer's output of; empty: all.
  Tensor rows;
  // Dropout of adapters is a function of step, micro-batch, the adapter's seed and the linear's id.
  uint64_t seed = 0;
  uint32_t step = 0;
  uint32_t micro_batch = 0;
};

// The pass that goes on with pass.rows alone: R tokens, for everything that takes each token by itself.
Pass pass_of_rows(const Pass& pass);

// The rows of x (N, C) that belong to a segment.
inline Tensor token_rows(const Tensor& x, const AdapterSegment& s) {
  const int64_t bytes = x.dtype == DType::kF32 ? 4 : 2;
  return {static_cast<std::byte*>(x.data) + s.begin * x.cols() * bytes, x.dtype, {s.end - s.begin, x.cols()}};
}

// The first n rows of a buffer made for the largest micro-batch.
inline Tensor first_rows(const Tensor& t, int64_t n) {
  Tensor view = t;
  view.shape.dims[0] = n;
  return view;
}

}  // namespace anneal
