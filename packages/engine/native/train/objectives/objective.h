// What a step minimises. One object per session; it owns what it needs beside the model. One file per loss; registry.cc
// names them.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nn/experts/router_balance.h"
#include "nn/memory_layout.h"
#include "train/model.h"
#include "train/runner.h"

namespace anneal {

// What one of several adapters made of a step.
struct AdapterTotals {
  double loss = 0;  // mean over the weight of its supervised tokens
  int64_t supervised_tokens = 0, tokens = 0;
  std::optional<double>
      router_aux{};  // where routers are balanced: the load-balancing loss of its own tokens, without its weight
};

// One call over all micro-batches of a step.
struct ObjectiveRun {
  Runner& policy;
  std::function<void()> check_stop;  // throws when a stop was requested
  int64_t step = 0;
  bool gradients = true;             // false: the loss alone, as evaluation sees it (no dropout, no noise)
  float loss_scale = 1;              // gradients come out times this
  RouterBalance* balance = nullptr;  // where routers are balanced beside the objective

  // Results.
  std::map<std::string, double> metrics{};
  std::vector<AdapterTotals> adapters{};  // as many as there are side by side; at least one
  int64_t supervised_tokens = 0, tokens = 0;
  double forward_seconds = 0, backward_seconds = 0;

  // A pass over micro-batch i of the step.
  Pass start(const MicroBatch& batch, size_t i);
  // Starts balancing over the trained parts of all micro-batches. Where a gradient depends on the choices of the whole
  // step and there are several, the model first runs forward over all of them: accumulation equals the big batch.
  void start_balance(const std::vector<MicroBatch>& parts);
  // Runs `forward`, which ends with the gradient of the rows that the model's forward returned (empty: none), and then
  // the model backward; both timed.
  void timed(const std::function<Tensor(Pass&)>& forward, Pass& pass);
};

class Objective {
 public:
  virtual ~Objective() = default;
  // Buffers and models beside the session's own; called once to count and once to place.
  virtual void place(MemoryLayout&) {}
  virtual size_t scratch_bytes(const Context&) const { return 0; }
  // What micro-batches bring beside tokens, outside the arenas.
  virtual size_t batch_bytes() const { return 0; }
  // After placing.
  virtual void load(Context&) {}
  // Throws kInvalidArgument naming the micro-batch's field that this objective cannot use. Batches are checked
  // otherwise.
  virtual void check(const MicroBatch& batch, const std::string& where) const = 0;
  // What of a micro-batch is trained on, here the sequences of each adapter that has a supervised token in it; no
  // tokens: nothing. Routers are balanced over it.
  virtual MicroBatch trained_part(const MicroBatch& batch) const;
  // Adds the gradients of the loss to the parameters', scaled, and returns the loss.
  virtual double accumulate(const std::vector<MicroBatch>& batches, ObjectiveRun& run) = 0;
};

// `model` is the policy, which must outlive the objective. Throws kInvalidArgument naming spec.objective's field.
std::unique_ptr<Objective> make_objective(const TrainingSpec& spec, Model& model);

// The named sequences of a batch as a batch of their own.
MicroBatch pick_sequences(const MicroBatch& batch, const std::vector<size_t>& sequences);

}  // namespace anneal
