// AdamW with decoupled weight decay, moments in f32 or in 8 bits.
#pragma once
#include "ops/optimizer/update_target.h"

namespace anneal {

struct AdamWOptions {
  float learning_rate = 0;
  double beta1 = 0.9;  // double: 1 - beta2 loses five digits in f32
  double beta2 = 0.999;
  float epsilon = 1e-8f;
  float weight_decay = 0;    // 0 for tensors that are not decayed
  int64_t step = 1;          // 1-based: for bias correction
  float gradient_scale = 1;  // clip factor, applied to the gradient as it is read
};

// gradient f32, left as it is; m, v: f32, updated in place.
// Order of operations is torch.optim.AdamW's: decay, moments, w -= lr/bc1 * m / (sqrt(v)/sqrt(bc2) + epsilon).
void adamw(Context& ctx, const UpdateTarget& target, const Tensor& gradient, Tensor m, Tensor v,
           const AdamWOptions& options);

// Elements of one block of 8-bit moments.
constexpr int64_t kMomentBlock = 256;

// Moments of n elements in 8 bits: one code per element and one f32 scale (the block's largest) per kMomentBlock. The
// first moment has a sign and 127 sizes; of the second the root is kept, in 254 sizes, so that both span the same
// decades. Seven decades, each with twice the sizes of the one below it, spread evenly: a value within a decade of the
// block's scale is off by at most 0.7% of the scale (m) or 0.35% (root of v). A root that is not zero never becomes
// zero, so an update stays bounded.
struct Moments8 {
  Tensor m_codes, v_codes;    // (n) bytes
  Tensor m_scales, v_scales;  // (ceil(n / kMomentBlock)) f32
};
void adamw_8bit(Context& ctx, const UpdateTarget& target, const Tensor& gradient, const Moments8& moments,
                const AdamWOptions& options);

// One block's codec, for tests: codes of x (signed), and back.
void encode_moments(const float* x, int64_t n, bool has_sign, uint8_t* codes, float* scale);
void decode_moments(const uint8_t* codes, int64_t n, bool has_sign, float scale, float* x);

}  // namespace anneal
