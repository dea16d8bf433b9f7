#include "ops/gemm/gemm.h"

#include <algorithm>
#include <string>

#include "ops/check.h"
#include "ops/cuda_kernels.h"
#include "ops/gemm/gemm_cpu.h"

namespace anneal {

namespace {

bool is_dense_float(DType d) { return d == DType::kF32 || d == DType::kBF16 || d == DType::kF16; }

std::string sizes(const MatrixView& a, const MatrixView& b, const Tensor& c) {
  return "A (" + std::to_string(a.rows) + ", " + std::to_string(a.cols) + "), B (" + std::to_string(b.rows) + ", " +
         std::to_string(b.cols) + "), C " + c.shape.to_string();
}

void check_problem(const char* op, const GemmProblem& p) {
  const GemmOptions& o = *p.options;
  require(p.c.rows() == p.m && p.c.cols() == p.n, ErrorCode::kShape, "gemm_c_shape", op, "C does not fit: {sizes}",
          {{"sizes", sizes(p.a, p.b, p.c)}});
  require(p.c.dtype == DType::kF32 || p.c.dtype == DType::kBF16, ErrorCode::kInvalidArgument, "gemm_c_dtype", op,
          "C must be f32 or bf16");
  require(is_dense_float(p.a.dtype), ErrorCode::kInvalidArgument, "gemm_a_dtype", op, "A must be f32, bf16 or f16");
  require(is_dense_float(p.b.dtype) || (p.b.codec && *p.b.codec), ErrorCode::kInvalidArgument, "gemm_b_codec", op,
          "B of a block type needs a codec");
  if (p.b.codec) {
    require(
        p.b.codec->block_elements > 0 && p.b.codec->block_elements <= 256 && p.b.cols % p.b.codec->block_elements == 0,
        ErrorCode::kShape, "gemm_b_blocks", op, "rows of B are not whole blocks: {sizes}",
        {{"sizes", sizes(p.a, p.b, p.c)}});
  }
  if (o.bias) {
    require(o.bias.shape.elements() == p.n, ErrorCode::kShape, "gemm_bias_shape", op, "bias {shape} does not fit C",
            {{"shape", o.bias.shape.to_string()}});
    require(o.bias.dtype == DType::kF32 || o.bias.dtype == DType::kBF16, ErrorCode::kInvalidArgument, "gemm_bias_dtype",
            op, "bias must be f32 or bf16");
  }
  if (o.residual) {
    require(o.residual.rows() == p.m && o.residual.cols() == p.n, ErrorCode::kShape, "gemm_residual_shape", op,
            "residual does not fit C");
    require(o.residual.dtype == DType::kF32 || o.residual.dtype == DType::kBF16, ErrorCode::kInvalidArgument,
            "gemm_residual_dtype", op, "residual must be f32 or bf16");
  }
  if (o.start) {
    require(o.start.rows() == p.m && o.start.cols() == p.n, ErrorCode::kShape, "gemm_start_shape", op,
            "start does not fit C");
    require(!o.accumulate && (o.start.dtype == DType::kF32 || o.start.dtype == DType::kBF16),
            ErrorCode::kInvalidArgument, "gemm_start_dtype", op, "start must be f32 or bf16, and excludes accumulate");
  }
  if (o.low_rank_a || o.low_rank_b) {
    require(!p.a_by_columns, ErrorCode::kInvalidArgument, "gemm_low_rank_in_atb", op, "no low-rank part in gemm_atb");
    const MatrixView& x = o.low_rank_a;
    const MatrixView& y = o.low_rank_b;
    require(is_dense_float(x.dtype) && is_dense_float(y.dtype) && x.data && y.data, ErrorCode::kInvalidArgument,
            "gemm_low_rank_dtype", op, "both low-rank operands must be f32, bf16 or f16");
    const int64_t y_rank = p.b_by_rows ? y.cols : y.rows, y_columns = p.b_by_rows ? y.rows : y.cols;
    require(x.rows == p.m && y_columns == p.n && x.cols == y_rank, ErrorCode::kShape, "gemm_low_rank_shape", op,
            "low-rank operands do not fit: {sizes}", {{"sizes", sizes(x, y, p.c)}});
  }
}

// A view whose rows are those of C (or its columns), however the operand lies.
CudaMatrix cuda_matrix(const MatrixView& v, bool by_columns) {
  const int64_t stride = v.row_stride ? v.row_stride : v.cols;
  const ConstRef data{v.data, v.dtype};
  return by_columns ? CudaMatrix{data, v.cols, v.rows, 1, stride} : CudaMatrix{data, v.rows, v.cols, stride, 1};
}

void gemm_cuda(Context& ctx, const char* op, const GemmProblem& p) {
  const GemmOptions& o = *p.options;
  require(!p.b.codec, ErrorCode::kUnsupported, "no_cuda_kernel", op, "{what} cannot run on a GPU yet",
          {{"what", "a product with a weight in blocks"}});
  CudaGemmArgs a{};
  a.a = cuda_matrix(p.a, p.a_by_columns);
  a.b = cuda_matrix(p.b, !p.b_by_rows);
  a.low_rank = static_cast<bool>(o.low_rank_a);
  if (a.low_rank) {
    a.low_rank_a = cuda_matrix(o.low_rank_a, false);
    a.low_rank_b = cuda_matrix(o.low_rank_b, !p.b_by_rows);
  }
  a.m = p.m, a.n = p.n, a.alpha = o.alpha, a.low_rank_scale = o.low_rank_scale;
  a.start = o.accumulate ? const_ref(p.c) : const_ref(o.start);
  a.bias = const_ref(o.bias), a.residual = const_ref(o.residual), a.c = ref(p.c);
  switch (o.precision) {
    case GemmPrecision::kF32: a.operands = CudaOperands::kF32; break;
    case GemmPrecision::kBF16: a.operands = CudaOperands::kBf16; break;
    case GemmPrecision::kF16: a.operands = CudaOperands::kF16; break;
  }
  ctx.cuda->kernels.gemm(ctx.cuda->stream, a);
}

}  // namespace

MatrixView MatrixView::columns(int64_t begin, int64_t count) const {
  if (begin < 0 || count < 0 || begin + count > cols)
    throw Error(ErrorCode::kShape, "columns_out_of_range", "MatrixView::columns", "out of range");
  if (codec || !is_dense_float(dtype)) {
    throw Error(ErrorCode::kInvalidArgument, "columns_of_blocks", "MatrixView::columns", "not for block types");
  }
  MatrixView v = *this;
  v.data = static_cast<const std::byte*>(data) + begin * (dtype == DType::kF32 ? 4 : 2);
  v.cols = count;
  if (!v.row_stride) v.row_stride = cols;
  return v;
}

void gemm_abt(Context& ctx, const MatrixView& a, const MatrixView& b, Tensor c, const GemmOptions& options) {
  const GemmProblem p{a.rows, b.rows, a.cols, a, b, false, true, c, &options};
  require(a.cols == b.cols, ErrorCode::kShape, "gemm_inner_sizes", "gemm_abt", "inner sizes differ: {sizes}",
          {{"sizes", sizes(a, b, c)}});
  check_problem("gemm_abt", p);
  if (ctx.cuda) return gemm_cuda(ctx, "gemm_abt", p);
  if (gemm_is_small(p)) return gemm_small_cpu(ctx, p);
  gemm_packed_cpu(ctx, p);
}

void gemm_ab(Context& ctx, const MatrixView& a, const MatrixView& b, Tensor c, const GemmOptions& options) {
  const GemmProblem p{a.rows, b.cols, a.cols, a, b, false, false, c, &options};
  require(a.cols == b.rows, ErrorCode::kShape, "gemm_inner_sizes", "gemm_ab", "inner sizes differ: {sizes}",
          {{"sizes", sizes(a, b, c)}});
  check_problem("gemm_ab", p);
  if (ctx.cuda) return gemm_cuda(ctx, "gemm_ab", p);
  gemm_packed_cpu(ctx, p);
}

void gemm_atb(Context& ctx, const MatrixView& a, const MatrixView& b, Tensor c, const GemmOptions& options) {
  const GemmProblem p{a.cols, b.cols, a.rows, a, b, true, false, c, &options};
  require(a.rows == b.rows, ErrorCode::kShape, "gemm_inner_sizes", "gemm_atb", "inner sizes differ: {sizes}",
          {{"sizes", sizes(a, b, c)}});
  require(!b.codec, ErrorCode::kInvalidArgument, "gemm_b_not_dense", "gemm_atb", "B must be dense");
  check_problem("gemm_atb", p);
  if (ctx.cuda) return gemm_cuda(ctx, "gemm_atb", p);
  gemm_packed_cpu(ctx, p);
}

size_t gemm_scratch_bytes(const Context& ctx, GemmPrecision precision, int64_t m, int64_t n, int64_t k, int64_t r) {
  if (ctx.cuda) return 0;
  const size_t packed = gemm_packed_scratch_bytes(ctx, precision, m, n, k, r);
  // A call planned for many rows may come with few.
  return std::max(packed, gemm_small_scratch_bytes(ctx, std::min(m, kSmallRows), k, r));
}

}  // namespace anneal
