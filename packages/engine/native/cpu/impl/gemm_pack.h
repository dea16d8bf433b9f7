// Packing of both operands. See cpu/kernel_table.h for the layouts.
#pragma once
#include "cpu/impl/gemm_units.h"

namespace anneal::ANNEAL_ISA_NS {

#if defined(__AVX512F__)
constexpr int kMr = 14;
#else
constexpr int kMr = 6;
#endif
constexpr int kNr = 2 * kLanes;
static_assert(kMr <= kMaxMr && kNr <= kMaxNr);
static_assert(kMr * (kRowUnits - kBlockUnits) >= kLanes);  // what a panel's last store spills over

// AMX reads rows, every other microkernel a panel of rows side by side.
template <class Units>
constexpr bool kRowsApart = false;
#if defined(__AMX_BF16__)
template <>
constexpr bool kRowsApart<Bf16Units> = true;
#endif

ANNEAL_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// Packs W rows (or columns) side by side: [unit][W], or as tiles where the processor reads those. Where W is no
// multiple of a vector, a store spills over into the next unit, which is written later; behind the last one the buffer
// has room.
template <class Units, int W>
ANNEAL_INLINE uint32_t* panel_at(uint32_t* panel, int64_t unit, int64_t column) {
  if constexpr (kRowsApart<Units>) return panel + unit / kLanes * kLanes * W + column * kLanes + unit % kLanes * kLanes;
  return panel + unit * W + column;
}
// From a unit to the next one of kLanes that begin at a multiple of it.
template <class Units, int W>
constexpr int64_t kPanelStride = kRowsApart<Units> ? kLanes : W;
// Units that a panel is written with: tiles are whole, with zeros behind the last unit.
template <class Units>
ANNEAL_INLINE int64_t written_units(int64_t units) {
  return kRowsApart<Units> ? (units + kLanes - 1) / kLanes * kLanes : units;
}

// How far ahead of packing its source is asked for: weights come from memory, a line from each of many rows, which
// hardware does not foresee.
constexpr int64_t kAheadAlong = 8;    // vectors of units
constexpr int64_t kAheadAcross = 64;  // rows

// `count` <= W rows of src (row, k); missing ones are zero.
template <class Units, int W, class T, class Factor>
ANNEAL_INLINE void pack_panel_along(const T* src, int64_t stride, int64_t count, int64_t k, Factor factor,
                                    uint32_t* dst) {
  constexpr int kE = Units::kElements;
  constexpr int64_t kStep = kLanes * kE;
  const int64_t units = (k + kE - 1) / kE;
  for (int64_t j0 = (W - 1) / kLanes * kLanes; j0 >= 0; j0 -= kLanes) {
    const int64_t jj = count - j0 > kLanes ? kLanes : count - j0;
    if (jj <= 0) {
      for (int64_t u = 0; u < written_units<Units>(units); ++u) store(panel_at<Units, W>(dst, u, j0), Vu{});
      continue;
    }
    for (int64_t k0 = 0; k0 < k; k0 += kStep) {
      const T* p = src + j0 * stride + k0;
      Vu v[kLanes];
      if (k - k0 >= kStep) {
#pragma GCC unroll 16
        for (int j = 0; j < kLanes; ++j) __builtin_prefetch(p + j * stride + kAheadAlong * kStep);
#pragma GCC unroll 16
        for (int j = 0; j < kLanes; ++j) v[j] = j < jj ? units_along<Units>(p + j * stride, factor) : Vu{};
      } else {
        T rows[kLanes][kStep];
        std::memset(rows, 0, sizeof rows);
        for (int64_t j = 0; j < jj; ++j) std::memcpy(rows[j], p + j * stride, static_cast<size_t>(k - k0) * sizeof(T));
        for (int j = 0; j < kLanes; ++j) v[j] = units_along<Units>(rows[j], factor);
      }
      transpose(v);
      uint32_t* d = panel_at<Units, W>(dst, k0 / kE, j0);
      const int64_t left = written_units<Units>(units) - k0 / kE;
      if (left >= kLanes) {
#pragma GCC unroll 16
        for (int u = 0; u < kLanes; ++u) store(d + u * kPanelStride<Units, W>, v[u]);
      } else {
        for (int64_t u = 0; u < left; ++u) store(d + u * kPanelStride<Units, W>, v[u]);
      }
    }
  }
}

// `count` <= W columns of src (k, column); missing ones are zero.
template <class Units, int W, class T, class Factor>
ANNEAL_INLINE void pack_panel_across(const T* src, int64_t stride, int64_t count, int64_t k, Factor factor,
                                     uint32_t* dst) {
  constexpr int kE = Units::kElements;
  constexpr int kWhole = (W + kLanes - 1) / kLanes * kLanes;
  int64_t i = 0;
  if (count == W) {
    // Vectors that end behind the panel read into the next row: the last one is left to the loop below.
    const int64_t safe = kWhole == W ? k : k - 1;
    for (; i + kE <= safe; i += kE) {
      const T* p = src + i * stride;
#pragma GCC unroll 2
      for (int64_t row = 0; row < kE; ++row) __builtin_prefetch(p + (kAheadAcross + row) * stride);
#pragma GCC unroll 8
      for (int j = 0; j < W; j += kLanes)
        store(panel_at<Units, W>(dst, i / kE, j), units_across<Units>(p + j, p + (kE - 1) * stride + j, factor));
    }
  }
  for (; i < k; i += kE) {
    T rows[kE][kWhole];
    std::memset(rows, 0, sizeof rows);
    for (int64_t e = 0; e < kE && i + e < k; ++e)
      std::memcpy(rows[e], src + (i + e) * stride, static_cast<size_t>(count) * sizeof(T));
    for (int j = 0; j < W; j += kLanes)
      store(panel_at<Units, W>(dst, i / kE, j), units_across<Units>(rows[0] + j, rows[kE - 1] + j, factor));
  }
  const int64_t units = (k + kE - 1) / kE;
  for (int64_t u = units; u < written_units<Units>(units); ++u)
    for (int j = 0; j < W; j += kLanes) store(panel_at<Units, W>(dst, u, j), Vu{});
}

#if defined(__AMX_BF16__)
// Rows of A apart by kRowUnits, as a tile register reads them.
template <class Units, class T, class Factor>
ANNEAL_INLINE void pack_rows_along(const T* src, int64_t stride, int64_t rows, int64_t k, Factor factor,
                                   uint32_t* dst) {
  constexpr int64_t kStep = kLanes * Units::kElements;
  for (int64_t i = 0; i < rows; ++i) {
    const T* p = src + i * stride;
    uint32_t* d = dst + i * kRowUnits;
    int64_t j = 0;
    for (; j + kStep <= k; j += kStep, d += kLanes) store(d, units_along<Units>(p + j, factor));
    if (j < k) {
      T tail[kStep];
      std::memset(tail, 0, sizeof tail);
      std::memcpy(tail, p + j, static_cast<size_t>(k - j) * sizeof(T));
      store(d, units_along<Units>(tail, factor));  // kRowUnits has room for a whole vector of padding
    }
  }
}

// A block of up to kLanes units by up to kLanes columns of a (k, column) source, zero-padded, as full vectors across
// columns.
template <class Units, class T, class Factor>
ANNEAL_INLINE void block_across(const T* src, int64_t stride, int64_t columns, int64_t k, Factor factor,
                                Vu (&v)[kLanes]) {
  constexpr int kE = Units::kElements;
  if (columns == kLanes && k == kLanes * kE) {
#pragma GCC unroll 16
    for (int u = 0; u < kLanes; ++u)
      v[u] = units_across<Units>(src + u * kE * stride, src + (u * kE + kE - 1) * stride, factor);
    return;
  }
  T rows[kLanes * kE][kLanes];
  std::memset(rows, 0, sizeof rows);
  for (int64_t i = 0; i < k; ++i) std::memcpy(rows[i], src + i * stride, static_cast<size_t>(columns) * sizeof(T));
  for (int u = 0; u < kLanes; ++u) v[u] = units_across<Units>(rows[u * kE], rows[u * kE + kE - 1], factor);
}

template <class Units, class T, class Factor>
ANNEAL_INLINE void pack_rows_across(const T* src, int64_t stride, int64_t rows, int64_t k, Factor factor,
                                    uint32_t* dst) {
  constexpr int kE = Units::kElements;
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
#endif

// Calls fn with a typed pointer to element (i, j) of the source.
template <class Fn>
ANNEAL_INLINE void with_source(const PackSource& s, int64_t i, int64_t j, Fn&& fn) {
  const int64_t at = i * s.row_stride + j;
  if (s.dtype == DType::kF32) {
    fn(static_cast<const float*>(s.data) + at);
  } else if (s.dtype == DType::kBF16) {
    fn(static_cast<const Bf16*>(s.data) + at);
  } else {
    fn(static_cast<const F16*>(s.data) + at);
  }
}

// Calls fn with `alpha` as a vector, or as no factor at all where that saves a conversion.
template <class Units, class T, class Fn>
ANNEAL_INLINE void with_factor(float alpha, Fn&& fn) {
  if (kSameBits<Units, T> && alpha == 1.0f) {
    fn(Unscaled{});
  } else {
    fn(splat(alpha));
  }
}

template <class Units>
void pack_a(const PackSource& s, int64_t i0, int64_t rows, int64_t k0, int64_t k, float alpha, uint32_t* dst) {
  with_source(s, i0, k0, [&]<class T>(const T* p) {
    with_factor<Units, T>(alpha, [&](auto factor) {
      if constexpr (kRowsApart<Units>) {
        pack_rows_along<Units>(p, s.row_stride, rows, k, factor, dst);
      } else {
        for (int64_t i = 0; i < rows; i += kMr)
          pack_panel_along<Units, kMr>(p + i * s.row_stride, s.row_stride, least(kMr, rows - i), k, factor,
                                       dst + i * kRowUnits);
      }
    });
  });
}
template <class Units>
void pack_a_transposed(const PackSource& s, int64_t i0, int64_t rows, int64_t k0, int64_t k, float alpha,
                       uint32_t* dst) {
  with_source(s, k0, i0, [&]<class T>(const T* p) {
    with_factor<Units, T>(alpha, [&](auto factor) {
      if constexpr (kRowsApart<Units>) {
        pack_rows_across<Units>(p, s.row_stride, rows, k, factor, dst);
      } else {
        for (int64_t i = 0; i < rows; i += kMr)
          pack_panel_across<Units, kMr>(p + i, s.row_stride, least(kMr, rows - i), k, factor, dst + i * kRowUnits);
      }
    });
  });
}
template <class Units>
void pack_b(const PackSource& s, int64_t j0, int64_t columns, int64_t k0, int64_t k, uint32_t* dst) {
  with_source(s, j0, k0, [&](auto* p) { pack_panel_along<Units, kNr>(p, s.row_stride, columns, k, Unscaled{}, dst); });
}
template <class Units>
void pack_b_transposed(const PackSource& s, int64_t j0, int64_t columns, int64_t k0, int64_t k, uint32_t* dst) {
  with_source(s, k0, j0, [&](auto* p) { pack_panel_across<Units, kNr>(p, s.row_stride, columns, k, Unscaled{}, dst); });
}

}  // namespace anneal::ANNEAL_ISA_NS
