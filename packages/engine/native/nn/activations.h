// Buffers of a pass: what each layer keeps for backward, and scratch shared by all layers. Sized for the largest micro-batch.
#pragma once
#include <vector>

#include "core/tensor.h"
#include "nn/linear.h"
#include "nn/memory_layout.h"

namespace anneal {

// Activations kept by one layer. `act` is f32 or bf16 by precision; the residual stream is f32.
struct LayerActivations {
  Tensor inv_rms_attention;  // (N) f32
  Tensor q;                  // (N, H*D) act, rotated; becomes dq in backward
  Tensor k;                  // (N, K*D) act, rotated
  Tensor v;                  // (N, K*D) act
  Tensor attention;          // (N, H*D) act
  Tensor lse;                // (N, H) f32
  Tensor middle;             // (N, C) f32: the stream after attention
  Tensor inv_rms_ffn;        // (N) f32
  Tensor gate;               // (N, F) act; becomes dgate in backward
  Tensor up;                 // (N, F) act; becomes dup in backward
  LinearSaved q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj;
};

struct Workspace {
  Tensor normed;      // (N, C) act: output of a norm
  Tensor gated;       // (N, F) act: silu(gate) * up, and its gradient
  Tensor dnormed;     // (N, C) f32
  Tensor dattention;  // (N, H*D) act
  Tensor dk, dv;      // (N, K*D) act
  Tensor dlow;        // (N, r) act
  Tensor dropped;     // (N, widest input) act, only with dropout
};


}  // namespace anneal
