// The 12 bytes that hold eight 6-bit scales and eight 6-bit minima in Q4_K and Q5_K.
#pragma once
#include <cstdint>

namespace anneal {
namespace {

inline void unpack_k_scales(const uint8_t* packed, uint8_t* scales, uint8_t* minima) {
  for (int i = 0; i < 4; ++i) {
    scales[i] = packed[i] & 63;
    minima[i] = packed[4 + i] & 63;
    scales[4 + i] = static_cast<uint8_t>((packed[8 + i] & 15) | (packed[i] >> 6) << 4);
    minima[4 + i] = static_cast<uint8_t>((packed[8 + i] >> 4) | (packed[4 + i] >> 6) << 4);
  }
}

inline void pack_k_scales(const uint8_t* scales, const uint8_t* minima, uint8_t* packed) {
  for (int i = 0; i < 4; ++i) {
    packed[i] = static_cast<uint8_t>(scales[i] | (scales[4 + i] >> 4) << 6);
    packed[4 + i] = static_cast<uint8_t>(minima[i] | (minima[4 + i] >> 4) << 6);
    packed[8 + i] = static_cast<uint8_t>((scales[4 + i] & 15) | (minima[4 + i] & 15) << 4);
  }
}

}  // namespace
}  // namespace anneal
