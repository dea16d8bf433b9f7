#include "ops/optimizer/gradient_norm.h"

#include <cmath>

#include "cpu/kernel_table.h"
#include "ops/check.h"

namespace anneal {

double gradient_norm(Context& ctx, const std::vector<Tensor>& gradients) {
  const auto kernel = kernels(ctx.isa).rows.sum_of_squares;
  ArenaScope scope(ctx.scratch);
  double total = 0;
  for (const Tensor& g : gradients) {
    require_dtype("gradient_norm", "gradient", g, DType::kF32, "f32");
    ArenaScope inner(ctx.scratch);
    const int64_t n = g.shape.elements(), chunks = (n + kFlatGrain - 1) / kFlatGrain;
    double* sums = ctx.scratch.allocate_array<double>(chunks);
    if (ctx.cuda) {
      total += ctx.cuda->kernels.sum_of_squares(ctx.cuda->stream, g.f32(), n, sums);
      continue;
    }
    parallel_ranges(ctx, n, kFlatGrain, [&](int64_t begin, int64_t end) {
      sums[begin / kFlatGrain] = kernel(g.f32() + begin, end - begin);
    });
    for (int64_t i = 0; i < chunks; ++i) total += sums[i];
  }
  return std::sqrt(total);
}

}  // namespace anneal
