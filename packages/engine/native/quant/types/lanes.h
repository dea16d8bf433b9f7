// Sixteen floats at once in GCC's vector extension: the same arithmetic in the same order on every ISA.
#pragma once
#include <cstring>

namespace anneal {
namespace {

typedef float Lanes __attribute__((vector_size(64)));

inline Lanes load_lanes(const float* p) {
  Lanes v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

inline Lanes splat_lanes(float v) { return Lanes{} + v; }

inline Lanes lanes_magnitude(Lanes v) { return v < 0.0f ? -v : v; }

inline Lanes round_lanes(Lanes v) { return (v + 12582912.0f) - 12582912.0f; }

// NaN becomes `low`.
inline Lanes clamp_lanes(Lanes v, float low, float high) {
  const Lanes l = splat_lanes(low), h = splat_lanes(high);
  v = v > l ? v : l;
  return v < h ? v : h;
}

inline float sum_lanes(Lanes v) {
  float a[16];
  std::memcpy(a, &v, sizeof a);
  for (int width = 8; width > 0; width /= 2)
    for (int i = 0; i < width; ++i) a[i] += a[i + width];
  return a[0];
}

}  // namespace
}  // namespace anneal
