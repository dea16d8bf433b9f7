// Internal: logits are made for a chunk of tokens at a time. Results do not depend on the size of a chunk.
#pragma once
#include <algorithm>

#include "core/tensor.h"

namespace anneal {

// Tokens of a chunk: what the caller asks for, or (0) whole multiples of 16 whose logits in f32 take up to 32 MiB; from
// 1 to `tokens`.
inline int64_t logit_chunk_tokens(int64_t asked, int64_t tokens, int64_t vocabulary) {
  constexpr int64_t kLogitBytes = int64_t{32} << 20;
  const int64_t fit = std::max<int64_t>(16, kLogitBytes / (4 * std::max<int64_t>(vocabulary, 1)) / 16 * 16);
  return std::max<int64_t>(1, std::min(asked > 0 ? asked : fit, tokens));
}

// Rows [begin, begin + count) of t (rows, cols), f32 or bf16.
inline Tensor rows_of(const Tensor& t, int64_t begin, int64_t count) {
  const int64_t bytes = t.dtype == DType::kBF16 ? 2 : 4;
  return {static_cast<std::byte*>(t.data) + begin * t.cols() * bytes, t.dtype, Shape{count, t.cols()}};
}

}  // namespace anneal
