// Internal: the checks every op makes before it touches memory.
#pragma once
#include <string>

#include "cpu/row_kernels.h"
#include "ops/context.h"
#include "ops/cuda_kernels.h"

namespace anneal {

inline bool is_float_or_bf16(const Tensor& t) { return t.dtype == DType::kF32 || t.dtype == DType::kBF16; }

// f32 or bf16 with data (an empty tensor of no elements needs none).
inline void require_float(const char* op, const char* name, const Tensor& t) {
  require(is_float_or_bf16(t), ErrorCode::kInvalidArgument, "operand_not_float", op, "{operand} must be f32 or bf16",
          {{"operand", name}});
  require(t.data || t.shape.elements() == 0, ErrorCode::kInvalidArgument, "operand_missing", op, "{operand} is missing",
          {{"operand", name}});
}
inline void require_dtype(const char* op, const char* name, const Tensor& t, DType dtype, const char* dtype_name) {
  require(t.dtype == dtype, ErrorCode::kInvalidArgument, "operand_dtype", op, "{operand} must be {dtype}",
          {{"operand", name}, {"dtype", dtype_name}});
  require(t.data || t.shape.elements() == 0, ErrorCode::kInvalidArgument, "operand_missing", op, "{operand} is missing",
          {{"operand", name}});
}
inline void require_matrix(const char* op, const char* name, const Tensor& t, int64_t rows, int64_t cols) {
  require(t.rows() == rows && t.cols() == cols, ErrorCode::kShape, "operand_shape", op,
          "{operand} is {shape}, needed ({rows}, {columns})",
          {{"operand", name}, {"shape", t.shape.to_string()}, {"rows", rows}, {"columns", cols}});
}
inline void require_elements(const char* op, const char* name, const Tensor& t, int64_t n) {
  require(t.shape.elements() == n, ErrorCode::kShape, "operand_elements", op,
          "{operand} is {shape}, needed {elements} elements",
          {{"operand", name}, {"shape", t.shape.to_string()}, {"elements", n}});
}

inline Ref ref(const Tensor& t) { return {t.data, t.dtype}; }
inline ConstRef const_ref(const Tensor& t) { return {t.data, t.dtype}; }

// An op without a CUDA kernel must not touch device memory from the host.
inline void require_cpu(const Context& ctx, const char* op) {
  require(!ctx.cuda, ErrorCode::kUnsupported, "no_cuda_kernel", op, "{what} cannot run on a GPU yet",
          {{"what", "this operation"}});
}

// fn(begin, end) over [0, n) in chunks whose borders depend on n and `grain` only.
template <class Fn>
void parallel_ranges(Context& ctx, int64_t n, int64_t grain, Fn&& fn) {
  require_cpu(ctx, "this op");
  ctx.pool.parallel_for((n + grain - 1) / grain, [&](int64_t chunk) {
    const int64_t begin = chunk * grain;
    fn(begin, begin + grain < n ? begin + grain : n);
  });
}
// Rows per chunk so that a chunk is worth a hand-over (about 16k elements).
inline int64_t row_grain(int64_t columns) {
  constexpr int64_t kElements = 16384;
  return columns >= kElements ? 1 : kElements / (columns > 0 ? columns : 1);
}
constexpr int64_t kFlatGrain = 16384;

}  // namespace anneal
