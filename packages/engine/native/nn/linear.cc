#include "nn/linear.h"

#include <cmath>

#include "ops/column_scale.h"
#include "ops/dropout.h"
#include "ops/elementwise.h"

namespace anneal {

float LoraConfig::scale() const {
  return static_cast<float>(alpha / (rslora ? std::sqrt(static_cast<double>(rank)) : static_cast<double>(rank)));
}

Linear::Linear(ParameterSet& parameters, const std::string& name, int64_t out, int64_t in, bool bias) : name_(name) {
  weight_ = &parameters.declare(name + ".weight", {out, in});
  if (bias) bias_ = &parameters.declare(name + ".bias", {out});
}

void Linear::attach_lora(ParameterSet& parameters, const LoraConfig& config, uint32_t id) {
  const std::string peft = "base_model.model." + name_;
  lora_ = config;
  id_ = id;
  lora_a_ = &parameters.declare(peft + ".lora_A.weight", {config.rank, in()}, true);
  lora_b_ = &parameters.declare(peft + ".lora_B.weight", {out(), config.rank}, true);
  lora_a_->trainable = lora_b_->trainable = true;
  if (!config.dora) return;
  magnitude_ = &parameters.declare(peft + ".lora_magnitude_vector", {out()}, true);
  magnitude_->trainable = true;
}

Tensor Linear::input_like(const Tensor& scratch, const Tensor& like) const {
  return {scratch.data, scratch.dtype, {like.rows(), in()}};
}

RandomStream Linear::stream(const Pass& pass) const {
  return {pass.seed, pass.step, (pass.micro_batch << 16) | (id_ & 0xffffu)};
}

void Linear::forward(Pass& pass, const Tensor& x, Tensor y, const Tensor& residual, Tensor low_product,
                     Tensor dropped) const {
  GemmOptions options;
  options.precision = pass.precision;
  options.residual = residual;
  if (bias_) options.bias = bias_->value;
  if (lora_a_ && pass.adapters) {
    Tensor source = x;
    if (dropout_active(pass)) {
      source = input_like(dropped, x);
      dropout(pass.ctx, x, source, lora_.dropout, stream(pass));
    }
    GemmOptions low;
    low.precision = pass.precision;
    low.alpha = lora_.scale();
    const Tensor product = low_part(low_product, x.rows());
    gemm_abt(pass.ctx, source, lora_a_->value, product, low);
    if (magnitude_) return forward_dora(pass, x, y, residual, low_product);
    options.low_rank_a = product;
    options.low_rank_b = lora_b_->value;
  }
  if (y) gemm_abt(pass.ctx, x, weight_->view(), y, options);
}

void Linear::backward_input(Pass& pass, const Tensor& dy, Tensor dx, bool accumulate_dx, Tensor saved,
                            Tensor dropped) const {
  GemmOptions options;
  options.precision = pass.precision;
  options.accumulate = accumulate_dx;
  const bool adapted = lora_a_ && pass.adapters;
  const bool dropping = adapted && dropout_active(pass);
  Tensor inner = dy, dlow;
  if (adapted) {
    if (magnitude_) {
      inner = wide_part(saved, dy.rows());
      scale_columns(pass.ctx, dy, factors(), {}, {}, inner);
    }
    dlow = low_part(saved, dy.rows());
    GemmOptions low;
    low.precision = pass.precision;
    low.alpha = lora_.scale();
    gemm_ab(pass.ctx, inner, lora_b_->value, dlow, low);
    if (!dropping) {
      options.low_rank_a = dlow;
      options.low_rank_b = lora_a_->value;
    }
  }
  if (!dx) return;
  gemm_ab(pass.ctx, inner, weight_->view(), dx, options);
  if (dropping) {
    GemmOptions through;
    through.precision = pass.precision;
    const Tensor dsource = input_like(dropped, dy);
    gemm_ab(pass.ctx, dlow, lora_a_->value, dsource, through);
    dropout(pass.ctx, dsource, dx, lora_.dropout, stream(pass), true);
  }
}

void Linear::backward_parameters(Pass& pass, const Tensor& x, const Tensor& dy, const Tensor& saved, const Tensor& dsaved,
                                 Tensor dropped) const {
  GemmOptions options;
  options.precision = pass.precision;
  options.accumulate = true;
  if (weight_->trainable) gemm_atb(pass.ctx, dy, x, weight_->grad, options);
  if (bias_ && bias_->trainable) add_column_sums(pass.ctx, dy, bias_->grad);
  if (!lora_a_ || !pass.adapters) return;
  const int64_t n = dy.rows();
  const Tensor low = low_part(saved, n), dlow = low_part(dsaved, n);
  if (magnitude_) add_column_dots(pass.ctx, dy, wide_part(saved, n), inverse_norms(), magnitude_->grad);
  gemm_atb(pass.ctx, magnitude_ ? wide_part(dsaved, n) : dy, low, lora_b_->grad, options);
  Tensor source = x;
  if (dropout_active(pass)) {
    source = input_like(dropped, x);
    dropout(pass.ctx, x, source, lora_.dropout, stream(pass));
  }
  gemm_atb(pass.ctx, dlow, source, lora_a_->grad, options);
}

}  // namespace anneal
