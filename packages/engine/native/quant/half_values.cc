#include "quant/half_values.h"

#include <bit>

#include "core/bf16.h"

namespace anneal {

namespace {

// NaN becomes quiet, as the hardware does it.
constexpr float value_of(uint16_t h) {
  const float v = to_f32(f16{h});
  return v == v ? v : std::bit_cast<float>(std::bit_cast<uint32_t>(v) | 0x00400000u);
}

constexpr std::array<float, 65536> all_values() {
  std::array<float, 65536> values{};
  for (uint32_t h = 0; h < values.size(); ++h) values[h] = value_of(static_cast<uint16_t>(h));
  return values;
}

}  // namespace

constexpr std::array<float, 65536> kHalfValues = all_values();

}  // namespace anneal
