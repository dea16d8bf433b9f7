// Distillation fused with the LM heads: student's and teacher's logits exist only for a chunk of tokens at a time.
#pragma once
#include "ops/gemm/gemm.h"

namespace anneal {

enum class Divergence {
  kForwardKl,      // KL(teacher || student)
  kReverseKl,      // KL(student || teacher)
  kJensenShannon,  // b KL(teacher || m) + (1 - b) KL(student || m), m = b teacher + (1 - b) student
};

struct DistillOptions {
  GemmPrecision precision = GemmPrecision::kF32;
  Divergence divergence = Divergence::kForwardKl;
  float temperature = 1.0f;
  float jsd_beta = 0.5f;                         // b, 0 < b < 1
  float cross_entropy_weight = 0.0f;             // loss = weight * nll + (1 - weight) * divergence
  float student_cap = 0.0f, teacher_cap = 0.0f;  // soft caps of the logits; 0 = none
  int64_t chunk_tokens = 0;                      // 0 = as much as fits 32 MiB of logits
};

// What the teacher thinks of each supervised token: its hidden rows and head, or its k best log-probabilities. The best
// ones are taken for all: they are tempered and scaled to sum 1, and every other token counts as impossible (so there
// is no reverse KL from them).
struct TeacherRows {
  Tensor hidden;         // (Ns, Ct)
  MatrixView head;       // (V, Ct)
  Tensor best_ids;       // (Ns, k) i32 in [0, V), distinct within a row
  Tensor best_logprobs;  // (Ns, k) f32
};

// Ns supervised tokens: hidden (Ns,C) f32|bf16; head (V,C); targets (Ns) i32; token_weights (Ns) f32 as in
// cross_entropy_head (empty = forward only). Writes nll (Ns), divergence (Ns) f32; best (Ns) i32. d_hidden (Ns,C)
// f32|bf16 overwritten; d_head (V,C) f32 added to; either may be empty.
void distill_head(Context& ctx, const Tensor& hidden, const MatrixView& head, const TeacherRows& teacher,
                  const Tensor& targets, const Tensor& token_weights, Tensor nll, Tensor divergence, Tensor best,
                  Tensor d_hidden, Tensor d_head, const DistillOptions& options);

// teacher_channels 0: from best log-probabilities.
size_t distill_scratch_bytes(const Context& ctx, const DistillOptions& options, int64_t supervised_tokens,
                             int64_t channels, int64_t teacher_channels, int64_t vocabulary);

}  // namespace anneal
