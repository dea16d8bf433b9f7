// What packed operands are made of: see cpu/kernel_table.h.
#pragma once
#include "cpu/impl/vec.h"

namespace anneal::ANNEAL_ISA_NS {

// How elements become units. F32Units: f32 as it is. Bf16Units: pairs of bf16. RoundedUnits: bf16 values held in f32
// (no native dot).
struct F32Units {
  static constexpr int kElements = 1;
  static ANNEAL_INLINE Vu one(Vf v) { return as_bits(v); }
};
struct RoundedUnits {
  static constexpr int kElements = 1;
  static ANNEAL_INLINE Vu one(Vf v) { return bf16_bits(v) << 16; }
};
// f16 values held in f32: what is beyond 65504 becomes infinite, as it would in memory.
struct HalfUnits {
  static constexpr int kElements = 1;
  static ANNEAL_INLINE Vu one(Vf v) { return as_bits(round_to_f16(v)); }
};
#if defined(__AVX512BF16__)
struct Bf16Units {
  static constexpr int kElements = 2;
  // Consecutive elements of a row: low vector first.
  static ANNEAL_INLINE Vu pair_along(Vf low, Vf high) {
    return reinterpret_cast<Vu>(_mm512_cvtne2ps_pbh(reinterpret_cast<__m512>(high), reinterpret_cast<__m512>(low)));
  }
  // Elements k and k+1 of kLanes different columns.
  static ANNEAL_INLINE Vu pair_across(Vf even, Vf odd) {
    const __m256i e = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(reinterpret_cast<__m512>(even)));
    const __m256i o = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(reinterpret_cast<__m512>(odd)));
    return reinterpret_cast<Vu>(
        _mm512_or_si512(_mm512_cvtepu16_epi32(e), _mm512_slli_epi32(_mm512_cvtepu16_epi32(o), 16)));
  }
};
using LowUnits = Bf16Units;
#else
using LowUnits = RoundedUnits;
#endif

// bf16 in memory is what the units hold: packing moves bits.
template <class Units, class T>
constexpr bool kSameBits = false;
#if defined(__AVX512BF16__)
template <>
constexpr bool kSameBits<Bf16Units, Bf16> = true;
#endif

// A factor of one: nothing is multiplied, and bf16 whose units are the same bits is not converted.
struct Unscaled {};

// kLanes units along k starting at p (row-contiguous source).
template <class Units, class T>
ANNEAL_INLINE Vu units_along(const T* p, Vf alpha) {
  if constexpr (Units::kElements == 1) {
    return Units::one(load_as<T>(p) * alpha);
  } else {
    return Units::pair_along(load_as<T>(p) * alpha, load_as<T>(p + kLanes) * alpha);
  }
}
template <class Units, class T>
ANNEAL_INLINE Vu units_along(const T* p, Unscaled) {
  if constexpr (kSameBits<Units, T>) {
    Vu v;
    std::memcpy(&v, p, sizeof v);
    return v;
  } else {
    return units_along<Units>(p, splat(1.0f));
  }
}
// One unit of kLanes neighbouring columns; `next` is the row of k+1.
template <class Units, class T>
ANNEAL_INLINE Vu units_across(const T* p, const T* next, Vf alpha) {
  if constexpr (Units::kElements == 1) {
    return Units::one(load_as<T>(p) * alpha);
  } else {
    return Units::pair_across(load_as<T>(p) * alpha, load_as<T>(next) * alpha);
  }
}
template <class Units, class T>
ANNEAL_INLINE Vu units_across(const T* p, const T* next, Unscaled) {
  if constexpr (kSameBits<Units, T>) {
    Vh even, odd;
    std::memcpy(&even, p, sizeof even);
    std::memcpy(&odd, next, sizeof odd);
    return __builtin_convertvector(even, Vu) | (__builtin_convertvector(odd, Vu) << 16);
  } else {
    return units_across<Units>(p, next, splat(1.0f));
  }
}

}  // namespace anneal::ANNEAL_ISA_NS
