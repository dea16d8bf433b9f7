// One half of a decoder layer: an attention or a feed-forward. The layer around it owns the norms and the residual
// stream.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "nn/activations.h"
#include "nn/experts/expert_linear.h"
#include "nn/linear.h"
#include "nn/pass.h"

namespace anneal {

class Block {
 public:
  virtual ~Block() = default;
  virtual void for_each_linear(const LinearVisitor& visit) = 0;
  virtual void for_each_expert(const ExpertVisitor&) {}
  // True where any parameter of this block is trained.
  virtual bool trains() const;
  virtual WorkspaceNeeds needs(bool train) const = 0;
  virtual Saved place(MemoryLayout& layout, int64_t tokens, DType act) const = 0;

  // x (N, C) act -> out (N, C) = block(x) + residual (N, C; may be empty). An empty out makes only `saved` again
  // (checkpointing).
  virtual void forward(Pass& pass, const Tensor& x, Tensor out, const Tensor& residual, Saved& saved,
                       Workspace& w) const = 0;

  // x as forward had it, dout (N, C) -> dx (N, C) f32, overwritten; empty = not wanted. `saved` is used up; gradients
  // of trained parameters are added to.
  virtual void backward(Pass& pass, const Tensor& x, const Tensor& dout, Tensor dx, Saved& saved,
                        Workspace& w) const = 0;

  // Scratch bytes of the block's ops, backward included when train.
  virtual size_t scratch_bytes(const Context& ctx, GemmPrecision precision, int64_t tokens, int64_t longest,
                               bool train) const;

  // Widest of the linears' saved_columns.
  virtual int64_t max_low_columns() const;
  bool has_dropout() const;
  int64_t widest_input() const;
  std::vector<const Linear*> linears() const;
};

// With pass.rows an attention takes all tokens in, and puts out those rows alone: out, residual and dout then have R
// rows.
class AttentionBlock : public Block {
 public:
  // Columns of the keys and values a cache keeps for each token.
  virtual int64_t key_columns() const = 0;
  virtual int64_t value_columns() const = 0;

 protected:
  // out = output(attended) + residual, for the rows that are wanted. scratch (N, columns of attended), rows only.
  void project_output(Pass& pass, const Linear& output, const Tensor& attended, Tensor out, const Tensor& residual,
                      const Tensor& low, const Tensor& scratch, Workspace& w) const;
  // dout -> dattended (N, columns) act, overwritten, empty = not wanted; rows nobody reads have the gradient 0. Adds to
  // the linear's own.
  void project_output_backward(Pass& pass, const Linear& output, const Tensor& attended, const Tensor& dout,
                               Tensor dattended, const Tensor& low, const Tensor& scratch, Workspace& w) const;
};

// Copies this pass's keys and values (N, columns) behind those already in their sequences' rows of layer `layer` of the
// cache.
void append_to_cache(Pass& pass, int64_t layer, const Tensor& keys, const Tensor& values);

// Space of what a linear's adapter keeps for backward, (tokens, saved_columns); absent without an adapter.
inline Tensor take_low(MemoryLayout& layout, const Linear& linear, int64_t tokens, DType act) {
  return linear.rank() ? layout.take(Part::kActivations, act, {tokens, linear.saved_columns()}) : Tensor{};
}

}  // namespace anneal
