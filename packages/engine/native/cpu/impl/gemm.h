// The register-tiled microkernel. See cpu/kernel_table.h for the layouts.
#pragma once
#include "cpu/impl/gemm_pack.h"
#if defined(__AMX_BF16__)
#include "cpu/impl/amx_tile.h"
#endif

namespace anneal::ANNEAL_ISA_NS {

// sum[j] += a . b[j] for the columns' vectors, a read from memory.
template <class Units, int V>
ANNEAL_INLINE void multiply_add(const uint32_t* a, const Vu (&b)[V], Vf (&sum)[V]) {
#if defined(__AVX512BF16__)
  if constexpr (Units::kElements == 2) {
    const auto pair = reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(*a)));
#pragma GCC unroll 2
    for (int j = 0; j < V; ++j)
      sum[j] = reinterpret_cast<Vf>(
          _mm512_dpbf16_ps(reinterpret_cast<__m512>(sum[j]), pair, reinterpret_cast<__m512bh>(b[j])));
    return;
  }
#endif
  float x;
  std::memcpy(&x, a, sizeof x);
#pragma GCC unroll 2
  for (int j = 0; j < V; ++j) sum[j] = sum[j] + splat(x) * as_float(b[j]);
}

#if defined(__AVX512F__)
// The same with the broadcast inside the multiplication: no instruction of its own, but a load for every vector.
// Compilers share the broadcast.
template <class Units, int V>
ANNEAL_INLINE void multiply_add_in_place(const uint32_t* a, const Vu (&b)[V], Vf (&sum)[V]) {
#pragma GCC unroll 2
  for (int j = 0; j < V; ++j) {
    if constexpr (Units::kElements == 2) {
      asm("vdpbf16ps %1%{1to16%}, %2, %0" : "+v"(sum[j]) : "m"(*a), "v"(b[j]));
    } else {
      asm("vfmadd231ps %1%{1to16%}, %2, %0" : "+v"(sum[j]) : "m"(*a), "v"(b[j]));
    }
  }
}
// Of 14 rows by two vectors 10 are read so: 2 + 4 + 20 loads to 28 multiplications, of which two each start in a cycle.
template <int M, int V>
constexpr bool in_place(int row) {
  return V == 1 || row * 5 / 7 != (row + 1) * 5 / 7;
}
#endif

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
#pragma GCC unroll 2
  for (int64_t u = 0; u < units; ++u, a += kMr, b += kNr) {
    Vu bv[V];
#pragma GCC unroll 2
    for (int j = 0; j < V; ++j) bv[j] = load(b + j * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i) {
#if defined(__AVX512F__)
      if (in_place<M, V>(i)) {
        multiply_add_in_place<Units>(a + i, bv, acc[i]);
        continue;
      }
#endif
      multiply_add<Units>(a + i, bv, acc[i]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i)
#pragma GCC unroll 2
    for (int j = 0; j < V; ++j) store(c + i * ldc + j * kLanes, acc[i][j]);
}

using TileFn = void (*)(int64_t, const uint32_t*, const uint32_t*, float*, int64_t, bool);

template <class Units, int V, int... I>
constexpr void fill_tiles(TileFn (&table)[kMr], Indices<I...>) {
  ((table[I] = tile_of<Units, I + 1, V>), ...);
}
template <class Units>
struct Tiles {
  TileFn by_rows[2][kMr];
  constexpr Tiles() : by_rows{} {
    fill_tiles<Units, 1>(by_rows[0], typename MakeIndices<kMr>::Type{});
    fill_tiles<Units, 2>(by_rows[1], typename MakeIndices<kMr>::Type{});
  }
};
template <class Units>
constexpr Tiles<Units> kTiles{};

template <class Units>
void tile(int64_t units, const uint32_t* a, const uint32_t* b, float* c, int64_t ldc, bool load_c, int rows,
          int columns) {
  kTiles<Units>.by_rows[columns > kLanes][rows - 1](units, a, b, c, ldc, load_c);
}

template <class Units>
constexpr GemmKernels gemm_kernels() {
  GemmKernels g{};
  g.nr = kNr;
  g.unit_elements = Units::kElements;
  g.pack_a = pack_a<Units>;
  g.pack_a_transposed = pack_a_transposed<Units>;
  g.pack_b = pack_b<Units>;
  g.pack_b_transposed = pack_b_transposed<Units>;
#if defined(__AMX_BF16__)
  if constexpr (kRowsApart<Units>) {
    g.mr = amx::kRows;
    g.a_unit_stride = 1;
    g.unit_align = amx::kTileUnits;
    g.tile = amx::tile;
    g.begin_tiles = amx::begin_tiles;
    g.end_tiles = amx::end_tiles;
    return g;
  }
#endif
  g.mr = kMr;
  g.a_unit_stride = kMr;
  g.unit_align = 1;
  g.tile = tile<Units>;
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
    for (int j = 0; j < columns; j += kLanes)
      store(t + i * ldt + j, load_any(s.c, s.dtype, i * s.ldc + j, columns - j));
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
