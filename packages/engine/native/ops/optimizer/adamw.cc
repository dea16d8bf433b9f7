#include "ops/optimizer/adamw.h"

#include <cmath>

namespace anneal {

void adamw(Context& ctx, const UpdateTarget& target, const Tensor& gradient, Tensor m, Tensor v,
           const AdamWOptions& o) {
  check_target("adamw", target, gradient);
  for (const auto& [name, tensor] : {std::pair{"m", &m}, std::pair{"v", &v}}) {
    require_dtype("adamw", name, *tensor, DType::kF32, "f32");
    require_elements("adamw", name, *tensor, gradient.shape.elements());
  }
  require(o.step >= 1, ErrorCode::kInvalidArgument, "step_below_one", "adamw", "step counts from 1");
  const double correction1 = 1.0 - std::pow(o.beta1, static_cast<double>(o.step));
  const double correction2 = 1.0 - std::pow(o.beta2, static_cast<double>(o.step));
  AdamWArgs args{};
  args.decay = static_cast<float>(1.0 - static_cast<double>(o.learning_rate) * o.weight_decay);
  args.one_minus_beta1 = static_cast<float>(1.0 - o.beta1);
  args.beta2 = static_cast<float>(o.beta2);
  args.one_minus_beta2 = static_cast<float>(1.0 - o.beta2);
  args.step_size = static_cast<float>(o.learning_rate / correction1);
  args.inverse_sqrt_correction2 = static_cast<float>(1.0 / std::sqrt(correction2));
  args.epsilon = o.epsilon;
  args.gradient_scale = o.gradient_scale;
  if (ctx.cuda) {
    const bool narrow = target.weights.dtype == DType::kBF16;
    args.master = narrow ? nullptr : static_cast<float*>(target.weights.data);
    args.gradient = gradient.f32(), args.m = m.f32(), args.v = v.f32();
    return ctx.cuda->kernels.adamw(
        ctx.cuda->stream, {args, narrow ? ref(target.weights) : Ref{}, ref(target.copy), gradient.shape.elements(),
                           target.rounding.seed, target.rounding.op, target.rounding.step});
  }
  const auto kernel = kernels(ctx.isa).rows.adamw;
  update_weights(ctx, target, [&](float* w, int64_t begin, int64_t end) {
    AdamWArgs mine = args;
    mine.master = w;
    mine.gradient = gradient.f32() + begin;
    mine.m = m.f32() + begin;
    mine.v = v.f32() + begin;
    kernel(mine, 0, end - begin);
  });
}

}  // namespace anneal
