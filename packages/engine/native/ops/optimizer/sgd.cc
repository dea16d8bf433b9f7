#include "ops/optimizer/sgd.h"

namespace anneal {

void sgd(Context& ctx, const UpdateTarget& target, const Tensor& gradient, Tensor buffer, const SgdOptions& o) {
  check_target("sgd", target, gradient);
  require(buffer || o.momentum == 0, ErrorCode::kInvalidArgument, "momentum_buffer_missing", "sgd",
          "momentum needs its buffer");
  if (buffer) {
    require_dtype("sgd", "buffer", buffer, DType::kF32, "f32");
    require_elements("sgd", "buffer", buffer, gradient.shape.elements());
  }
  update_weights(ctx, target, [&](float* w, int64_t begin, int64_t end) {
    const float* gradients = gradient.f32() + begin;
    float* moving = buffer ? buffer.f32() + begin : nullptr;
    for (int64_t i = 0; i < end - begin; ++i) {
      const float g = gradients[i] * o.gradient_scale + o.weight_decay * w[i];
      float direction = g;
      if (moving) {
        moving[i] = o.momentum * moving[i] + g;
        direction = o.nesterov ? g + o.momentum * moving[i] : moving[i];
      }
      w[i] -= o.learning_rate * direction;
    }
  });
}

}  // namespace anneal
