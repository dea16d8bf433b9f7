// Kernels over rows or flat ranges. dtypes are f32 or bf16 (sources marked "dense" also f16); sizes are checked by the
// ops.
#pragma once
#include <cstdint>

#include "core/tensor.h"

namespace anneal {

// A pointer with its element type.
struct Ref {
  void* data = nullptr;
  DType dtype = DType::kF32;
  explicit operator bool() const { return data != nullptr; }
};
struct ConstRef {
  const void* data = nullptr;
  DType dtype = DType::kF32;
  explicit operator bool() const { return data != nullptr; }
};

struct RmsNormArgs {
  Ref x;           // (rows, channels); written only when delta is given
  ConstRef delta;  // added to x first, or null
  ConstRef weight;
  Ref y;
  float* inverse_rms;
  int64_t channels;
  float epsilon, weight_offset;
};
struct RmsNormBackwardArgs {
  ConstRef dy, x, weight;
  const float* inverse_rms;
  float* dx;
  bool accumulate_dx;
  float* dweight;  // (channels) of this block of rows, added to, or null
  int64_t channels;
  float weight_offset;
};
struct RopeArgs {
  Ref x;
  int64_t heads, head_size, half;  // half = rotary size / 2
  int64_t offset;                  // first rotated channel of a head
  bool interleaved;                // pairs are neighbours instead of `half` apart
  const float* cos;                // (positions, half)
  const float* sin;
  const int32_t* positions;
  float sign;  // -1 for the inverse
};
struct GatedArgs {
  ConstRef gate, up;
  Ref h;
  ConstRef dh;     // backward only
  Ref dgate, dup;  // backward only
  bool gelu;
};
struct AdamWArgs {
  float* master;
  const float* gradient;
  float* m;
  float* v;
  float decay;  // 1 - lr * weight_decay
  float one_minus_beta1, beta2, one_minus_beta2, step_size, inverse_sqrt_correction2, epsilon, gradient_scale;
};
struct SoftmaxRow {
  float maximum;
  float sum;  // of exp(x - maximum)
  int32_t argmax;
};

struct RowKernels {
  // y = (accumulate ? y : 0) + scale * x over n elements. x dense.
  void (*move)(ConstRef x, int64_t x_at, Ref y, int64_t y_at, int64_t n, float scale, bool accumulate);
  void (*rms_norm)(const RmsNormArgs& args, int64_t row_begin, int64_t row_end);
  void (*rms_norm_backward)(const RmsNormBackwardArgs& args, int64_t row_begin, int64_t row_end);
  void (*rope)(const RopeArgs& args, int64_t row_begin, int64_t row_end);
  void (*gated)(const GatedArgs& args, int64_t begin, int64_t end);
  void (*gated_backward)(const GatedArgs& args, int64_t begin, int64_t end);
  // Elements [begin, end), begin a multiple of 64; key and op/step words of the stream. keep = bits >= threshold.
  void (*dropout)(ConstRef x, Ref y, int64_t begin, int64_t end, uint64_t seed, uint32_t op, uint32_t step,
                  uint32_t threshold, float scale, bool accumulate);
  double (*sum_of_squares)(const float* x, int64_t n);
  bool (*all_finite)(ConstRef x, int64_t begin, int64_t end);
  void (*adamw)(const AdamWArgs& args, int64_t begin, int64_t end);
  // x is left alone, or replaced by exp(x - maximum) when `store`.
  SoftmaxRow (*softmax_row)(float* x, int64_t n, bool store);
  void (*soft_cap)(float* x, int64_t n, float cap);  // x = cap * tanh(x / cap)
  // d = factor * x (x holds exponentials), or factor * exp(x - maximum) * (1 - (x/cap)^2) when cap > 0.
  void (*softmax_gradient)(float* x, int64_t n, float factor, float maximum, float cap);
  // y = x - shift
  void (*subtract)(const float* x, float* y, int64_t n, float shift);
};

}  // namespace anneal
