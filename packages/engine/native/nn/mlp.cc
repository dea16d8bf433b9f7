#include "nn/mlp.h"

#include "ops/columns/columns.h"

namespace anneal {
namespace {

// kGate, kUp become their gradients in backward; kLowGate is also that of a fused projection.
enum Index { kGate, kUp, kLowGate, kLowUp, kLowDown, kCount };

}  // namespace

Mlp::Mlp(ParameterSet& p, const std::string& name, const MlpConfig& c) : config_(c) {
  if (c.fused) {
    gate_up_proj_.emplace(p, name + ".gate_up_proj", 2 * c.ffn_size, c.hidden_size, c.bias);
  } else {
    gate_proj_.emplace(p, name + ".gate_proj", c.ffn_size, c.hidden_size, c.bias);
    up_proj_.emplace(p, name + ".up_proj", c.ffn_size, c.hidden_size, c.bias);
  }
  down_proj_.emplace(p, name + ".down_proj", c.hidden_size, c.ffn_size, c.bias);
  for_each_linear([&](Linear& linear) { linear.set_target_prefix(c.target_prefix); });
}

void Mlp::for_each_linear(const LinearVisitor& visit) {
  for (auto* linear : {&gate_proj_, &up_proj_, &gate_up_proj_, &down_proj_})
    if (*linear) visit(**linear);
}

// Slot 0: silu(gate) * up, and its gradient. Slot 1: gate and up side by side.
WorkspaceNeeds Mlp::needs(bool) const {
  WorkspaceNeeds n;
  n.act = {config_.ffn_size};
  if (config_.fused) n.act.push_back(2 * config_.ffn_size);
  return n;
}

Saved Mlp::place(MemoryLayout& layout, int64_t tokens, DType act) const {
  Saved s;
  s.tensors.resize(kCount);
  s[kGate] = layout.take(Part::kActivations, act, {tokens, config_.ffn_size});
  s[kUp] = layout.take(Part::kActivations, act, {tokens, config_.ffn_size});
  s[kLowGate] = take_low(layout, config_.fused ? *gate_up_proj_ : *gate_proj_, tokens, act);
  if (!config_.fused) s[kLowUp] = take_low(layout, *up_proj_, tokens, act);
  s[kLowDown] = take_low(layout, *down_proj_, tokens, act);
  return s;
}

void Mlp::forward(Pass& pass, const Tensor& x, Tensor out, const Tensor& residual, Saved& s, Workspace& w) const {
  const int64_t n = pass.tokens, f = config_.ffn_size;
  if (config_.fused) {
    const Tensor joined = slot_rows(w.act[1], n, 2 * f);
    gate_up_proj_->forward(pass, x, joined, {}, s[kLowGate], w.dropped);
    copy_columns(pass.ctx, joined, 0, s[kGate], 0, f);
    copy_columns(pass.ctx, joined, f, s[kUp], 0, f);
  } else {
    gate_proj_->forward(pass, x, s[kGate], {}, s[kLowGate], w.dropped);
    up_proj_->forward(pass, x, s[kUp], {}, s[kLowUp], w.dropped);
  }
  const Tensor gated = slot_rows(w.act[0], n, f);
  gated_activation_forward(pass.ctx, s[kGate], s[kUp], gated, config_.activation);
  down_proj_->forward(pass, gated, out, residual, s[kLowDown], w.dropped);
}

void Mlp::backward(Pass& pass, const Tensor& x, const Tensor& dout, Tensor dx, Saved& s, Workspace& w) const {
  const int64_t n = pass.tokens, f = config_.ffn_size;
  const Tensor gated = slot_rows(w.act[0], n, f);
  // The down projection's adapter and weight need act(gate) * up, which shares a slot with its own gradient: backward
  // of the activation writes the forward value over the gradient, so dX comes first and the parameter gradients after.
  down_proj_->backward_input(pass, dout, gated, false, w.dlow, w.dropped);
  gated_activation_backward(pass.ctx, gated, s[kGate], s[kUp], s[kGate], s[kUp], gated, config_.activation);
  down_proj_->backward_parameters(pass, gated, dout, s[kLowDown], w.dlow, w.dropped);
  if (config_.fused) {
    const Tensor joined = slot_rows(w.act[1], n, 2 * f);
    copy_columns(pass.ctx, s[kGate], 0, joined, 0, f);
    copy_columns(pass.ctx, s[kUp], 0, joined, f, f);
    gate_up_proj_->backward(pass, x, joined, dx, false, s[kLowGate], w.dlow, w.dropped);
    return;
  }
  gate_proj_->backward(pass, x, s[kGate], dx, false, s[kLowGate], w.dlow, w.dropped);
  up_proj_->backward(pass, x, s[kUp], dx, true, s[kLowUp], w.dlow, w.dropped);
}

}  // namespace anneal
