#include "ops/dropout.h"

#include "cpu/kernel_table.h"
#include "ops/check.h"

namespace anneal {

void dropout(Context& ctx, const Tensor& x, Tensor y, float probability, const RandomStream& stream, bool accumulate) {
  require_float("dropout", "x", x);
  require_float("dropout", "y", y);
  require_elements("dropout", "y", y, x.shape.elements());
  require(probability >= 0 && probability < 1, ErrorCode::kInvalidArgument, "probability_out_of_range", "dropout",
          "probability {probability} is not in [0, 1)", {{"probability", probability}});
  const auto threshold = static_cast<uint32_t>(static_cast<double>(probability) * 4294967296.0);
  const float scale = 1.0f / (1.0f - probability);
  if (ctx.cuda) {
    const DropoutArgs args{const_ref(x), ref(y), x.shape.elements(), stream.seed, stream.op, stream.step,
                           threshold,    scale,  accumulate};
    return ctx.cuda->kernels.dropout(ctx.cuda->stream, args);
  }
  const auto kernel = kernels(ctx.isa).rows.dropout;
  static_assert(kFlatGrain % 64 == 0);
  parallel_ranges(ctx, x.shape.elements(), kFlatGrain, [&](int64_t begin, int64_t end) {
    kernel(const_ref(x), ref(y), begin, end, stream.seed, stream.op, stream.step, threshold, scale, accumulate);
  });
}

}  // namespace anneal
