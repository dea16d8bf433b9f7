#include "ops/objective/cross_entropy.h"

#include <algorithm>
#include <cmath>

#include "cpu/kernel_table.h"
#include "ops/check.h"
#include "ops/objective/logit_chunks.h"

namespace anneal {

namespace {

float mean_of(const float* x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += x[i];
  return static_cast<float>(sum / static_cast<double>(n));
}

}  // namespace

void cross_entropy_head(Context& ctx, const Tensor& hidden, const MatrixView& head, const Tensor& targets,
                        const Tensor& token_weights, Tensor nll, Tensor penalty, Tensor best, Tensor d_hidden,
                        Tensor d_head, const CrossEntropyOptions& options) {
  constexpr const char* kOp = "cross_entropy_head";
  const int64_t tokens = hidden.rows(), channels = hidden.cols(), vocabulary = head.rows;
  require_float(kOp, "hidden", hidden);
  require(head.cols == channels, ErrorCode::kShape, "head_columns_differ", kOp,
          "head has {columns} columns for {channels} channels", {{"columns", head.cols}, {"channels", channels}});
  require_dtype(kOp, "targets", targets, DType::kI32, "i32");
  require_elements(kOp, "targets", targets, tokens);
  require_dtype(kOp, "nll", nll, DType::kF32, "f32");
  require_elements(kOp, "nll", nll, tokens);
  const bool backward = d_hidden || d_head;
  if (backward || token_weights) {
    require_dtype(kOp, "token_weights", token_weights, DType::kF32, "f32");
    require_elements(kOp, "token_weights", token_weights, tokens);
  }
  if (penalty) {
    require_dtype(kOp, "penalty", penalty, DType::kF32, "f32");
    require_elements(kOp, "penalty", penalty, tokens);
  }
  require(options.label_smoothing >= 0 && options.label_smoothing < 1 && options.z_loss >= 0,
          ErrorCode::kInvalidArgument, "smoothing_out_of_range", kOp,
          "label_smoothing must be in [0, 1) and z_loss at least 0");
  if (best) {
    require_dtype(kOp, "best", best, DType::kI32, "i32");
    require_elements(kOp, "best", best, tokens);
  }
  if (d_hidden) {
    require_float(kOp, "d_hidden", d_hidden);
    require_matrix(kOp, "d_hidden", d_hidden, tokens, channels);
  }
  if (d_head) {
    require_dtype(kOp, "d_head", d_head, DType::kF32, "f32");
    require_matrix(kOp, "d_head", d_head, vocabulary, channels);
  }
  const int32_t* target = targets.as<int32_t>();
  for (int64_t i = 0; !ctx.cuda && i < tokens; ++i)
    require(target[i] >= 0 && target[i] < vocabulary, ErrorCode::kInvalidArgument, "target_outside_vocabulary", kOp,
            "target {target} at {index} is outside the vocabulary", {{"target", target[i]}, {"index", i}});
  if (tokens == 0) return;

  const RowKernels& rows = kernels(ctx.isa).rows;
  ArenaScope scope(ctx.scratch);
  const int64_t chunk = logit_chunk_tokens(options.chunk_tokens, tokens, vocabulary);
  const Tensor logits = ctx.scratch.tensor(DType::kF32, {chunk, vocabulary});
  const float cap = options.logit_soft_cap, smoothing = options.label_smoothing, z = options.z_loss;
  GemmOptions gemm;
  gemm.precision = options.precision;
  for (int64_t begin = 0; begin < tokens; begin += chunk) {
    const int64_t count = std::min(chunk, tokens - begin);
    Tensor part = rows_of(logits, 0, count);
    const Tensor x = rows_of(hidden, begin, count);
    gemm.alpha = options.logit_scale;
    gemm.accumulate = false;
    gemm_abt(ctx, x, head, part, gemm);
    if (ctx.cuda) {
      const auto from = [&](auto* all) { return all ? all + begin : nullptr; };
      ctx.cuda->kernels.cross_entropy(
          ctx.cuda->stream,
          {part.f32(), target + begin, backward ? token_weights.f32() + begin : nullptr, nll.f32() + begin,
           from(penalty.f32()), from(best.as<int32_t>()), count, vocabulary, cap, smoothing, z});
    } else
      ctx.pool.parallel_for(count, [&](int64_t i) {
        float* row = part.f32() + i * vocabulary;
        const int64_t token = begin + i;
        if (cap > 0) rows.soft_cap(row, vocabulary, cap);
        const float at_target = row[target[token]];
        const float mean = smoothing > 0 ? mean_of(row, vocabulary) : 0.0f;
        const SoftmaxRow s = rows.softmax_row(row, vocabulary, backward && cap <= 0);
        const float log_sum = s.maximum + std::log(s.sum);
        nll.f32()[token] = s.maximum - at_target + std::log(s.sum);
        if (penalty) penalty.f32()[token] = smoothing * (at_target - mean) + z * log_sum * log_sum;
        if (best) best.as<int32_t>()[token] = s.argmax;
        if (!backward) return;
        // d loss / d logits = weight * ((1 + 2 z log Z) softmax - (1 - smoothing) one-hot - smoothing / V), through the
        // cap's slope where there is one.
        const float weight = token_weights.f32()[token];
        const float factor = weight * (1.0f + 2.0f * z * log_sum) / s.sum;
        const float even = weight * smoothing / static_cast<float>(vocabulary);
        if (smoothing > 0 && cap > 0) {
          for (int64_t j = 0; j < vocabulary; ++j) {
            const float ratio = row[j] / cap;
            row[j] = (factor * std::exp(row[j] - s.maximum) - even) * (1.0f - ratio * ratio);
          }
        } else {
          rows.softmax_gradient(row, vocabulary, factor, s.maximum, cap);
          if (smoothing > 0) rows.subtract(row, row, vocabulary, even);
        }
        const float ratio = cap > 0 ? at_target / cap : 0.0f;
        row[target[token]] -= weight * (1.0f - smoothing) * (1.0f - ratio * ratio);
      });
    if (d_hidden) {
      gemm.accumulate = false;
      gemm_ab(ctx, part, head, rows_of(d_hidden, begin, count), gemm);
    }
    if (d_head) {
      gemm.accumulate = true;
      gemm_atb(ctx, part, x, d_head, gemm);
    }
  }
}

size_t cross_entropy_scratch_bytes(const Context& ctx, const CrossEntropyOptions& options, int64_t supervised_tokens,
                                   int64_t channels, int64_t vocabulary, bool head_trains) {
  const int64_t chunk = logit_chunk_tokens(options.chunk_tokens, supervised_tokens, vocabulary);
  size_t products = std::max(gemm_scratch_bytes(ctx, options.precision, chunk, vocabulary, channels),
                             gemm_scratch_bytes(ctx, options.precision, chunk, channels, vocabulary));
  if (head_trains)
    products = std::max(products, gemm_scratch_bytes(ctx, options.precision, vocabulary, channels, chunk));
  return static_cast<size_t>(chunk * vocabulary * 4) + products + kAlignment;
}

}  // namespace anneal
