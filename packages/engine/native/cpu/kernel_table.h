// The face of the per-ISA translation units: plain pointers and sizes only, so that nothing of the standard library is
// compiled for a newer ISA.
#pragma once
#include <cstdint>

#include "core/tensor.h"
#include "cpu/attention_kernels.h"
#include "cpu/isa.h"
#include "cpu/row_kernels.h"

namespace anneal {

// Packed operands are made of 32-bit units along k: one f32, or (native bf16) a pair of bf16 for k and k+1. An odd last
// element is paired with 0. A: at most kBlockUnits units in panels of `mr` rows, the panel of row i (a multiple of mr)
// at i * kRowUnits. Within it unit u of row r is at u * mr + r, or, where the processor reads rows (AMX), at u + r *
// kRowUnits. B: panels of `nr` columns, [unit][nr]; for AMX 16 units as the tiles of 16 columns, one after the other,
// [unit / 16][column / 16][16][16].
constexpr int64_t kBlockUnits = 384;
constexpr int64_t kRowUnits =
    kBlockUnits + 16;  // the padding keeps rows off the same cache sets, and has room for a vector behind a panel
constexpr int kMaxMr = 32;
constexpr int kMaxNr = 32;

// A strided dense source: element (i, j) at data + i*row_stride + j. dtype f32, bf16 or f16.
struct PackSource {
  const void* data;
  DType dtype;
  int64_t row_stride;
};

struct GemmKernels {
  int mr;
  int nr;
  int unit_elements;  // elements of k in one unit: 1, or 2 for native bf16
  int a_unit_stride;  // from a unit of packed A to the next: mr, or 1 where rows are apart
  int unit_align;     // units that `tile` sums in an order of their own; a segment of k (base, low rank) starts at a
                      // multiple of it
  // Rows i0..i0+rows of src (row, k), k0..k0+k, times alpha -> panels of A at dst. k <= kBlockUnits * unit_elements.
  // May write (and not use) up to a whole mr of rows.
  void (*pack_a)(const PackSource& src, int64_t i0, int64_t rows, int64_t k0, int64_t k, float alpha, uint32_t* dst);
  // The same from src (k, row).
  void (*pack_a_transposed)(const PackSource& src, int64_t i0, int64_t rows, int64_t k0, int64_t k, float alpha,
                            uint32_t* dst);
  // Columns j0..j0+columns (<= nr, missing ones zero) of src (column, k) -> a panel at dst.
  void (*pack_b)(const PackSource& src, int64_t j0, int64_t columns, int64_t k0, int64_t k, uint32_t* dst);
  // The same from src (k, column).
  void (*pack_b_transposed)(const PackSource& src, int64_t j0, int64_t columns, int64_t k0, int64_t k, uint32_t* dst);
  // c[rows][columns rounded up to a vector] (row stride ldc) = (load ? c : 0) + A . B over `units`, k ascending. rows
  // <= mr, columns <= nr. May read (and not use) the rows of A up to a whole mr.
  void (*tile)(int64_t units, const uint32_t* a, const uint32_t* b, float* c, int64_t ldc, bool load, int rows,
               int columns);
  // Where tiles are registers of their own (AMX): a thread calls `tile` only between these two. Null elsewhere.
  void (*begin_tiles)();
  void (*end_tiles)();

  // Units that a packed panel of B has room for.
  int64_t panel_units(int64_t units) const { return (units + unit_align - 1) / unit_align * unit_align; }
};

// A thread's right to call `tile`.
class TileScope {
 public:
  explicit TileScope(const GemmKernels& g) : end_(g.end_tiles) {
    if (g.begin_tiles) g.begin_tiles();
  }
  ~TileScope() {
    if (end_) end_();
  }
  TileScope(const TileScope&) = delete;
  TileScope& operator=(const TileScope&) = delete;

 private:
  void (*end_)();
};

struct TileStore {
  void* c;  // element (0,0) of the tile in the output
  DType dtype;
  int64_t ldc;
  const void* bias;  // columns of this tile, or null
  DType bias_dtype;
  const void* residual;  // element (0,0) of the tile, row stride ldc, or null
  DType residual_dtype;
};

// Part of a product of a few rows: A (rows, k) in f32, scaled and rounded already and padded with zeros to whole
// vectors of 16, by B (n, k).
struct DotSegment {
  const float* a;
  int64_t a_stride;
  const void* b;
  DType b_dtype;  // f32, bf16 or f16
  int64_t b_stride;
  int64_t k;
};
struct DotRowsArgs {
  DotSegment segments[2];
  int segment_count;
  int64_t rows;
  DType round_weights;  // B's values count as this: bf16, f16, or f32 as they are
  const float* start;  // sums of every lane to go on from, (rows, start_columns, lanes) from column `begin` on, or null
  int64_t start_columns;
  float* out;  // element (0, begin), row stride out_stride
  int64_t out_stride;
};

struct KernelTable {
  Isa isa;
  int lanes;
  GemmKernels f32;
  GemmKernels bf16;  // operands rounded to bf16; without native support still one f32 per unit
  GemmKernels f16;   // operands rounded to f16, one f32 per unit

  // out = sum over segments of A . B^T for columns [begin, end); the bits of an element do not depend on the rows and
  // columns beside it.
  void (*dot_rows)(const DotRowsArgs& args, int64_t begin, int64_t end);
  void (*load_tile)(const TileStore& store, float* tile, int64_t ldt, int rows, int columns);
  void (*store_tile)(const TileStore& store, const float* tile, int64_t ldt, int rows, int columns);

  RowKernels rows;
  AttentionKernels attention;
};

const KernelTable& kernels(Isa isa);
const KernelTable& kernels_generic();
const KernelTable& kernels_avx2();
const KernelTable& kernels_avx512();
const KernelTable& kernels_avx512_bf16();
const KernelTable& kernels_amx_bf16();

}  // namespace anneal
