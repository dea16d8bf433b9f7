// The 12 bytes that hold eight 6-bit scales and eight 6-bit minima in Q4_K and Q5_K.
#pragma once
#include <cstdint>

#include "quant/types/expand.h"

namespace anneal {
namespace {

inline void pack_k_scales(const uint8_t* scales, const uint8_t* minima, uint8_t* packed) {
  for (int i = 0; i < 4; ++i) {
    packed[i] = static_cast<uint8_t>(scales[i] | (scales[4 + i] >> 4) << 6);
    packed[4 + i] = static_cast<uint8_t>(minima[i] | (minima[4 + i] >> 4) << 6);
    packed[8 + i] = static_cast<uint8_t>((scales[4 + i] & 15) | (minima[4 + i] & 15) << 4);
  }
}

}  // namespace
}  // namespace anneal

namespace anneal::ANNEAL_QUANT_ISA {

// Scales and minima of a block's eight groups in floats; the block starts with half d, half dmin and the packed 12
// bytes.
struct KScales {
  float scale[8], minimum[8];
};

ANNEAL_INLINE KScales k_scales(const uint8_t* block) {
  // Four 6-bit numbers at once, one in each byte.
  const uint32_t a = load_u32(block + 4), b = load_u32(block + 8), c = load_u32(block + 12);
  const uint32_t codes[4] = {a & 0x3f3f3f3fu, (c & 0x0f0f0f0fu) | (a >> 2 & 0x30303030u), b & 0x3f3f3f3fu,
                             (c >> 4 & 0x0f0f0f0fu) | (b >> 2 & 0x30303030u)};
  uint8_t bytes[16];
  std::memcpy(bytes, codes, sizeof bytes);
  float factors[16], all[16];
  const float d = load_half(block), dmin = load_half(block + 2);
  for (int i = 0; i < 16; ++i) factors[i] = i < 8 ? d : dmin;
  for (int i = 0; i < 16; i += kLanes)
    store(all + i, load(factors + i) * to_float(reinterpret_cast<Vi>(load_bytes(bytes + i))));
  KScales out;
  std::memcpy(out.scale, all, sizeof out.scale);
  std::memcpy(out.minimum, all + 8, sizeof out.minimum);
  return out;
}

}  // namespace anneal::ANNEAL_QUANT_ISA
