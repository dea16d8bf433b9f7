// Vectors of the ISA this translation unit is compiled for. Everything lives in namespace anneal::ANNEAL_ISA_NS, so
// that no inline function compiled for a newer processor can be merged by the linker into code that an older one runs.
// Only builtins and <cstring>'s memcpy are used.
#pragma once
#include <cstdint>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "cpu/kernel_table.h"

namespace anneal::ANNEAL_ISA_NS {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
#if defined(__AVX512BF16__)
constexpr bool kNativeBf16 = true;
#else
constexpr bool kNativeBf16 = false;
#endif

using Vf = float __attribute__((vector_size(4 * kLanes)));
using Vi = int32_t __attribute__((vector_size(4 * kLanes)));
using Vu = uint32_t __attribute__((vector_size(4 * kLanes)));
using Vh = uint16_t __attribute__((vector_size(2 * kLanes)));
using Vd = double __attribute__((vector_size(8 * kLanes)));

#define ANNEAL_INLINE inline __attribute__((always_inline))

ANNEAL_INLINE Vf load(const float* p) {
  Vf v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
ANNEAL_INLINE Vu load(const uint32_t* p) {
  Vu v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
ANNEAL_INLINE void store(float* p, Vf v) { std::memcpy(p, &v, sizeof v); }
ANNEAL_INLINE void store(uint32_t* p, Vu v) { std::memcpy(p, &v, sizeof v); }
// x - 0 is x, bit for bit, and the compiler knows it; 0 + x is not (-0), and would cost an addition in every inner
// loop.
ANNEAL_INLINE Vf splat(float x) { return x - Vf{}; }
ANNEAL_INLINE Vu splat(uint32_t x) { return Vu{} + x; }
ANNEAL_INLINE Vf as_float(Vu v) { return reinterpret_cast<Vf>(v); }
ANNEAL_INLINE Vu as_bits(Vf v) { return reinterpret_cast<Vu>(v); }
ANNEAL_INLINE Vf vmax(Vf a, Vf b) { return a > b ? a : b; }
ANNEAL_INLINE Vf vmin(Vf a, Vf b) { return a < b ? a : b; }

// bf16 bits in the low half of each lane, rounded to nearest even; NaN keeps a set mantissa bit.
ANNEAL_INLINE Vu bf16_bits(Vf v) {
  const Vu u = as_bits(v);
  const Vu rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  const Vu quiet = (u >> 16) | 0x40u;
  return v == v ? rounded : quiet;
}

ANNEAL_INLINE Vf load_bf16(const uint16_t* p) {
  Vh h;
  std::memcpy(&h, p, sizeof h);
  return as_float(__builtin_convertvector(h, Vu) << 16);
}

ANNEAL_INLINE void store_bf16(uint16_t* p, Vf v) {
#if defined(__AVX512BF16__)
  const __m256bh h = _mm512_cvtneps_pbh(reinterpret_cast<__m512>(v));
  std::memcpy(p, &h, sizeof h);
#else
  const Vh h = __builtin_convertvector(bf16_bits(v), Vh);
  std::memcpy(p, &h, sizeof h);
#endif
}

ANNEAL_INLINE Vf load_f16(const uint16_t* p) {
#if defined(__AVX512F__)
  __m256i h;
  std::memcpy(&h, p, sizeof h);
  return reinterpret_cast<Vf>(_mm512_cvtph_ps(h));
#elif defined(__AVX2__)
  __m128i h;
  std::memcpy(&h, p, sizeof h);
  return reinterpret_cast<Vf>(_mm256_cvtph_ps(h));
#else
  // Shift the 15 magnitude bits into place and let one multiplication fix the exponent bias, subnormals included.
  Vh h;
  std::memcpy(&h, p, sizeof h);
  const Vu w = __builtin_convertvector(h, Vu);
  const Vu magnitude = (w & 0x7fffu) << 13;
  const Vf scaled = as_float(magnitude) * 0x1p112f;
  const Vu special = (w & 0x7c00u) == 0x7c00u ? (magnitude | 0x7f800000u) : as_bits(scaled);
  return as_float(special | ((w & 0x8000u) << 16));
#endif
}

// Rounded to nearest even as f16 would hold it.
ANNEAL_INLINE Vf round_to_f16(Vf v) {
#if defined(__AVX512F__)
  return reinterpret_cast<Vf>(_mm512_cvtph_ps(_mm512_cvtps_ph(reinterpret_cast<__m512>(v), _MM_FROUND_TO_NEAREST_INT)));
#elif defined(__AVX2__)
  return reinterpret_cast<Vf>(_mm256_cvtph_ps(_mm256_cvtps_ph(reinterpret_cast<__m256>(v), _MM_FROUND_TO_NEAREST_INT)));
#else
  const Vu u = as_bits(v), magnitude = u & 0x7fffffffu, sign = u & 0x80000000u;
  const Vu normal = (magnitude + 0xfffu + ((magnitude >> 13) & 1u)) & ~0x1fffu;
  // Below 2^-14 the last bit weighs 2^-24: adding 0.5 lets the addition itself round there.
  const Vu small = as_bits((as_float(magnitude) + 0.5f) - 0.5f);
  Vu out = magnitude < 0x38800000u ? small : normal;
  out = magnitude >= 0x477ff000u ? Vu{} + 0x7f800000u : out;
  out = magnitude > 0x7f800000u ? Vu{} + 0x7fc00000u : out;
  return as_float(out | sign);
#endif
}

// One scalar of any dense float type, and one vector of kLanes consecutive ones.
template <class T>
ANNEAL_INLINE Vf load_as(const T* p);
template <>
ANNEAL_INLINE Vf load_as<float>(const float* p) {
  return load(p);
}
struct Bf16 {
  uint16_t bits;
};
struct F16 {
  uint16_t bits;
};
template <>
ANNEAL_INLINE Vf load_as<Bf16>(const Bf16* p) {
  return load_bf16(&p->bits);
}
template <>
ANNEAL_INLINE Vf load_as<F16>(const F16* p) {
  return load_f16(&p->bits);
}
ANNEAL_INLINE void store_as(float* p, Vf v) { store(p, v); }
ANNEAL_INLINE void store_as(Bf16* p, Vf v) { store_bf16(&p->bits, v); }

// First n < kLanes lanes; the others are zero on load and untouched on store.
template <class T>
ANNEAL_INLINE Vf load_part(const T* p, int64_t n) {
  T tail[kLanes];
  std::memset(tail, 0, sizeof tail);
  std::memcpy(tail, p, static_cast<size_t>(n) * sizeof(T));
  return load_as<T>(tail);
}
template <class T>
ANNEAL_INLINE void store_part(T* p, Vf v, int64_t n) {
  T tail[kLanes];
  store_as(tail, v);
  std::memcpy(p, tail, static_cast<size_t>(n) * sizeof(T));
}

// Sum and maximum across lanes: halves are folded, always in the same order.
ANNEAL_INLINE float hsum(Vf v) {
  float t[kLanes];
  store(t, v);
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) t[i] += t[i + half];
  return t[0];
}
ANNEAL_INLINE float hmax(Vf v) {
  float t[kLanes];
  store(t, v);
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) t[i] = t[i] > t[i + half] ? t[i] : t[i + half];
  return t[0];
}

// e^x, error below 1.5 ulp (Cephes' range reduction and polynomial); 0 below -87.34, infinity above 88.72, NaN stays
// NaN.
ANNEAL_INLINE Vf vexp(Vf x) {
  const Vf magic = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to the nearest integer
  const Vf clamped = vmin(vmax(x, splat(-87.34f)), splat(88.73f));
  const Vf shifted = clamped * 1.44269504088896341f + magic;
  const Vf n = shifted - magic;
  Vf r = clamped - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  Vf p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  // n is in [-126, 128]: two factors, because 2^128 has no f32.
  const Vi k = __builtin_convertvector(n, Vi);
  const Vi half = k >> 1;
  const Vf a = reinterpret_cast<Vf>((half + 127) << 23);
  const Vf b = reinterpret_cast<Vf>((k - half + 127) << 23);
  Vf y = p * a * b;
  y = x < -87.34f ? Vf{} : y;
  y = x > 88.72283f ? splat(__builtin_inff()) : y;
  return x == x ? y : x;
}

// tanh through e^-2|x|, exact sign; small arguments by a series where the quotient would cancel.
ANNEAL_INLINE Vf vtanh(Vf x) {
  const Vf a = x < 0.0f ? -x : x;
  const Vf e = vexp(a * -2.0f);
  const Vf big = (1.0f - e) / (1.0f + e);
  const Vf s = x * x;
  const Vf small = a * (1.0f + s * (-0.333333333f + s * (0.133333333f + s * (-0.0539682540f + s * 0.0218694885f))));
  const Vf y = a < 0.25f ? small : big;
  return x < 0.0f ? -y : y;
}

ANNEAL_INLINE Vf vsqrt(Vf x) {
#if defined(__AVX512F__)
  return reinterpret_cast<Vf>(_mm512_sqrt_ps(reinterpret_cast<__m512>(x)));
#elif defined(__AVX2__)
  return reinterpret_cast<Vf>(_mm256_sqrt_ps(reinterpret_cast<__m256>(x)));
#else
  for (int i = 0; i < kLanes; ++i) x[i] = __builtin_sqrtf(x[i]);
  return x;
#endif
}

template <int... I>
struct Indices {};
template <int N, int... I>
struct MakeIndices : MakeIndices<N - 1, N - 1, I...> {};
template <int... I>
struct MakeIndices<0, I...> {
  using Type = Indices<I...>;
};

template <int... I>
ANNEAL_INLINE Vu zip_low(Vu a, Vu b, Indices<I...>) {
  return __builtin_shufflevector(a, b, (I / 2 + (I % 2) * kLanes)...);
}
template <int... I>
ANNEAL_INLINE Vu zip_high(Vu a, Vu b, Indices<I...>) {
  return __builtin_shufflevector(a, b, (kLanes / 2 + I / 2 + (I % 2) * kLanes)...);
}

// Transposes a kLanes x kLanes block of 32-bit units in registers: log2(kLanes) rounds of perfect shuffles.
ANNEAL_INLINE void transpose(Vu (&v)[kLanes]) {
  using All = typename MakeIndices<kLanes>::Type;
  for (int round = 1; round < kLanes; round *= 2) {
    Vu next[kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < kLanes / 2; ++i) {
      next[2 * i] = zip_low(v[i], v[i + kLanes / 2], All{});
      next[2 * i + 1] = zip_high(v[i], v[i + kLanes / 2], All{});
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) v[i] = next[i];
  }
}

}  // namespace anneal::ANNEAL_ISA_NS
