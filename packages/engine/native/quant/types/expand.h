// What the descriptions of blocks are written with: vectors of this ISA, codes out of packed bytes, tables of sixteen
// levels.
#pragma once
#include "quant/row_functions.h"
#ifndef ANNEAL_ISA_NS
#define ANNEAL_ISA_NS ANNEAL_QUANT_ISA
#endif
#include "cpu/impl/dot_blocks.h"
#include "quant/half_values.h"
#include "quant/types/block_bits.h"

namespace anneal::ANNEAL_QUANT_ISA {

struct NoHead {};  // of blocks whose groups share nothing

// A half in every lane.
ANNEAL_INLINE float half_at(const uint8_t* p) { return kHalfValues[load_u16(p)]; }
ANNEAL_INLINE Vf splat_half(const uint8_t* p) { return splat(half_at(p)); }

// kLanes bytes, each in a lane of its own.
ANNEAL_INLINE Vu load_bytes(const uint8_t* p) {
#if defined(__AVX512F__)
  return reinterpret_cast<Vu>(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
#elif defined(__AVX2__)
  return reinterpret_cast<Vu>(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
#else
  uint8_t __attribute__((vector_size(kLanes))) bytes;
  std::memcpy(&bytes, p, sizeof bytes);
  return __builtin_convertvector(bytes, Vu);
#endif
}
ANNEAL_INLINE Vi load_signed_bytes(const uint8_t* p) {
#if defined(__AVX512F__)
  return reinterpret_cast<Vi>(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
#elif defined(__AVX2__)
  return reinterpret_cast<Vi>(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
#else
  int8_t __attribute__((vector_size(kLanes))) bytes;
  std::memcpy(&bytes, p, sizeof bytes);
  return __builtin_convertvector(bytes, Vi);
#endif
}
ANNEAL_INLINE Vf to_float(Vi v) { return __builtin_convertvector(v, Vf); }

#if defined(__AVX512BF16__)
// Two vectors whose lanes come in turn, rounded to bf16 by one instruction: (first[0], second[0], .. second[7]) and the
// rest.
ANNEAL_INLINE void round_apart(Vf low, Vf high, Vf& first, Vf& second) {
  const Vu both =
      reinterpret_cast<Vu>(_mm512_cvtne2ps_pbh(reinterpret_cast<__m512>(high), reinterpret_cast<__m512>(low)));
  first = as_float(both << 16);
  second = as_float(both & 0xffff0000u);
}
#endif

// 2 kLanes signed bytes times `scale`.
template <DType Round>
ANNEAL_INLINE void scaled_bytes(const uint8_t* p, Vf scale, Vf& first, Vf& second) {
#if defined(__AVX512BF16__)
  if constexpr (Round == DType::kBF16) {
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)),
                  b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16));
    const Vi low = reinterpret_cast<Vi>(_mm512_cvtepi8_epi32(_mm_unpacklo_epi8(a, b)));
    const Vi high = reinterpret_cast<Vi>(_mm512_cvtepi8_epi32(_mm_unpackhi_epi8(a, b)));
    return round_apart(to_float(low) * scale, to_float(high) * scale, first, second);
  }
#endif
  first = weight_value<Round>(to_float(load_signed_bytes(p)) * scale);
  second = weight_value<Round>(to_float(load_signed_bytes(p + kLanes)) * scale);
}

// Vector `v` of codes whose low nibbles are the first `bytes` elements and whose high nibbles the next. Bits above the
// nibble may be set.
ANNEAL_INLINE Vu nibbles(const uint8_t* p, int64_t bytes, int v) {
  const int64_t at = v * kLanes;
  return at < bytes ? load_bytes(p + at) : load_bytes(p + at - bytes) >> 4;
}

// The values of sixteen codes: as many products as one vector of weights, and weights are only looked up then.
struct Levels {
  Vf part[16 / kLanes];
};
constexpr float kNibbleCodes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

template <DType Round>
ANNEAL_INLINE Levels scaled_levels(const float (&levels)[16], Vf scale) {
  Levels out;
  for (int i = 0; i < 16 / kLanes; ++i) out.part[i] = weight_value<Round>(scale * load(levels + i * kLanes));
  return out;
}
template <DType Round>
ANNEAL_INLINE Levels affine_levels(Vf scale, Vf offset) {
  Levels out;
  for (int i = 0; i < 16 / kLanes; ++i)
    out.part[i] = weight_value<Round>(scale * load(kNibbleCodes + i * kLanes) + offset);
  return out;
}

// Levels of two blocks or groups. Where bf16 is native they are made with their lanes in turn, so that one instruction
// rounds both.
struct LevelPair {
  Levels first, second;
};
#if defined(__AVX512BF16__)
ANNEAL_INLINE Vf in_turn(float first, float second) {
  const uint64_t both = float_bits(first) | static_cast<uint64_t>(float_bits(second)) << 32;
  return reinterpret_cast<Vf>(_mm512_set1_epi64(static_cast<long long>(both)));
}
// Eight levels from `begin` on, each twice.
ANNEAL_INLINE Vf twice(const float (&levels)[16], int begin) {
  const Vi at = {0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7};
  return reinterpret_cast<Vf>(_mm512_permutexvar_ps(reinterpret_cast<__m512i>(at + begin), _mm512_loadu_ps(levels)));
}
ANNEAL_INLINE LevelPair levels_in_turn(Vf low, Vf high) {
  LevelPair out;
  round_apart(low, high, out.first.part[0], out.second.part[0]);
  return out;
}
#endif

// Scales are the halves at these places.
template <DType Round>
ANNEAL_INLINE LevelPair scaled_level_pair(const float (&levels)[16], const uint8_t* first, const uint8_t* second) {
#if defined(__AVX512BF16__)
  if constexpr (Round == DType::kBF16) {
    const Vf d = in_turn(half_at(first), half_at(second));
    return levels_in_turn(d * twice(levels, 0), d * twice(levels, 8));
  }
#endif
  return {scaled_levels<Round>(levels, splat_half(first)), scaled_levels<Round>(levels, splat_half(second))};
}
// Scales are the halves at these places, and offsets the halves behind them.
template <DType Round>
ANNEAL_INLINE LevelPair affine_level_pair(const uint8_t* first, const uint8_t* second) {
#if defined(__AVX512BF16__)
  if constexpr (Round == DType::kBF16) {
    const Vf d = in_turn(half_at(first), half_at(second)), m = in_turn(half_at(first + 2), half_at(second + 2));
    return levels_in_turn(d * twice(kNibbleCodes, 0) + m, d * twice(kNibbleCodes, 8) + m);
  }
#endif
  return {affine_levels<Round>(splat_half(first), splat_half(first + 2)),
          affine_levels<Round>(splat_half(second), splat_half(second + 2))};
}
// Two scales and two offsets that are taken off.
template <DType Round>
ANNEAL_INLINE LevelPair affine_level_pair(const float* scales, const float* minima) {
#if defined(__AVX512BF16__)
  if constexpr (Round == DType::kBF16) {
    const Vf d = in_turn(scales[0], scales[1]), m = in_turn(minima[0], minima[1]);
    return levels_in_turn(d * twice(kNibbleCodes, 0) - m, d * twice(kNibbleCodes, 8) - m);
  }
#endif
  return {affine_levels<Round>(splat(scales[0]), splat(-minima[0])),
          affine_levels<Round>(splat(scales[1]), splat(-minima[1]))};
}

// The level of each lane's low four bits.
ANNEAL_INLINE Vf look_up(const Levels& levels, Vu codes) {
#if defined(__AVX512F__)
  return reinterpret_cast<Vf>(
      _mm512_permutexvar_ps(reinterpret_cast<__m512i>(codes), reinterpret_cast<__m512>(levels.part[0])));
#elif defined(__AVX2__)
  const __m256i at = reinterpret_cast<__m256i>(codes);
  const __m256 low = _mm256_permutevar8x32_ps(reinterpret_cast<__m256>(levels.part[0]), at);
  const __m256 high = _mm256_permutevar8x32_ps(reinterpret_cast<__m256>(levels.part[1]), at);
  return reinterpret_cast<Vf>(
      _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(at, 28))));  // bit 3 as the sign
#else
  float all[16], found[kLanes];
  std::memcpy(all, &levels, sizeof all);
  for (int i = 0; i < kLanes; ++i) found[i] = all[codes[i] & 15];
  return load(found);
#endif
}

}  // namespace anneal::ANNEAL_QUANT_ISA
