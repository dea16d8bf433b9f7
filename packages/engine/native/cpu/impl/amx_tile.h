// The microkernel on AMX: 2 x 2 registers of 16 x 16 sums, TDPBF16PS (Intel SDM vol. 2, "TDPBF16PS"). 16 units of k a
// step; within a step the even and the odd elements of k are summed apart, then added to the sum: an order that depends
// on the unit's place in the call alone.
#pragma once
#include "cpu/impl/vec.h"

namespace anneal::ANNEAL_ISA_NS::amx {

constexpr int kTileRows = 16;
constexpr int kTileUnits = 16;  // 64 bytes of a row
constexpr int kRows = 2 * kTileRows;
constexpr int kColumns = 2 * kTileRows;
constexpr int kTileWords = kTileUnits * kTileRows;
constexpr int kTiles = 8;

struct alignas(64) TileConfig {
  uint8_t palette, start_row;
  uint8_t reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};

// The intrinsics do not tell the compiler what memory they read: what was written there before must be.
ANNEAL_INLINE void written(const void* p) { asm volatile("" : : "r"(p) : "memory"); }

inline void begin_tiles() {
  TileConfig config;
  std::memset(&config, 0, sizeof config);
  config.palette = 1;
  for (int i = 0; i < kTiles; ++i) {
    config.row_bytes[i] = 64;
    config.rows[i] = kTileRows;
  }
  written(&config);
  _tile_loadconfig(&config);
}
inline void end_tiles() { _tile_release(); }

// A tile of the next step, asked for before this one's multiplications: the panels lie in the L2.
ANNEAL_INLINE void prefetch(const uint32_t* next) {
#pragma GCC unroll 16
  for (int row = 0; row < kTileRows; ++row) __builtin_prefetch(next + row * kTileUnits);
}

// Registers 0..3 are the sums [row tile][column tile], 4 and 5 rows of A, 6 and 7 columns of B. Two = a second tile in
// that direction.
template <bool TwoRows, bool TwoColumns>
ANNEAL_INLINE void multiply(int64_t steps, const uint32_t* a, const uint32_t* b) {
  constexpr int64_t kAStride = kRowUnits * 4, kBStride = kTileUnits * 4;
  const uint32_t* a1 = a + kTileRows * kRowUnits;
  for (int64_t step = 0; step < steps; ++step, a += kTileUnits, a1 += kTileUnits, b += kTileUnits * kColumns) {
    _tile_loadd(6, b, kBStride);
    _tile_loadd(4, a, kAStride);
    prefetch(b + kTileUnits * kColumns);
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (TwoColumns) {
      _tile_loadd(7, b + kTileWords, kBStride);
      _tile_dpbf16ps(1, 4, 7);
      prefetch(b + kTileUnits * kColumns + kTileWords);
    }
    if constexpr (TwoRows) {
      _tile_loadd(5, a1, kAStride);
      _tile_dpbf16ps(2, 5, 6);
      if constexpr (TwoColumns) _tile_dpbf16ps(3, 5, 7);
    }
  }
}

template <bool TwoRows, bool TwoColumns>
void tile_of(int64_t units, const uint32_t* a, const uint32_t* b, float* c, int64_t ldc, bool load) {
  const int64_t stride = ldc * 4;
  float* c1 = c + kTileRows * ldc;
  written(c);
  if (load) {
    _tile_loadd(0, c, stride);
    if constexpr (TwoColumns) _tile_loadd(1, c + kTileRows, stride);
    if constexpr (TwoRows) _tile_loadd(2, c1, stride);
    if constexpr (TwoRows && TwoColumns) _tile_loadd(3, c1 + kTileRows, stride);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  multiply<TwoRows, TwoColumns>((units + kTileUnits - 1) / kTileUnits, a, b);
  _tile_stored(0, c, stride);
  if constexpr (TwoColumns) _tile_stored(1, c + kTileRows, stride);
  if constexpr (TwoRows) _tile_stored(2, c1, stride);
  if constexpr (TwoRows && TwoColumns) _tile_stored(3, c1 + kTileRows, stride);
  written(c);
}

inline void tile(int64_t units, const uint32_t* a, const uint32_t* b, float* c, int64_t ldc, bool load, int rows,
                 int columns) {
  const bool two_rows = rows > kTileRows, two_columns = columns > kTileRows;
  const auto run = two_rows ? (two_columns ? tile_of<true, true> : tile_of<true, false>)
                            : (two_columns ? tile_of<false, true> : tile_of<false, false>);
  if (rows % kTileRows == 0) return run(units, a, b, c, ldc, load);
  // Sums are whole registers: rows that are not there stay in a buffer, whatever they hold.
  alignas(64) float sums[kRows * kColumns];
  const auto move = [&](const float* from, int64_t from_stride, float* to, int64_t to_stride) {
    for (int i = 0; i < rows; ++i, from += from_stride, to += to_stride) {
      store(to, ANNEAL_ISA_NS::load(from));
      if (two_columns) store(to + kTileRows, ANNEAL_ISA_NS::load(from + kTileRows));
    }
  };
  if (load) move(c, ldc, sums, kColumns);
  run(units, a, b, sums, kColumns, load);
  move(sums, kColumns, c, ldc);
}

}  // namespace anneal::ANNEAL_ISA_NS::amx
