// Internal: the packed CPU driver behind ops/gemm.h. Operands are checked already.
#pragma once
#include "cpu/kernel_table.h"
#include "ops/gemm/gemm.h"

namespace anneal {

// C (m,n) = A . B; `a_by_columns` = A is stored (k,m); `b_by_rows` = B is stored (n,k) (else (k,n)).
struct GemmProblem {
  int64_t m, n, k;
  MatrixView a, b;
  bool a_by_columns, b_by_rows;
  Tensor c;
  const GemmOptions* options;
};

void gemm_packed_cpu(Context& ctx, const GemmProblem& problem);

// Up to kSmallRows rows against an (n,k) weight, without packing; blocks are expanded in registers, or dequantised a
// few rows at a time.
bool gemm_is_small(const GemmProblem& problem);
void gemm_small_cpu(Context& ctx, const GemmProblem& problem);
size_t gemm_small_scratch_bytes(const Context& ctx, int64_t m, int64_t k, int64_t r);

size_t gemm_packed_scratch_bytes(const Context& ctx, GemmPrecision precision, int64_t m, int64_t n, int64_t k,
                                 int64_t r);

}  // namespace anneal
