#include "ops/rope.h"

#include <cmath>

#include "cpu/kernel_table.h"
#include "ops/check.h"

namespace anneal {

namespace {

int64_t check_table(const char* op, const RopeTable& table) {
  require_dtype(op, "table.cos", table.cos, DType::kF32, "f32");
  require_dtype(op, "table.sin", table.sin, DType::kF32, "f32");
  require_matrix(op, "table.sin", table.sin, table.cos.rows(), table.cos.cols());
  return table.cos.cols();
}

}  // namespace

void rope_fill_table(const std::vector<float>& inverse_frequencies, float attention_factor, RopeTable table) {
  const int64_t half = check_table("rope_fill_table", table);
  require(half == static_cast<int64_t>(inverse_frequencies.size()), ErrorCode::kShape, "rope_table_columns",
          "rope_fill_table", "the table has {columns} columns for {frequencies} frequencies",
          {{"columns", half}, {"frequencies", inverse_frequencies.size()}});
  for (int64_t position = 0; position < table.cos.rows(); ++position)
    for (int64_t i = 0; i < half; ++i) {
      // The angle is rounded to f32 as transformers does; its cosine is taken exactly.
      const float angle = static_cast<float>(position) * inverse_frequencies[i];
      table.cos.f32()[position * half + i] =
          static_cast<float>(std::cos(static_cast<double>(angle))) * attention_factor;
      table.sin.f32()[position * half + i] =
          static_cast<float>(std::sin(static_cast<double>(angle))) * attention_factor;
    }
}

void rope(Context& ctx, Tensor x, int64_t heads, int64_t head_size, const RopeTable& table, const Tensor& positions,
          bool inverse, const RopeLayout& layout) {
  const int64_t half = check_table("rope", table);
  require_float("rope", "x", x);
  require(heads > 0 && head_size > 0 && x.cols() == heads * head_size && layout.offset >= 0 &&
              layout.offset + 2 * half <= head_size,
          ErrorCode::kShape, "rope_shape", "rope",
          "x {shape} is not (N, heads*head_size), or the table is wider than a head", {{"shape", x.shape.to_string()}});
  require_dtype("rope", "positions", positions, DType::kI32, "i32");
  require_elements("rope", "positions", positions, x.rows());
  const int32_t* at = positions.as<int32_t>();
  // On a device the kernel checks them.
  for (int64_t i = 0; !ctx.cuda && i < x.rows(); ++i)
    require(at[i] >= 0 && at[i] < table.cos.rows(), ErrorCode::kInvalidArgument, "position_outside_table", "rope",
            "position {position} lies outside the table of {rows}", {{"position", at[i]}, {"rows", table.cos.rows()}});
  const RopeArgs args{ref(x),
                      heads,
                      head_size,
                      half,
                      layout.offset,
                      layout.interleaved,
                      table.cos.f32(),
                      table.sin.f32(),
                      at,
                      inverse ? -1.0f : 1.0f};
  if (ctx.cuda) return ctx.cuda->kernels.rope(ctx.cuda->stream, args, x.rows(), table.cos.rows());
  const auto kernel = kernels(ctx.isa).rows.rope;
  parallel_ranges(ctx, x.rows(), row_grain(x.cols()), [&](int64_t begin, int64_t end) { kernel(args, begin, end); });
}

}  // namespace anneal
