// Buffers of a pass: what each layer keeps for backward, and scratch shared by all layers. Sized for the largest
// micro-batch.
#pragma once
#include <algorithm>
#include <cstddef>
#include <vector>

#include "core/tensor.h"
#include "nn/memory_layout.h"

namespace anneal {

// What a block keeps between forward and backward, under the block's own indices; the first dimension is tokens.
// Absent: no data, rank 0.
struct Saved {
  std::vector<Tensor> tensors;
  Tensor& operator[](size_t i) { return tensors[i]; }
  const Tensor& operator[](size_t i) const { return tensors[i]; }
};

// Kept by one layer. `act` is f32 or bf16 by precision; the residual stream is f32.
struct LayerActivations {
  Tensor inv_rms_attention;  // (N) f32
  Tensor middle;             // (N, C) f32: the stream after attention
  Tensor inv_rms_ffn;        // (N) f32
  // Only in layers that normalise what a block puts out (gemma).
  Tensor attention_out, ffn_out;                  // (N, C) act
  Tensor inv_rms_attention_out, inv_rms_ffn_out;  // (N) f32
  Saved attention, ffn;
};

// Columns that a block needs in the shared scratch, slot by slot; every slot becomes as wide as its widest user.
struct WorkspaceNeeds {
  std::vector<int64_t> act;  // slots of the precision's type
  std::vector<int64_t> f32;
  void merge(const WorkspaceNeeds& other) {
    merge(act, other.act);
    merge(f32, other.f32);
  }

 private:
  static void merge(std::vector<int64_t>& mine, const std::vector<int64_t>& theirs) {
    mine.resize(std::max(mine.size(), theirs.size()));
    for (size_t i = 0; i < theirs.size(); ++i) mine[i] = std::max(mine[i], theirs[i]);
  }
};

struct Workspace {
  Tensor normed;                 // (N, C) act: output of a norm
  Tensor dnormed;                // (N, C) f32
  Tensor dout;                   // (N, C) f32: gradient of a block's output, only with norms behind blocks
  Tensor dlow;                   // (N, r) act
  Tensor dropped;                // (N, widest input) act, only with dropout
  std::vector<Tensor> act, f32;  // slots of WorkspaceNeeds
};

// What n tokens fill of buffers made for more, `rows` of them going on behind the attention.
LayerActivations layer_rows(const LayerActivations& full, int64_t n, int64_t rows);
Workspace workspace_rows(const Workspace& full, int64_t n);

// The first n rows of a slot, `cols` wide, end to end.
inline Tensor slot_rows(const Tensor& slot, int64_t n, int64_t cols) { return {slot.data, slot.dtype, {n, cols}}; }

}  // namespace anneal
