#include "ops/embedding/embedding_noise.h"

#include <cmath>

#include "ops/check.h"

namespace anneal {

void add_embedding_noise(Context& ctx, Tensor x, const Tensor& offsets, float alpha, const RandomStream& stream) {
  constexpr const char* kOp = "add_embedding_noise";
  require_dtype(kOp, "x", x, DType::kF32, "f32");
  require_dtype(kOp, "offsets", offsets, DType::kI32, "i32");
  const int64_t channels = x.cols(), sequences = offsets.shape.elements() - 1;
  const int32_t* o = offsets.as<int32_t>();
  require(sequences >= 1 && o[0] == 0 && o[sequences] == x.rows(), ErrorCode::kShape, "offsets_not_covering_x", kOp,
          "offsets do not cover x");
  ctx.pool.parallel_for(sequences, [&](int64_t s) {
    const int64_t first = o[s] * channels, end = o[s + 1] * channels;
    const auto size = static_cast<float>(alpha / std::sqrt(static_cast<double>(end - first)));
    for (int64_t i = first; i < end; ++i) x.f32()[i] += size * (2.0f * stream.uniform(static_cast<uint64_t>(i)) - 1.0f);
  });
}

}  // namespace anneal
