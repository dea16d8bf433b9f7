// Rotary position embedding on Hugging Face layout: R channels of each head are rotated, R = rotary size <= D.
#pragma once
#include <vector>

#include "ops/context.h"

namespace anneal {

// cos and sin of position * frequency, (P, R/2) f32 each. Frequencies are given, so that llama3 scaling or YaRN are
// computed by the model file.
struct RopeTable {
  Tensor cos;
  Tensor sin;
};

// Fills table (P, R/2) from inverse frequencies (R/2 of them); every entry times `attention_factor` (YaRN; 1
// otherwise). Angles in f32 as transformers computes them (position * inv_freq rounded to f32).
void rope_fill_table(const std::vector<float>& inverse_frequencies, float attention_factor, RopeTable table);

// Which channels of a head are rotated, and how they pair: channel i with i + R/2, or neighbours (2i, 2i + 1) when
// interleaved (DeepSeek).
struct RopeLayout {
  int64_t offset = 0;
  bool interleaved = false;
};

// x (N, heads*D) f32|bf16, rotated in place. positions (N) i32 in [0, P). inverse = backward (rotation by the negative
// angle).
void rope(Context& ctx, Tensor x, int64_t heads, int64_t head_size, const RopeTable& table, const Tensor& positions,
          bool inverse, const RopeLayout& layout = {});

}  // namespace anneal
