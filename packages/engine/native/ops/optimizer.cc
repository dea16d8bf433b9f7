#include "ops/optimizer.h"

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
    parallel_ranges(ctx, n, kFlatGrain,
                    [&](int64_t begin, int64_t end) { sums[begin / kFlatGrain] = kernel(g.f32() + begin, end - begin); });
    for (int64_t i = 0; i < chunks; ++i) total += sums[i];
  }
  return std::sqrt(total);
}

void adamw(Context& ctx, Tensor master, const Tensor& gradient, Tensor m, Tensor v, Tensor copy, const AdamWOptions& o) {
  const int64_t n = master.shape.elements();
  const std::pair<const char*, const Tensor*> all[] = {{"master", &master}, {"gradient", &gradient}, {"m", &m}, {"v", &v}};
  for (const auto& [name, tensor] : all) {
    require_dtype("adamw", name, *tensor, DType::kF32, "f32");
    require_elements("adamw", name, *tensor, n);
  }
  if (copy) {
    require_dtype("adamw", "copy", copy, DType::kBF16, "bf16");
    require_elements("adamw", "copy", copy, n);
  }
  require(o.step >= 1, ErrorCode::kInvalidArgument, "adamw", "step counts from 1");
  const double correction1 = 1.0 - std::pow(o.beta1, static_cast<double>(o.step));
  const double correction2 = 1.0 - std::pow(o.beta2, static_cast<double>(o.step));
  AdamWArgs args{};
  args.master = master.f32();
  args.gradient = gradient.f32();
  args.m = m.f32();
  args.v = v.f32();
  args.copy = copy ? static_cast<uint16_t*>(copy.data) : nullptr;
  args.decay = static_cast<float>(1.0 - static_cast<double>(o.learning_rate) * o.weight_decay);
  args.one_minus_beta1 = static_cast<float>(1.0 - o.beta1);
  args.beta2 = static_cast<float>(o.beta2);
  args.one_minus_beta2 = static_cast<float>(1.0 - o.beta2);
  args.step_size = static_cast<float>(o.learning_rate / correction1);
  args.inverse_sqrt_correction2 = static_cast<float>(1.0 / std::sqrt(correction2));
  args.epsilon = o.epsilon;
  args.gradient_scale = o.gradient_scale;
  const auto kernel = kernels(ctx.isa).rows.adamw;
  parallel_ranges(ctx, n, kFlatGrain, [&](int64_t begin, int64_t end) { kernel(args, begin, end); });
}

}  // namespace anneal
