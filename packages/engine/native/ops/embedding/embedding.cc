#include "ops/embedding/embedding.h"

#include <algorithm>

#include "cpu/kernel_table.h"
#include "ops/check.h"

namespace anneal {

namespace {

// The tokens themselves only where the host can read them; on a device the kernel checks them.
void check_tokens(Context& ctx, const char* op, const Tensor& tokens, int64_t n, int64_t vocabulary) {
  require_dtype(op, "tokens", tokens, DType::kI32, "i32");
  require_elements(op, "tokens", tokens, n);
  for (int64_t i = 0; !ctx.cuda && i < n; ++i) {
    const int32_t t = tokens.as<int32_t>()[i];
    require(t >= 0 && t < vocabulary, ErrorCode::kInvalidArgument, "token_outside_table", op,
            "token {token} at {index} is outside the vocabulary of {vocabulary}",
            {{"token", t}, {"index", i}, {"vocabulary", vocabulary}});
  }
}

}  // namespace

void embedding_forward(Context& ctx, const Tensor& tokens, const MatrixView& weight, Tensor y, float scale) {
  constexpr const char* kOp = "embedding_forward";
  const int64_t n = y.rows(), channels = weight.cols;
  check_tokens(ctx, kOp, tokens, n, weight.rows);
  const DType dtype = weight.dtype;
  require(weight.codec || dtype == DType::kF32 || dtype == DType::kBF16 || dtype == DType::kF16,
          ErrorCode::kInvalidArgument, "embedding_weight_dtype", kOp,
          "weight must be f32, bf16 or f16, or blocks with their codec");
  require_float(kOp, "y", y);
  require_matrix(kOp, "y", y, n, channels);
  if (ctx.cuda) {
    require(!weight.codec, ErrorCode::kUnsupported, "no_cuda_kernel", kOp, "{what} cannot run on a GPU yet",
            {{"what", "an embedding in blocks"}});
    return ctx.cuda->kernels.embedding_forward(
        ctx.cuda->stream,
        {tokens.as<int32_t>(), {weight.data, dtype}, ref(y), {}, nullptr, n, channels, weight.rows, scale});
  }
  const auto move = kernels(ctx.isa).rows.move;
  const int32_t* ids = tokens.as<int32_t>();
  parallel_ranges(ctx, n, row_grain(channels), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (!weight.codec) {
        move({weight.data, dtype}, ids[i] * channels, ref(y), i * channels, channels, scale, false);
        continue;
      }
      float run[256];
      const BlockCodec& codec = *weight.codec;
      const std::byte* row = static_cast<const std::byte*>(weight.data) + ids[i] * codec.bytes(channels);
      const int64_t step = 256 / codec.block_elements * codec.block_elements;
      for (int64_t c = 0; c < channels; c += step) {
        const int64_t some = std::min(step, channels - c);
        codec.read(row + codec.bytes(c), run, some);
        move({run, DType::kF32}, 0, ref(y), i * channels + c, some, scale, false);
      }
    }
  });
}

void embedding_backward(Context& ctx, const Tensor& tokens, const Tensor& dy, Tensor dweight, float scale) {
  constexpr const char* kOp = "embedding_backward";
  const int64_t n = dy.rows(), channels = dweight.cols();
  check_tokens(ctx, kOp, tokens, n, dweight.rows());
  require_float(kOp, "dy", dy);
  require_matrix(kOp, "dy", dy, n, channels);
  require_dtype(kOp, "dweight", dweight, DType::kF32, "f32");
  if (n == 0) return;
  if (ctx.cuda)
    return ctx.cuda->kernels.embedding_backward(
        ctx.cuda->stream,
        {tokens.as<int32_t>(), {}, {}, const_ref(dy), dweight.f32(), n, channels, dweight.rows(), scale});
  ArenaScope scope(ctx.scratch);
  const int32_t* ids = tokens.as<int32_t>();
  // Positions sorted by (token, position): one task owns a token, so no row is written twice at once.
  int64_t* order = ctx.scratch.allocate_array<int64_t>(n);
  int64_t* starts = ctx.scratch.allocate_array<int64_t>(n + 1);
  for (int64_t i = 0; i < n; ++i) order[i] = i;
  std::sort(order, order + n, [&](int64_t a, int64_t b) { return ids[a] != ids[b] ? ids[a] < ids[b] : a < b; });
  int64_t groups = 0;
  for (int64_t i = 0; i < n; ++i)
    if (i == 0 || ids[order[i]] != ids[order[i - 1]]) starts[groups++] = i;
  starts[groups] = n;
  const auto move = kernels(ctx.isa).rows.move;
  parallel_ranges(ctx, groups, row_grain(channels), [&](int64_t begin, int64_t end) {
    for (int64_t i = starts[begin]; i < starts[end]; ++i)
      move(const_ref(dy), order[i] * channels, ref(dweight), ids[order[i]] * channels, channels, scale, true);
  });
}

}  // namespace anneal
