// Score blocks and decode: see cpu/attention_kernels.h.
#pragma once
#include "cpu/impl/rows.h"

namespace anneal::ANNEAL_ISA_NS {

ANNEAL_INLINE Vi lane_numbers() {
  Vi v;
  for (int i = 0; i < kLanes; ++i) v[i] = i;
  return v;
}

// Columns [low, high) of the block that row `row` sees.
ANNEAL_INLINE void visible(const ScoreBlock& b, int64_t row, int32_t& low, int32_t& high) {
  const int64_t query = b.query0 + row;
  const int64_t first = b.window > 0 && query + 1 > b.window ? query + 1 - b.window : 0;
  const int64_t l = first - b.key0, h = query + 1 - b.key0;
  low = static_cast<int32_t>(l > b.column_begin ? l : b.column_begin);
  high = static_cast<int32_t>(h < b.column_end ? h : b.column_end);
}

ANNEAL_INLINE Vf scaled(Vf raw, float scale, float cap) {
  const Vf x = raw * scale;
  return cap > 0 ? cap * vtanh(x / cap) : x;
}

// The columns are walked in whole vectors: block rows have room for them, and lanes outside [low, high) are masked.
inline void softmax_block(const ScoreBlock& b, float* maximum, float* sum, float* rescale) {
  const Vi lanes = lane_numbers();
  const Vf lowest = splat(-__builtin_inff());
  for (int64_t row = 0; row < b.rows; ++row) {
    float* s = b.scores + row * b.stride;
    int32_t low, high;
    visible(b, row, low, high);
    Vf top = lowest;
    for (int64_t j = b.column_begin; j < b.column_end; j += kLanes) {
      const Vi column = lanes + static_cast<int32_t>(j);
      Vf x = scaled(load(s + j), b.scale, b.soft_cap);
      x = column >= low && column < high ? x : lowest;
      store(s + j, x);
      top = vmax(x, top);
    }
    const float before = maximum[row];
    const float block_top = hmax(top);
    const float now = block_top > before ? block_top : before;
    if (now == -__builtin_inff()) {  // nothing visible yet
      for (int64_t j = b.column_begin; j < b.column_end; j += kLanes) store(s + j, Vf{});
      rescale[row] = 1.0f;
      continue;
    }
    Vf total{};
    for (int64_t j = b.column_begin; j < b.column_end; j += kLanes) {
      const Vf e = vexp(load(s + j) - now);
      store(s + j, e);
      total += e;
    }
    const Vf shrink = vexp(splat(before - now));
    rescale[row] = shrink[0];
    sum[row] = sum[row] * shrink[0] + hsum(total);
    maximum[row] = now;
  }
}

inline void gradient_block(const ScoreBlock& b, float* dp, const float* lse, int64_t lse_stride, const float* delta) {
  const Vi lanes = lane_numbers();
  for (int64_t row = 0; row < b.rows; ++row) {
    float* s = b.scores + row * b.stride;
    float* d = dp + row * b.stride;
    const float log_sum = lse[row * lse_stride], pull = delta[row];
    int32_t low, high;
    visible(b, row, low, high);
    for (int64_t j = b.column_begin; j < b.column_end; j += kLanes) {
      const Vi column = lanes + static_cast<int32_t>(j);
      const Vi seen = column >= low && column < high;
      const Vf x = scaled(load(s + j), b.scale, b.soft_cap);
      const Vf p = vexp(x - log_sum);
      Vf g = p * (load(d + j) - pull) * b.scale;
      if (b.soft_cap > 0) {
        const Vf ratio = x / b.soft_cap;
        g *= 1.0f - ratio * ratio;
      }
      store(s + j, seen ? p : Vf{});
      store(d + j, seen ? g : Vf{});
    }
  }
}

inline float dot(ConstRef a, int64_t a_at, ConstRef b, int64_t b_at, int64_t n) {
  Vf sum{};
  for_vectors(n, [&](int64_t i, int64_t k) { sum += get(a, a_at + i, k) * get(b, b_at + i, k); });
  return hsum(sum);
}

inline void decode(const DecodeArgs& a) {
  const int64_t first = a.window > 0 && a.length > a.window ? a.length - a.window : 0;
  const int64_t n = a.length - first;
  constexpr int64_t kMaxVectors = 384 / kLanes;
  for (int64_t h = 0; h < a.group; ++h) {
    Vf sums[kMaxVectors];
    const int64_t vectors = (a.value_head_size + kLanes - 1) / kLanes;
    for (int64_t i = 0; i < vectors; ++i) sums[i] = Vf{};
    float total = 0;
    if (n > 0) {
      for (int64_t t = 0; t < n; ++t)
        a.scores[t] =
            dot(a.q, a.q_at + h * a.head_size, a.keys, a.key_at + (first + t) * a.key_stride, a.head_size) * a.scale;
      if (a.soft_cap > 0) soft_cap(a.scores, n, a.soft_cap);
      total = softmax_row(a.scores, n, true).sum;
    }
    for (int64_t t = 0; t < n; ++t) {
      const float p = a.scores[t];
      const int64_t at = a.value_at + (first + t) * a.value_stride;
      for (int64_t i = 0; i < vectors; ++i)
        sums[i] += p * get(a.values, at + i * kLanes, a.value_head_size - i * kLanes);
    }
    const float inverse = n > 0 ? 1.0f / total : 0.0f;
    for (int64_t i = 0; i < vectors; ++i)
      put(a.out, a.out_at + h * a.value_head_size + i * kLanes, sums[i] * inverse, a.value_head_size - i * kLanes);
  }
}

constexpr AttentionKernels kAttentionKernels = {softmax_block, gradient_block, dot, decode};

}  // namespace anneal::ANNEAL_ISA_NS
