// RMSNorm with its weight.
#pragma once
#include <string>

#include "nn/parameter.h"
#include "nn/pass.h"
#include "ops/rms_norm.h"

namespace anneal {

class Norm {
 public:
  // Declares NAME.weight (channels).
  Norm(ParameterSet& parameters, const std::string& name, int64_t channels, const RmsNormOptions& options)
      : weight_(&parameters.declare(name + ".weight", {channels})), options_(options) {}

  bool trains() const { return weight_->trainable; }

  // x (N, C) -> y (N, C), inv_rms (N); both overwritten.
  void forward(Pass& pass, const Tensor& x, Tensor y, Tensor inv_rms) const {
    rms_norm_forward(pass.ctx, x, weight_->value, y, inv_rms, options_);
  }
  // dx (N, C) f32 is added to, or overwritten; the weight's gradient is added to.
  void backward(Pass& pass, const Tensor& dy, const Tensor& x, const Tensor& inv_rms, Tensor dx,
                bool accumulate_dx) const {
    rms_norm_backward(pass.ctx, dy, x, weight_->value, inv_rms, dx, accumulate_dx,
                      weight_->trainable ? weight_->grad : Tensor{}, options_);
  }

 private:
  Parameter* weight_;
  RmsNormOptions options_;
};

}  // namespace anneal
