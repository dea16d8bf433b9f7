#include "ops/swiglu.h"

#include "cpu/kernel_table.h"
#include "ops/check.h"

namespace anneal {

void gated_activation_forward(Context& ctx, const Tensor& gate, const Tensor& up, Tensor h, Activation activation) {
  constexpr const char* kOp = "gated_activation_forward";
  const int64_t n = gate.shape.elements();
  require_float(kOp, "gate", gate);
  require_float(kOp, "up", up);
  require_float(kOp, "h", h);
  require_elements(kOp, "up", up, n);
  require_elements(kOp, "h", h, n);
  const GatedArgs args{const_ref(gate), const_ref(up), ref(h), {}, {}, {}, activation == Activation::kGeluTanh};
  if (ctx.cuda) return ctx.cuda->kernels.gated(ctx.cuda->stream, args, n);
  const auto kernel = kernels(ctx.isa).rows.gated;
  parallel_ranges(ctx, n, kFlatGrain, [&](int64_t begin, int64_t end) { kernel(args, begin, end); });
}

void gated_activation_backward(Context& ctx, const Tensor& dh, const Tensor& gate, const Tensor& up, Tensor dgate,
                               Tensor dup, Tensor h, Activation activation) {
  constexpr const char* kOp = "gated_activation_backward";
  const int64_t n = gate.shape.elements();
  const std::pair<const char*, const Tensor*> all[] = {
      {"dh", &dh}, {"gate", &gate}, {"up", &up}, {"dgate", &dgate}, {"dup", &dup}};
  for (const auto& [name, tensor] : all) {
    require_float(kOp, name, *tensor);
    require_elements(kOp, name, *tensor, n);
  }
  if (h) {
    require_float(kOp, "h", h);
    require_elements(kOp, "h", h, n);
  }
  const GatedArgs args{
      const_ref(gate), const_ref(up), ref(h), const_ref(dh), ref(dgate), ref(dup), activation == Activation::kGeluTanh};
  if (ctx.cuda) return ctx.cuda->kernels.gated_backward(ctx.cuda->stream, args, n);
  const auto kernel = kernels(ctx.isa).rows.gated_backward;
  parallel_ranges(ctx, n, kFlatGrain, [&](int64_t begin, int64_t end) { kernel(args, begin, end); });
}

}  // namespace anneal
