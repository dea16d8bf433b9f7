#include "ops/optimizer/lion.h"

namespace anneal {

void lion(Context& ctx, const UpdateTarget& target, const Tensor& gradient, Tensor m, const LionOptions& o) {
  check_target("lion", target, gradient);
  require_dtype("lion", "m", m, DType::kF32, "f32");
  require_elements("lion", "m", m, gradient.shape.elements());
  const auto beta1 = static_cast<float>(o.beta1), rest1 = static_cast<float>(1.0 - o.beta1);
  const auto beta2 = static_cast<float>(o.beta2), rest2 = static_cast<float>(1.0 - o.beta2);
  const auto decay = static_cast<float>(1.0 - static_cast<double>(o.learning_rate) * o.weight_decay);
  update_weights(ctx, target, [&](float* w, int64_t begin, int64_t end) {
    const float* gradients = gradient.f32() + begin;
    float* momentum = m.f32() + begin;
    for (int64_t i = 0; i < end - begin; ++i) {
      const float g = gradients[i] * o.gradient_scale;
      const float blend = beta1 * momentum[i] + rest1 * g;
      const float sign = blend > 0 ? 1.0f : blend < 0 ? -1.0f : 0.0f;
      w[i] = w[i] * decay - o.learning_rate * sign;
      momentum[i] = beta2 * momentum[i] + rest2 * g;
    }
  });
}

}  // namespace anneal
