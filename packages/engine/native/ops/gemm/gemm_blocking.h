// Internal: how the packed driver cuts a product so that its working set fits the caches. Results do not depend on any
// of these sizes: every element is one ordered sum over k. The loops are those of Goto and van de Geijn, "Anatomy of
// High-Performance Matrix Multiplication" (2008).
#pragma once
#include <cstddef>

#include "cpu/kernel_table.h"

namespace anneal {

// Columns of block types are dequantised in runs of this many elements; passes over k are cut at multiples of it.
constexpr int64_t kCodecColumns = 256;

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

// k is walked in passes whose sums go through memory; within a pass, C is cut into blocks of packed rows and columns,
// and these into tasks.
int64_t gemm_pass_elements(const GemmKernels& g, int64_t k);

struct GemmBlocking {
  int64_t row_bytes;    // a packed row of A over the units of the pass
  bool few;             // so narrow a C that every task packs its own rows of A
  bool rows_outside;    // blocks of rows are the outer loop: A is packed once, B once per block of rows (else the other
                        // way round)
  int64_t m_block;      // rows of A packed at a time (few: by one task)
  int64_t n_block;      // columns of B packed at a time
  int64_t task_rows;    // rows of one task: a slice of k of them stays in the L2 beside the columns and the sums
  int64_t task_panels;  // most panels of one task
};
// `columns_step`: what n_block is a multiple of. `threads` share the packed blocks.
GemmBlocking gemm_blocking(const GemmKernels& g, int64_t m, int64_t n, int64_t units, int64_t columns_step,
                           int threads);
// Bytes of the packed blocks and the tasks' sums, at most; never more for smaller sizes, as a call may come with less
// than was planned.
size_t gemm_blocking_bytes(const GemmKernels& g, int64_t m, int64_t n, int64_t units, int threads);

}  // namespace anneal
