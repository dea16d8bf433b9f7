#include "ops/columns/columns.h"

#include <vector>

#include "cpu/kernel_table.h"
#include "ops/check.h"

namespace anneal {
namespace {

void require_columns(const char* op, const char* name, const Tensor& t, int64_t head, int64_t first, int64_t count,
                     int64_t heads) {
  require_float(op, name, t);
  require(first >= 0 && count > 0 && heads > 0 && first + count <= (head ? head : t.cols()) && head * heads <= t.cols(),
          ErrorCode::kShape, "head_columns", op,
          "{operand} {shape} has no {heads} heads of {head} with columns {first} to {end}",
          {{"operand", name},
           {"shape", t.shape.to_string()},
           {"heads", heads},
           {"head", head},
           {"first", first},
           {"end", first + count}});
}

}  // namespace

void copy_columns(Context& ctx, const Tensor& x, int64_t x_first, Tensor y, int64_t y_first, int64_t count) {
  copy_head_columns(ctx, x, x.cols(), x_first, y, y.cols(), y_first, count, 1);
}

void copy_head_columns(Context& ctx, const Tensor& x, int64_t x_head, int64_t x_first, Tensor y, int64_t y_head,
                       int64_t y_first, int64_t count, int64_t heads) {
  require_columns("copy_head_columns", "x", x, x_head, x_first, count, heads);
  require_columns("copy_head_columns", "y", y, y_head, y_first, count, heads);
  require(x.rows() == y.rows(), ErrorCode::kShape, "rows_differ", "copy_head_columns",
          "x and y have different numbers of rows");
  const auto move = kernels(ctx.isa).rows.move;
  const int64_t xc = x.cols(), yc = y.cols();
  parallel_ranges(ctx, x.rows(), row_grain(count * heads), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t h = 0; h < heads; ++h)
        move(const_ref(x), row * xc + h * x_head + x_first, ref(y), row * yc + h * y_head + y_first, count, 1.0f,
             false);
  });
}

void sum_head_columns(Context& ctx, const Tensor& x, int64_t x_head, int64_t x_first, Tensor y, int64_t count,
                      int64_t heads) {
  require_columns("sum_head_columns", "x", x, x_head, x_first, count, heads);
  require_float("sum_head_columns", "y", y);
  require_matrix("sum_head_columns", "y", y, x.rows(), count);
  const auto move = kernels(ctx.isa).rows.move;
  const int64_t xc = x.cols();
  parallel_ranges(ctx, x.rows(), row_grain(count * heads), [&](int64_t begin, int64_t end) {
    std::vector<float> sum(static_cast<size_t>(count));
    const Tensor sums{sum.data(), DType::kF32, {count}};
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t h = 0; h < heads; ++h)
        move(const_ref(x), row * xc + h * x_head + x_first, ref(sums), 0, count, 1.0f, h > 0);
      move(const_ref(sums), 0, ref(y), row * count, count, 1.0f, false);
    }
  });
}

}  // namespace anneal
