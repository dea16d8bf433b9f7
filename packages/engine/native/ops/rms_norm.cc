#include "ops/rms_norm.h"

#include "cpu/kernel_table.h"
#include "ops/check.h"

namespace anneal {

namespace {

// Rows whose weight gradients are summed before blocks are joined in order.
constexpr int64_t kBlockRows = 64;

void check_common(const char* op, const Tensor& x, const Tensor& weight, const Tensor& inv_rms) {
  require_float(op, "x", x);
  require_float(op, "weight", weight);
  require_elements(op, "weight", weight, x.cols());
  require_dtype(op, "inv_rms", inv_rms, DType::kF32, "f32");
  require_elements(op, "inv_rms", inv_rms, x.rows());
}

void forward(Context& ctx, const char* op, const Tensor& x, const Tensor& delta, const Tensor& weight, const Tensor& y,
             Tensor inv_rms, const RmsNormOptions& options) {
  check_common(op, x, weight, inv_rms);
  require_float(op, "y", y);
  require_matrix(op, "y", y, x.rows(), x.cols());
  const RmsNormArgs args{ref(x),        const_ref(delta), const_ref(weight), ref(y),
                         inv_rms.f32(), x.cols(),         options.epsilon,   options.weight_offset};
  if (ctx.cuda) return ctx.cuda->kernels.rms_norm(ctx.cuda->stream, args, x.rows());
  const auto kernel = kernels(ctx.isa).rows.rms_norm;
  parallel_ranges(ctx, x.rows(), row_grain(x.cols()), [&](int64_t begin, int64_t end) { kernel(args, begin, end); });
}

}  // namespace

void rms_norm_forward(Context& ctx, const Tensor& x, const Tensor& weight, Tensor y, Tensor inv_rms,
                      const RmsNormOptions& options) {
  forward(ctx, "rms_norm_forward", x, {}, weight, y, inv_rms, options);
}

void add_rms_norm_forward(Context& ctx, Tensor x, const Tensor& delta, const Tensor& weight, Tensor y, Tensor inv_rms,
                          const RmsNormOptions& options) {
  constexpr const char* kOp = "add_rms_norm_forward";
  require_dtype(kOp, "x", x, DType::kF32, "f32");
  require_float(kOp, "delta", delta);
  require_matrix(kOp, "delta", delta, x.rows(), x.cols());
  require(y.data != x.data || x.shape.elements() == 0, ErrorCode::kInvalidArgument, "output_is_residual", kOp,
          "y may not be the residual stream");
  forward(ctx, kOp, x, delta, weight, y, inv_rms, options);
}

void rms_norm_backward(Context& ctx, const Tensor& dy, const Tensor& x, const Tensor& weight, const Tensor& inv_rms,
                       Tensor dx, bool accumulate_dx, Tensor dweight, const RmsNormOptions& options) {
  constexpr const char* kOp = "rms_norm_backward";
  check_common(kOp, x, weight, inv_rms);
  require_float(kOp, "dy", dy);
  require_matrix(kOp, "dy", dy, x.rows(), x.cols());
  require_dtype(kOp, "dx", dx, DType::kF32, "f32");
  require_matrix(kOp, "dx", dx, x.rows(), x.cols());
  const int64_t rows = x.rows(), channels = x.cols(), blocks = (rows + kBlockRows - 1) / kBlockRows;
  const KernelTable& table = kernels(ctx.isa);
  ArenaScope scope(ctx.scratch);
  float* partial = nullptr;
  if (dweight) {
    require_dtype(kOp, "dweight", dweight, DType::kF32, "f32");
    require_elements(kOp, "dweight", dweight, channels);
    partial = ctx.scratch.allocate_array<float>(blocks * channels);
  }
  if (ctx.cuda) {
    const RmsNormBackwardArgs args{const_ref(dy), const_ref(x),  const_ref(weight), inv_rms.f32(),        dx.f32(),
                                   accumulate_dx, dweight.f32(), channels,          options.weight_offset};
    return ctx.cuda->kernels.rms_norm_backward(ctx.cuda->stream, args, rows, partial);
  }
  ctx.pool.parallel_for(blocks, [&](int64_t block) {
    float* mine = partial ? partial + block * channels : nullptr;
    if (mine) std::fill(mine, mine + channels, 0.0f);
    const RmsNormBackwardArgs args{const_ref(dy), const_ref(x), const_ref(weight), inv_rms.f32(),        dx.f32(),
                                   accumulate_dx, mine,         channels,          options.weight_offset};
    table.rows.rms_norm_backward(args, block * kBlockRows, std::min(rows, (block + 1) * kBlockRows));
  });
  for (int64_t block = 0; partial && block < blocks; ++block)
    table.rows.move({partial, DType::kF32}, block * channels, ref(dweight), 0, channels, 1.0f, true);
}

}  // namespace anneal
