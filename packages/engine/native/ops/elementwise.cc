#include "ops/elementwise.h"

#include <atomic>
#include <cstring>

#include "cpu/kernel_table.h"
#include "ops/check.h"

namespace anneal {

namespace {

constexpr int64_t kBlockRows = 64;

void require_source(const char* op, const Tensor& x) {
  require(x.dtype == DType::kF16 || is_float_or_bf16(x), ErrorCode::kInvalidArgument, "x_not_dense", op,
          "x must be f32, bf16 or f16");
}

void move_all(Context& ctx, const char* op, const Tensor& x, const Tensor& y, float factor, bool accumulate) {
  require_source(op, x);
  require_float(op, "y", y);
  require_elements(op, "y", y, x.shape.elements());
  if (ctx.cuda)
    return ctx.cuda->kernels.move(ctx.cuda->stream, const_ref(x), ref(y), x.shape.elements(), factor, accumulate);
  const auto move = kernels(ctx.isa).rows.move;
  parallel_ranges(ctx, x.shape.elements(), kFlatGrain, [&](int64_t begin, int64_t end) {
    move(const_ref(x), begin, ref(y), begin, end - begin, factor, accumulate);
  });
}

// The indices themselves only where the host can read them; on a device the kernel checks them.
void check_rows(Context& ctx, const char* op, const Tensor& rows, int64_t count, int64_t limit) {
  require_dtype(op, "rows", rows, DType::kI32, "i32");
  require_elements(op, "rows", rows, count);
  for (int64_t i = 0; !ctx.cuda && i < count; ++i)
    require(rows.as<int32_t>()[i] >= 0 && rows.as<int32_t>()[i] < limit, ErrorCode::kInvalidArgument, "row_outside", op,
            "row {row} is outside [0, {limit})", {{"row", rows.as<int32_t>()[i]}, {"limit", limit}});
}

}  // namespace

void cast(Context& ctx, const Tensor& x, Tensor y) { move_all(ctx, "cast", x, y, 1.0f, false); }
void add(Context& ctx, const Tensor& x, Tensor y, float factor) { move_all(ctx, "add", x, y, factor, true); }
void scale(Context& ctx, Tensor y, float factor) { move_all(ctx, "scale", y, y, factor, false); }

void fill_zero(Context& ctx, Tensor y) {
  if (ctx.cuda) return ctx.cuda->kernels.zero(ctx.cuda->stream, y.data, dense_bytes(y.dtype, y.shape));
  std::byte* data = static_cast<std::byte*>(y.data);
  parallel_ranges(ctx, static_cast<int64_t>(dense_bytes(y.dtype, y.shape)), int64_t{1} << 18,
                  [&](int64_t begin, int64_t end) { std::memset(data + begin, 0, end - begin); });
}

void soft_cap(Context& ctx, Tensor y, float cap) {
  require_dtype("soft_cap", "y", y, DType::kF32, "f32");
  require(cap > 0, ErrorCode::kInvalidArgument, "not_positive", "soft_cap", "{field} must be positive",
          {{"field", "cap"}});
  if (ctx.cuda) return ctx.cuda->kernels.soft_cap(ctx.cuda->stream, y.f32(), y.shape.elements(), cap);
  const auto kernel = kernels(ctx.isa).rows.soft_cap;
  parallel_ranges(ctx, y.shape.elements(), kFlatGrain,
                  [&](int64_t begin, int64_t end) { kernel(y.f32() + begin, end - begin, cap); });
}

void gather_rows(Context& ctx, const Tensor& x, const Tensor& rows, Tensor y) {
  require_source("gather_rows", x);
  require_float("gather_rows", "y", y);
  require(x.cols() == y.cols(), ErrorCode::kShape, "columns_differ", "gather_rows",
          "x and y have different numbers of columns");
  check_rows(ctx, "gather_rows", rows, y.rows(), x.rows());
  const int64_t n = x.cols();
  if (ctx.cuda)
    return ctx.cuda->kernels.gather_rows(ctx.cuda->stream,
                                         {const_ref(x), ref(y), rows.as<int32_t>(), y.rows(), n, x.rows(), false});
  const auto move = kernels(ctx.isa).rows.move;
  parallel_ranges(ctx, y.rows(), row_grain(n), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) move(const_ref(x), rows.as<int32_t>()[i] * n, ref(y), i * n, n, 1.0f, false);
  });
}

void scatter_rows(Context& ctx, const Tensor& x, const Tensor& rows, Tensor y, bool accumulate) {
  require_source("scatter_rows", x);
  require_float("scatter_rows", "y", y);
  require(x.cols() == y.cols(), ErrorCode::kShape, "columns_differ", "scatter_rows",
          "x and y have different numbers of columns");
  check_rows(ctx, "scatter_rows", rows, x.rows(), y.rows());
  const int64_t n = x.cols();
  if (ctx.cuda)
    return ctx.cuda->kernels.scatter_rows(
        ctx.cuda->stream, {const_ref(x), ref(y), rows.as<int32_t>(), x.rows(), n, y.rows(), accumulate});
  const auto move = kernels(ctx.isa).rows.move;
  parallel_ranges(ctx, x.rows(), row_grain(n), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      move(const_ref(x), i * n, ref(y), rows.as<int32_t>()[i] * n, n, 1.0f, accumulate);
  });
}

void add_column_sums(Context& ctx, const Tensor& x, Tensor y) {
  require_source("add_column_sums", x);
  require_dtype("add_column_sums", "y", y, DType::kF32, "f32");
  require_elements("add_column_sums", "y", y, x.cols());
  const int64_t rows = x.rows(), n = x.cols(), blocks = (rows + kBlockRows - 1) / kBlockRows;
  const auto move = kernels(ctx.isa).rows.move;
  ArenaScope scope(ctx.scratch);
  float* partial = ctx.scratch.allocate_array<float>(blocks * n);
  if (ctx.cuda) return ctx.cuda->kernels.add_column_sums(ctx.cuda->stream, const_ref(x), y.f32(), rows, n, partial);
  ctx.pool.parallel_for(blocks, [&](int64_t block) {
    for (int64_t i = block * kBlockRows; i < std::min(rows, (block + 1) * kBlockRows); ++i)
      move(const_ref(x), i * n, {partial, DType::kF32}, block * n, n, 1.0f, i > block * kBlockRows);
  });
  for (int64_t block = 0; block < blocks; ++block) move({partial, DType::kF32}, block * n, ref(y), 0, n, 1.0f, true);
}

bool all_finite(Context& ctx, const Tensor& x) {
  require_source("all_finite", x);
  if (ctx.cuda) {
    ArenaScope scope(ctx.scratch);
    return ctx.cuda->kernels.all_finite(ctx.cuda->stream, const_ref(x), x.shape.elements(), ctx.scratch.allocate(4));
  }
  const auto kernel = kernels(ctx.isa).rows.all_finite;
  std::atomic<bool> good{true};
  parallel_ranges(ctx, x.shape.elements(), kFlatGrain, [&](int64_t begin, int64_t end) {
    if (!kernel(const_ref(x), begin, end)) good.store(false, std::memory_order_relaxed);
  });
  return good.load();
}

}  // namespace anneal
