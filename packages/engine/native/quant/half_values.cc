#include "quant/half_values.h"

#include <bit>

namespace anneal {

namespace {

// NaN becomes quiet, as the hardware does it.
constexpr float value_of(uint32_t h) {
  const uint32_t sign = (h & 0x8000u) << 16, exponent = h >> 10 & 0x1fu, mantissa = h & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | mantissa << 13 | (mantissa ? 0x00400000u : 0));
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;  // subnormal: exact in f32
  return sign ? -magnitude : magnitude;
}

constexpr std::array<float, 65536> all_values() {
  std::array<float, 65536> values{};
  for (uint32_t h = 0; h < values.size(); ++h) values[h] = value_of(h);
  return values;
}

}  // namespace

constexpr std::array<float, 65536> kHalfValues = all_values();

}  // namespace anneal
