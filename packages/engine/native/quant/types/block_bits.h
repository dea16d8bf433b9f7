// Helpers shared by the row functions. Every type file is compiled once per ISA inside its own namespace, so everything
// here has internal linkage: a copy with AVX-512 code must never be picked for a machine without it.
#pragma once
#include <cstdint>
#include <cstring>
#if defined(__F16C__)
#include <immintrin.h>
#endif

namespace anneal {
namespace {

inline uint16_t load_u16(const uint8_t* p) { return static_cast<uint16_t>(p[0] | (p[1] << 8)); }
inline uint32_t load_u32(const uint8_t* p) {
  return static_cast<uint32_t>(p[0]) | static_cast<uint32_t>(p[1]) << 8 | static_cast<uint32_t>(p[2]) << 16 |
         static_cast<uint32_t>(p[3]) << 24;
}
inline void store_u16(uint8_t* p, uint16_t v) {
  p[0] = static_cast<uint8_t>(v);
  p[1] = static_cast<uint8_t>(v >> 8);
}
inline uint32_t float_bits(float v) {
  uint32_t u;
  std::memcpy(&u, &v, 4);
  return u;
}
inline float bits_float(uint32_t u) {
  float v;
  std::memcpy(&v, &u, 4);
  return v;
}

// IEEE half to float; NaN becomes quiet, as the hardware does it.
inline float half_to_float(uint16_t h) {
#if defined(__F16C__)
  return _cvtsh_ss(h);
#else
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16;
  const uint32_t exponent = (h >> 10) & 0x1f, mantissa = h & 0x3ff;
  if (exponent == 0x1f) return bits_float(sign | 0x7f800000u | mantissa << 13 | (mantissa ? 0x00400000u : 0));
  if (exponent != 0) return bits_float(sign | (exponent + 112) << 23 | mantissa << 13);
  // Subnormal: mantissa x 2^-24, exact in f32.
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
  return bits_float(sign | float_bits(magnitude));
#endif
}

// Float to IEEE half, round to nearest even; overflow becomes infinity, NaN stays a quiet NaN.
inline uint16_t float_to_half(float v) {
#if defined(__F16C__)
  return static_cast<uint16_t>(_cvtss_sh(v, _MM_FROUND_TO_NEAREST_INT));
#else
  const uint32_t u = float_bits(v);
  const uint16_t sign = static_cast<uint16_t>((u >> 16) & 0x8000);
  const uint32_t a = u & 0x7fffffffu;
  if (a > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00 | ((a >> 13) & 0x3ff));
  if (a >= 0x47800000u) return static_cast<uint16_t>(sign | 0x7c00);  // >= 65536, and infinity
  if (a >= 0x38800000u) {                                             // normal half; rounding may carry to infinity
    const uint32_t r = a - 0x38000000u;
    return static_cast<uint16_t>(sign | ((r + 0xfff + ((r >> 13) & 1)) >> 13));
  }
  // Subnormal half: adding 0.5 lines the wanted bits up with the bottom of the mantissa, rounding to nearest even.
  const float lined = bits_float(a) + 0.5f;
  return static_cast<uint16_t>(sign | (float_bits(lined) - 0x3f000000u));
#endif
}

inline float load_half(const uint8_t* p) { return half_to_float(load_u16(p)); }

inline float bfloat_to_float(uint16_t b) { return bits_float(static_cast<uint32_t>(b) << 16); }

// Round to nearest even; NaN is made quiet and keeps its upper bits.
inline uint16_t float_to_bfloat(float v) {
  const uint32_t u = float_bits(v);
  if ((u & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((u >> 16) | 64);
  return static_cast<uint16_t>((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}

// Nearest integer (ties to even) of |v| < 2^22 without a library call, so that loops vectorise on every ISA.
inline float round_even(float v) { return (v + 12582912.0f) - 12582912.0f; }

// Clamp that maps NaN to `low`, so that a later conversion to an integer is always defined.
inline float clamp_or_low(float v, float low, float high) {
  const float raised = v > low ? v : low;
  return raised < high ? raised : high;
}

inline float magnitude(float v) { return bits_float(float_bits(v) & 0x7fffffffu); }

// 1 / d as gguf-py takes it: 0 where the block is all zero.
inline float inverse_or_zero(float d) { return d == 0.0f ? 0.0f : 1.0f / d; }

}  // namespace
}  // namespace anneal
