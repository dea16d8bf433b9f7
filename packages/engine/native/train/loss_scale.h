// Loss scale of f16 training: doubled after 2000 good steps in a row, halved by every overflow.
#pragma once
#include <algorithm>
#include <cstdint>

namespace anneal {

struct LossScale {
  static constexpr int64_t kGrowthInterval = 2000;
  static constexpr double kLargest = 16777216.0;  // 2^24
  static constexpr double kSmallest = 1.0 / 1024;

  double value = 65536.0;
  int64_t good_steps = 0;

  void succeeded() {
    if (++good_steps < kGrowthInterval) return;
    good_steps = 0;
    value = std::min(value * 2, kLargest);
  }
  // False when the scale can fall no further: then the scale is not what is wrong.
  bool overflowed() {
    good_steps = 0;
    if (value <= kSmallest) return false;
    value /= 2;
    return true;
  }
};

}  // namespace anneal
