// Kernels on one block of attention scores, rows = queries, columns = keys. Sizes are checked by the op.
#pragma once
#include "cpu/row_kernels.h"

namespace anneal {

// Which keys a query sees: positions are within the sequence; `key0` is the position of column 0.
struct ScoreBlock {
  float* scores;  // (rows, columns), raw products q . k; row stride `stride`
  int64_t stride;
  int64_t rows;
  int64_t column_begin, column_end;  // columns that hold products; others are not touched
  int64_t query0, key0;
  int64_t window;  // 0 = none
  float scale, soft_cap;
};

struct DecodeArgs {
  ConstRef q;     // (group, head_size), contiguous
  ConstRef keys;  // token t at key_at + t * key_stride
  ConstRef values;
  Ref out;  // (group, value_head_size)
  int64_t q_at, key_at, value_at, out_at;
  int64_t key_stride, value_stride;
  int64_t group, head_size, value_head_size, length, window;
  float scale, soft_cap;
  float* scores;  // (length) scratch
};

struct AttentionKernels {
  // Online softmax: scores become exp(score - new maximum), masked ones 0; maximum[row] and sum[row] are brought up to
  // date; rescale[row] = exp(old maximum - new maximum), by which earlier partial outputs shrink.
  void (*softmax_block)(const ScoreBlock& block, float* maximum, float* sum, float* rescale);
  // scores become probabilities exp(score - lse[row * lse_stride]); dp (same layout) becomes d(raw score) = p * (dp -
  // delta[row]) * scale.
  void (*gradient_block)(const ScoreBlock& block, float* dp, const float* lse, int64_t lse_stride, const float* delta);
  float (*dot)(ConstRef a, int64_t a_at, ConstRef b, int64_t b_at, int64_t n);
  void (*decode)(const DecodeArgs& args);
};

}  // namespace anneal
