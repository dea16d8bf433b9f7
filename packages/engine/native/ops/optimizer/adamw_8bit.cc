#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "ops/optimizer/adamw.h"

namespace anneal {

namespace {

// Sizes in ascending order from 0 to 1: decade i of 7 holds `first` * 2^i of them, spread evenly.
class Codebook {
 public:
  explicit Codebook(int first) {
    sizes_.push_back(0.0f);
    for (int decade = 0; decade < 7; ++decade) {
      const int count = first << decade;
      for (int j = 1; j <= count; ++j)
        sizes_.push_back(static_cast<float>(std::pow(10.0, decade - 6) * (0.1 + 0.9 * j / count)));
    }
    sizes_.back() = 1.0f;
    for (size_t i = 0; i + 1 < sizes_.size(); ++i) middles_.push_back(0.5f * (sizes_[i] + sizes_[i + 1]));
    for (uint32_t i = 0; i < start_.size(); ++i) {
      const float edge = std::bit_cast<float>((kLowest + i) << 16);
      start_[i] = static_cast<uint8_t>(std::upper_bound(middles_.begin(), middles_.end(), edge) - middles_.begin());
    }
  }

  float size(uint8_t code) const { return sizes_[code]; }
  // The nearest size of x, 0 <= x <= 1.
  uint8_t nearest(float x) const {
    const uint32_t bits = std::bit_cast<uint32_t>(x) >> 16;
    // The upper half of a float is an edge at or below x: few codes lie between that edge's code and x's own.
    uint32_t code = bits <= kLowest ? 0 : start_[std::min<uint32_t>(bits - kLowest, start_.size() - 1)];
    while (code < middles_.size() && x > middles_[code]) ++code;
    return static_cast<uint8_t>(code);
  }

 private:
  static constexpr uint32_t kLowest = 0x3400u;  // 2^-23, below half of the smallest size
  std::vector<float> sizes_, middles_;
  std::array<uint8_t, 0x3f80u - kLowest + 1> start_{};
};

const Codebook& signed_sizes() {
  static const Codebook book(1);
  return book;
}
const Codebook& unsigned_sizes() {
  static const Codebook book(2);
  return book;
}

}  // namespace

void encode_moments(const float* x, int64_t n, bool has_sign, uint8_t* codes, float* scale) {
  float largest = 0;
  for (int64_t i = 0; i < n; ++i) largest = std::max(largest, std::fabs(x[i]));
  *scale = largest;
  const float inverse = largest > 0 ? 1.0f / largest : 0.0f;
  const Codebook& book = has_sign ? signed_sizes() : unsigned_sizes();
  for (int64_t i = 0; i < n; ++i) {
    const float size = std::min(std::fabs(x[i]) * inverse, 1.0f);
    uint8_t code = book.nearest(size);
    if (!has_sign && code == 0 && x[i] > 0) code = 1;
    codes[i] = has_sign && x[i] < 0 ? code | 0x80u : code;
  }
}

void decode_moments(const uint8_t* codes, int64_t n, bool has_sign, float scale, float* x) {
  const Codebook& book = has_sign ? signed_sizes() : unsigned_sizes();
  for (int64_t i = 0; i < n; ++i) {
    if (!has_sign) {
      x[i] = scale * book.size(codes[i]);
    } else {
      const float size = scale * book.size(codes[i] & 0x7fu);
      x[i] = codes[i] & 0x80u ? -size : size;
    }
  }
}

void adamw_8bit(Context& ctx, const UpdateTarget& target, const Tensor& gradient, const Moments8& moments,
                const AdamWOptions& o) {
  constexpr const char* kOp = "adamw_8bit";
  static_assert(kFlatGrain % kMomentBlock == 0);
  check_target(kOp, target, gradient);
  const int64_t n = gradient.shape.elements(), blocks = (n + kMomentBlock - 1) / kMomentBlock;
  require_elements(kOp, "m_codes", moments.m_codes, n);
  require_elements(kOp, "v_codes", moments.v_codes, n);
  require_elements(kOp, "m_scales", moments.m_scales, blocks);
  require_elements(kOp, "v_scales", moments.v_scales, blocks);
  require(o.step >= 1, ErrorCode::kInvalidArgument, "step_below_one", kOp, "step counts from 1");
  const double correction1 = 1.0 - std::pow(o.beta1, static_cast<double>(o.step));
  const double correction2 = 1.0 - std::pow(o.beta2, static_cast<double>(o.step));
  const auto decay = static_cast<float>(1.0 - static_cast<double>(o.learning_rate) * o.weight_decay);
  const auto step_size = static_cast<float>(o.learning_rate / correction1);
  const auto inverse_root2 = static_cast<float>(1.0 / std::sqrt(correction2));
  const auto beta2 = static_cast<float>(o.beta2), one_minus_beta1 = static_cast<float>(1.0 - o.beta1),
             one_minus_beta2 = static_cast<float>(1.0 - o.beta2);
  auto* m_codes = static_cast<uint8_t*>(moments.m_codes.data);
  auto* v_codes = static_cast<uint8_t*>(moments.v_codes.data);
  auto* m_scales = static_cast<float*>(moments.m_scales.data);
  auto* v_scales = static_cast<float*>(moments.v_scales.data);
  update_weights(ctx, target, [&](float* w, int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; at += kMomentBlock) {
      const int64_t count = std::min(kMomentBlock, end - at), block = at / kMomentBlock;
      float m[kMomentBlock], root[kMomentBlock];
      decode_moments(m_codes + at, count, true, m_scales[block], m);
      decode_moments(v_codes + at, count, false, v_scales[block], root);
      float* weights = w + (at - begin);
      for (int64_t i = 0; i < count; ++i) {
        const float g = gradient.f32()[at + i] * o.gradient_scale;
        m[i] += (g - m[i]) * one_minus_beta1;
        root[i] = std::sqrt(root[i] * root[i] * beta2 + g * g * one_minus_beta2);
        weights[i] = weights[i] * decay - step_size * m[i] / (root[i] * inverse_root2 + o.epsilon);
      }
      encode_moments(m, count, true, m_codes + at, m_scales + block);
      encode_moments(root, count, false, v_codes + at, v_scales + block);
    }
  });
}

}  // namespace anneal
