// The load-balancing loss of all routers of a decoder over one step, and how evenly tokens lie on experts. Two
// definitions:
// - whole step (Switch, arXiv 2101.03961, as transformers has it for qwen3_moe): E sum_e f_e P_e, f_e the share of all
// tokens of all layers
//   that chose the expert (summing to k), P_e its mean probability over them;
// - by sequence (DeepSeek-V2, arXiv 2405.04434, section 2.2.2; V3, arXiv 2412.19437, section 2.1.2): of each layer the
// mean over the
//   sequences of sum_e f_e P_e with f_e = E / (k T) times the sequence's choices; added up over the layers.
// Choices are constants to the gradient. Of adapters trained side by side each has the loss of its own tokens, as if it
// trained alone. Legend: E experts, k of them for each token, T tokens of a sequence.
#pragma once
#include <cstdint>
#include <vector>

#include "nn/pass.h"
#include "ops/expert/router.h"

namespace anneal {

struct RouterBalanceConfig {
  int64_t experts = 0;
  int64_t top_k = 0;
  int64_t layers = 0;         // of the decoder
  int64_t sparse_layers = 0;  // those with experts
  bool by_sequence = false;
  double weight = 0;  // of the loss in what is minimised
};

// What a step holds of one adapter.
struct BalanceShare {
  int64_t tokens = 0, sequences = 0;
};

class RouterBalance {
 public:
  explicit RouterBalance(const RouterBalanceConfig& config) : config_(config) {}

  // A step with these shares, one for each adapter (one in all where there are none); gradients come out times
  // loss_scale.
  void begin(const std::vector<BalanceShare>& shares, double loss_scale);
  // True where the gradient of one micro-batch depends on the choices of the others.
  bool needs_whole_step() const { return !config_.by_sequence; }
  // Between these every layer's choices are taken in; in the passes of a backward, where layers run again, they are
  // not.
  void start_forward() { collecting_ = true; }
  void end_forward() { collecting_ = false; }
  // What was taken in so far was all micro-batches of the step, which are now run again for their gradients.
  void keep_choices();

  // scores (N,E) and experts (N,k) of one layer of the pass as router_forward left them. Scratch: 2 S E floats.
  void observe(const Pass& pass, int64_t layer, const Tensor& scores, const Tensor& experts,
               const RouterOptions& options);
  // Of the weighted losses, for router_backward; in scratch, where the caller holds an ArenaScope, or inside this
  // object.
  BalanceSlopes slopes(const Pass& pass, const Tensor& scores, const Tensor& experts, const RouterOptions& options);

  // Of one adapter's tokens that were taken in, without its weight. `trains`: the step holds some.
  double loss(size_t adapter) const;
  double weighted_loss(size_t adapter) const { return config_.weight * loss(adapter); }
  bool trains(size_t adapter) const { return parts_[adapter].tokens > 0; }
  // Means over the adapters that train: the loss without its weight, and, mean over the layers too, the busiest and the
  // idlest expert's share of the choices, times E: 1 is even.
  double mean_loss() const;
  double busiest() const { return extreme_load(true); }
  double idlest() const { return extreme_load(false); }

 private:
  // One adapter's.
  struct Part {
    double tokens = 0, sequences = 0;
    std::vector<double> choices, probability;  // (E), all layers together
    std::vector<double> load;                  // (layers, E): tokens sent to each expert
    double by_sequence = 0;                    // sum over layers and sequences
  };
  // The adapter of each sequence of a pass.
  static std::vector<size_t> owners(const Pass& pass);
  double extreme_load(bool most) const;

  RouterBalanceConfig config_;
  bool collecting_ = false, kept_ = false;
  double loss_scale_ = 1;
  std::vector<BalanceShare> shares_;
  std::vector<Part> parts_;
  std::vector<float> slopes_;    // (segments, E)
  std::vector<int32_t> bounds_;  // (segments + 1): first token of each, and the end
};

}  // namespace anneal
