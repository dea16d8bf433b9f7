// Packing and the register-tiled microkernel. See cpu/kernel_table.h for the layouts.
#pragma once
#include "cpu/impl/vec.h"
#if defined(__AMX_BF16__)
#include "cpu/impl/amx_tile.h"
#endif

namespace anneal::ANNEAL_ISA_NS {

#if defined(__AVX512F__)
constexpr int kMr = 14;
#else
constexpr int kMr = 6;
#endif
constexpr int kNr = 2 * kLanes;
static_assert(kMr <= kMaxMr && kNr <= kMaxNr);

// How elements become units. F32Units: f32 as it is. Bf16Units: pairs of bf16. RoundedUnits: bf16 values held in f32 (no native dot).
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
template <class Units, class T> constexpr bool kSameBits = false;
#if defined(__AVX512BF16__)
template <> constexpr bool kSameBits<Bf16Units, Bf16> = true;
#endif

// kLanes units along k starting at p (row-contiguous source).
template <class Units, class T> ANNEAL_INLINE Vu units_along(const T* p, Vf alpha) {
  if constexpr (Units::kElements == 1) {
    return Units::one(load_as<T>(p) * alpha);
  } else {
    return Units::pair_along(load_as<T>(p) * alpha, load_as<T>(p + kLanes) * alpha);
  }
}
template <class Units, class T> ANNEAL_INLINE Vu units_along(const T* p) {
  if constexpr (kSameBits<Units, T>) {
    Vu v;
    std::memcpy(&v, p, sizeof v);
    return v;
  } else {
    return units_along<Units>(p, splat(1.0f));
  }
}
// One unit of kLanes neighbouring columns; `next` is the row of k+1.
template <class Units, class T> ANNEAL_INLINE Vu units_across(const T* p, const T* next, Vf alpha) {
  if constexpr (Units::kElements == 1) {
    return Units::one(load_as<T>(p) * alpha);
  } else {
    return Units::pair_across(load_as<T>(p) * alpha, load_as<T>(next) * alpha);
  }
}
template <class Units, class T> ANNEAL_INLINE Vu units_across(const T* p, const T* next) {
  if constexpr (kSameBits<Units, T>) {
    Vh even, odd;
    std::memcpy(&even, p, sizeof even);
    std::memcpy(&odd, next, sizeof odd);
    return __builtin_convertvector(even, Vu) | (__builtin_convertvector(odd, Vu) << 16);
  } else {
    return units_across<Units>(p, next, splat(1.0f));
  }
}

template <class Units, class T>
ANNEAL_INLINE void pack_a_rows(const T* src, int64_t stride, int64_t rows, int64_t k, float alpha, uint32_t* dst) {
  constexpr int64_t kStep = kLanes * Units::kElements;
  const Vf factor = splat(alpha);
  for (int64_t i = 0; i < rows; ++i) {
    const T* p = src + i * stride;
    uint32_t* d = dst + i * kRowUnits;
    int64_t j = 0;
    if (kSameBits<Units, T> && alpha == 1.0f) {
      for (; j + kStep <= k; j += kStep, d += kLanes) store(d, units_along<Units>(p + j));
    } else {
      for (; j + kStep <= k; j += kStep, d += kLanes) store(d, units_along<Units>(p + j, factor));
    }
    if (j < k) {
      T tail[kStep];
      std::memset(tail, 0, sizeof tail);
      std::memcpy(tail, p + j, static_cast<size_t>(k - j) * sizeof(T));
      store(d, units_along<Units>(tail, factor));  // kRowUnits has room for a whole vector of padding
    }
  }
}

// A block of up to kLanes units by up to kLanes columns of a (k, column) source, zero-padded, as full vectors across columns.
template <class Units, class T>
ANNEAL_INLINE void block_across(const T* src, int64_t stride, int64_t columns, int64_t k, Vf alpha, Vu (&v)[kLanes]) {
  constexpr int kE = Units::kElements;
  if (columns == kLanes && k == kLanes * kE) {
#pragma GCC unroll 16
    for (int u = 0; u < kLanes; ++u)
      v[u] = units_across<Units>(src + u * kE * stride, src + (u * kE + kE - 1) * stride, alpha);
    return;
  }
  T rows[kLanes * kE][kLanes];
  std::memset(rows, 0, sizeof rows);
  for (int64_t i = 0; i < k; ++i) std::memcpy(rows[i], src + i * stride, static_cast<size_t>(columns) * sizeof(T));
  for (int u = 0; u < kLanes; ++u) v[u] = units_across<Units>(rows[u * kE], rows[u * kE + kE - 1], alpha);
}

template <class Units, class T>
ANNEAL_INLINE void pack_a_columns(const T* src, int64_t stride, int64_t rows, int64_t k, float alpha, uint32_t* dst) {
  constexpr int kE = Units::kElements;
  const Vf factor = splat(alpha);
  for (int64_t k0 = 0; k0 < k; k0 += kLanes * kE) {
    const int64_t kk = k - k0 < kLanes * kE ? k - k0 : kLanes * kE;
    for (int64_t i0 = 0; i0 < rows; i0 += kLanes) {
      const int64_t ii = rows - i0 < kLanes ? rows - i0 : kLanes;
      Vu v[kLanes];
      block_across<Units>(src + k0 * stride + i0, stride, ii, kk, factor, v);
      transpose(v);
      uint32_t* d = dst + i0 * kRowUnits + k0 / kE;
      if (ii == kLanes) {
#pragma GCC unroll 16
        for (int i = 0; i < kLanes; ++i) store(d + i * kRowUnits, v[i]);
      } else {
        for (int64_t i = 0; i < ii; ++i) store(d + i * kRowUnits, v[i]);
      }
    }
  }
}

template <class Units, class T>
ANNEAL_INLINE void pack_b_rows(const T* src, int64_t stride, int64_t columns, int64_t k, uint32_t* dst) {
  constexpr int kE = Units::kElements;
  constexpr int64_t kStep = kLanes * kE;
  const int64_t units = (k + kE - 1) / kE;
  for (int64_t j0 = 0; j0 < kNr; j0 += kLanes) {
    const int64_t jj = columns - j0 > kLanes ? kLanes : columns - j0;
    if (jj <= 0) {
      for (int64_t u = 0; u < units; ++u) store(dst + u * kNr + j0, Vu{});
      continue;
    }
    for (int64_t k0 = 0; k0 < k; k0 += kStep) {
      const T* p = src + j0 * stride + k0;
      Vu v[kLanes];
      if (jj == kLanes && k - k0 >= kStep) {
#pragma GCC unroll 16
        for (int j = 0; j < kLanes; ++j) v[j] = units_along<Units>(p + j * stride);
      } else {
        T rows[kLanes][kStep];
        std::memset(rows, 0, sizeof rows);
        const int64_t kk = k - k0 < kStep ? k - k0 : kStep;
        for (int64_t j = 0; j < jj; ++j) std::memcpy(rows[j], p + j * stride, static_cast<size_t>(kk) * sizeof(T));
        for (int j = 0; j < kLanes; ++j) v[j] = units_along<Units>(rows[j]);
      }
      transpose(v);
      uint32_t* d = dst + k0 / kE * kNr + j0;
      const int64_t left = units - k0 / kE;
      if (left >= kLanes) {
#pragma GCC unroll 16
        for (int u = 0; u < kLanes; ++u) store(d + u * kNr, v[u]);
      } else {
        for (int64_t u = 0; u < left; ++u) store(d + u * kNr, v[u]);
      }
    }
  }
}

template <class Units, class T>
ANNEAL_INLINE void pack_b_columns(const T* src, int64_t stride, int64_t columns, int64_t k, uint32_t* dst) {
  constexpr int kE = Units::kElements;
  if (columns == kNr) {
    int64_t i = 0;
    for (; i + kE <= k; i += kE, dst += kNr) {
      const T* p = src + i * stride;
      const T* next = p + (kE - 1) * stride;
      store(dst, units_across<Units>(p, next));
      store(dst + kLanes, units_across<Units>(p + kLanes, next + kLanes));
    }
    if (i == k) return;
    T zero[kNr];
    std::memset(zero, 0, sizeof zero);
    const T* p = src + i * stride;
    store(dst, units_across<Units>(p, zero));
    store(dst + kLanes, units_across<Units>(p + kLanes, zero + kLanes));
    return;
  }
  for (int64_t i = 0; i < k; i += kE, dst += kNr) {
    T rows[kE][kNr];
    std::memset(rows, 0, sizeof rows);
    for (int64_t e = 0; e < kE && i + e < k; ++e)
      std::memcpy(rows[e], src + (i + e) * stride, static_cast<size_t>(columns) * sizeof(T));
    store(dst, units_across<Units>(rows[0], rows[kE - 1]));
    store(dst + kLanes, units_across<Units>(rows[0] + kLanes, rows[kE - 1] + kLanes));
  }
}

// Calls fn with a typed pointer to element (i, j) of the source.
template <class Fn> ANNEAL_INLINE void with_source(const PackSource& s, int64_t i, int64_t j, Fn&& fn) {
  const int64_t at = i * s.row_stride + j;
  if (s.dtype == DType::kF32) {
    fn(static_cast<const float*>(s.data) + at);
  } else if (s.dtype == DType::kBF16) {
    fn(static_cast<const Bf16*>(s.data) + at);
  } else {
    fn(static_cast<const F16*>(s.data) + at);
  }
}

template <class Units>
void pack_a(const PackSource& s, int64_t i0, int64_t rows, int64_t k0, int64_t k, float alpha, uint32_t* dst) {
  with_source(s, i0, k0, [&](auto* p) { pack_a_rows<Units>(p, s.row_stride, rows, k, alpha, dst); });
}
template <class Units>
void pack_a_transposed(const PackSource& s, int64_t i0, int64_t rows, int64_t k0, int64_t k, float alpha, uint32_t* dst) {
  with_source(s, k0, i0, [&](auto* p) { pack_a_columns<Units>(p, s.row_stride, rows, k, alpha, dst); });
}
template <class Units>
void pack_b(const PackSource& s, int64_t j0, int64_t columns, int64_t k0, int64_t k, uint32_t* dst) {
  with_source(s, j0, k0, [&](auto* p) { pack_b_rows<Units>(p, s.row_stride, columns, k, dst); });
}
template <class Units>
void pack_b_transposed(const PackSource& s, int64_t j0, int64_t columns, int64_t k0, int64_t k, uint32_t* dst) {
  with_source(s, k0, j0, [&](auto* p) { pack_b_columns<Units>(p, s.row_stride, columns, k, dst); });
}

template <class Units> ANNEAL_INLINE Vf multiply_add(uint32_t a, Vu b, Vf acc) {
#if defined(__AVX512BF16__)
  if constexpr (Units::kElements == 2) {
    return reinterpret_cast<Vf>(_mm512_dpbf16_ps(reinterpret_cast<__m512>(acc),
                                                 reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(a))),
                                                 reinterpret_cast<__m512bh>(b)));
  }
#endif
  float x;
  std::memcpy(&x, &a, sizeof x);
  return acc + splat(x) * as_float(b);
}

template <class Units, int M, int V>
void tile_of(int64_t units, const uint32_t* a, const uint32_t* b, float* c, int64_t ldc, bool load_c) {
  Vf acc[M][V];
  if (load_c) {
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i)
#pragma GCC unroll 2
      for (int j = 0; j < V; ++j) acc[i][j] = load(c + i * ldc + j * kLanes);
  } else {
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i)
#pragma GCC unroll 2
      for (int j = 0; j < V; ++j) acc[i][j] = Vf{};
  }
  for (int64_t u = 0; u < units; ++u, ++a, b += kNr) {
    Vu bv[V];
#pragma GCC unroll 2
    for (int j = 0; j < V; ++j) bv[j] = load(b + j * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i)
#pragma GCC unroll 2
      for (int j = 0; j < V; ++j) acc[i][j] = multiply_add<Units>(a[i * kRowUnits], bv[j], acc[i][j]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i)
#pragma GCC unroll 2
    for (int j = 0; j < V; ++j) store(c + i * ldc + j * kLanes, acc[i][j]);
}

using TileFn = void (*)(int64_t, const uint32_t*, const uint32_t*, float*, int64_t, bool);

template <class Units, int V, int... I> constexpr void fill_tiles(TileFn (&table)[kMr], Indices<I...>) {
  ((table[I] = tile_of<Units, I + 1, V>), ...);
}
template <class Units> struct Tiles {
  TileFn by_rows[2][kMr];
  constexpr Tiles() : by_rows{} {
    fill_tiles<Units, 1>(by_rows[0], typename MakeIndices<kMr>::Type{});
    fill_tiles<Units, 2>(by_rows[1], typename MakeIndices<kMr>::Type{});
  }
};
template <class Units> constexpr Tiles<Units> kTiles{};

template <class Units>
void tile(int64_t units, const uint32_t* a, const uint32_t* b, float* c, int64_t ldc, bool load_c, int rows, int columns) {
  kTiles<Units>.by_rows[columns > kLanes][rows - 1](units, a, b, c, ldc, load_c);
}

template <class Units> constexpr GemmKernels gemm_kernels() {
  GemmKernels g{kMr,
                kNr,
                Units::kElements,
                1,
                kBlockUnits,
                pack_a<Units>,
                pack_a_transposed<Units>,
                pack_b<Units>,
                pack_b_transposed<Units>,
                tile<Units>,
                nullptr,
                nullptr};
#if defined(__AMX_BF16__)
  if constexpr (Units::kElements == 2) {
    g.mr = amx::kRows;
    g.unit_align = amx::kTileUnits;
    g.step_units = amx::kStepUnits;
    g.tile = amx::tile;
    g.begin_tiles = amx::begin_tiles;
    g.end_tiles = amx::end_tiles;
  }
#endif
  return g;
}

ANNEAL_INLINE Vf load_any(const void* p, DType dtype, int64_t at, int64_t n) {
  if (dtype == DType::kF32) {
    const float* f = static_cast<const float*>(p) + at;
    return n >= kLanes ? load(f) : load_part(f, n);
  }
  const Bf16* h = static_cast<const Bf16*>(p) + at;
  return n >= kLanes ? load_as(h) : load_part(h, n);
}
ANNEAL_INLINE void store_any(void* p, DType dtype, int64_t at, Vf v, int64_t n) {
  if (dtype == DType::kF32) {
    float* f = static_cast<float*>(p) + at;
    n >= kLanes ? store(f, v) : store_part(f, v, n);
    return;
  }
  Bf16* h = static_cast<Bf16*>(p) + at;
  n >= kLanes ? store_as(h, v) : store_part(h, v, n);
}

inline void load_tile(const TileStore& s, float* t, int64_t ldt, int rows, int columns) {
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; j += kLanes) store(t + i * ldt + j, load_any(s.c, s.dtype, i * s.ldc + j, columns - j));
}

inline void store_tile(const TileStore& s, const float* t, int64_t ldt, int rows, int columns) {
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; j += kLanes) {
      const int64_t n = columns - j, at = i * s.ldc + j;
      Vf v = load(t + i * ldt + j);
      if (s.bias) v += load_any(s.bias, s.bias_dtype, j, n);
      if (s.residual) v += load_any(s.residual, s.residual_dtype, at, n);
      store_any(s.c, s.dtype, at, v, n);
    }
}

}  // namespace anneal::ANNEAL_ISA_NS
