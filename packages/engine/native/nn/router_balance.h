// The load-balancing loss of all routers of a decoder over one step, and how evenly tokens lie on experts. Two definitions:
// - whole step (Switch, arXiv 2101.03961, as transformers has it for qwen3_moe): E sum_e f_e P_e, f_e the share of all tokens of all layers
//   that chose the expert (summing to k), P_e its mean probability over them;
// - by sequence (DeepSeek-V2, arXiv 2405.04434, section 2.2.2; V3, arXiv 2412.19437, section 2.1.2): of each layer the mean over the
//   sequences of sum_e f_e P_e with f_e = E / (k T) times the sequence's choices; added up over the layers.
// Choices are constants to the gradient. Legend: E experts, k of them for each token, T tokens of a sequence.
#pragma once
#include <cstdint>
#include <vector>

#include "ops/router.h"

namespace anneal {

struct RouterBalanceConfig {
  int64_t experts = 0;
  int64_t top_k = 0;
  int64_t layers = 0;         // of the decoder
  int64_t sparse_layers = 0;  // those with experts
  bool by_sequence = false;
  double weight = 0;          // of the loss in what is minimised
};

class RouterBalance {
 public:
  explicit RouterBalance(const RouterBalanceConfig& config) : config_(config) {}

  // A step over this many tokens and sequences; gradients come out times loss_scale.
  void begin(int64_t tokens, int64_t sequences, double loss_scale);
  // True where the gradient of one micro-batch depends on the choices of the others.
  bool needs_whole_step() const { return !config_.by_sequence; }
  // Between these every layer's choices are taken in; in the passes of a backward, where layers run again, they are not.
  void start_forward() { collecting_ = true; }
  void end_forward() { collecting_ = false; }
  // What was taken in so far was all micro-batches of the step, which are now run again for their gradients.
  void keep_choices();

  // scores (N,E) and experts (N,k) of one layer as router_forward left them. Scratch: 2 S E floats.
  void observe(Context& ctx, int64_t layer, const Tensor& scores, const Tensor& experts, const Tensor& offsets, const RouterOptions& options);
  // Of the weighted loss, for router_backward; in scratch, where the caller holds an ArenaScope, or inside this object.
  BalanceSlopes slopes(Context& ctx, const Tensor& scores, const Tensor& experts, const Tensor& offsets, const RouterOptions& options);

  double loss() const;           // of what was taken in, without its weight
  double weighted_loss() const { return config_.weight * loss(); }
  // Mean over the layers of the busiest and the idlest expert's share of the choices, times E: 1 is even.
  double busiest() const { return extreme_load(true); }
  double idlest() const { return extreme_load(false); }

 private:
  double extreme_load(bool most) const;

  RouterBalanceConfig config_;
  bool collecting_ = false, kept_ = false;
  double tokens_ = 0, sequences_ = 0, loss_scale_ = 1;
  std::vector<double> choices_, probability_;  // (E), all layers together
  std::vector<double> load_;                   // (layers, E): tokens sent to each expert
  std::vector<float> slopes_;                  // (E)
  double by_sequence_ = 0;                     // sum over layers and sequences
};

}  // namespace anneal
