// Where a parameter of the model lies in a GGUF.
#pragma once
#include <cstdint>
#include <string>

#include "io/gguf_rows.h"

namespace anneal {

struct GgufPlace {
  std::string tensor;   // empty: the family has no such tensor in a GGUF
  float offset = 0.0f;  // what the file adds to every value of a vector (gemma's norms are stored with their 1)
  RotationPairs pairs;
  // One of `experts` matrices that the file keeps in one tensor (experts, out, in); 0 = a tensor of its own.
  int64_t expert = 0, experts = 0;
  // Taken apart head by head (DeepSeek's kv_b_proj): of every key_rows + value_rows rows the first are kept transposed
  // in `tensor` (heads, in, key_rows), the others in `value_tensor` (heads, value_rows, in). Older files hold it whole
  // as `joined_tensor`.
  std::string value_tensor, joined_tensor;
  int64_t key_rows = 0, value_rows = 0;
};

}  // namespace anneal
