#include "ops/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cpu/kernel_table.h"
#include "ops/check.h"

namespace anneal {

namespace {

float* check_logits(const char* op, const Tensor& logits) {
  require_dtype(op, "logits", logits, DType::kF32, "f32");
  require(logits.cols() > 0 && logits.cols() <= INT32_MAX, ErrorCode::kShape, "no_logits", op, "there are no logits");
  // The kernels read only (they store only when asked to).
  return const_cast<float*>(logits.f32());
}

// Most likely first, lowest id on ties.
struct ByLogit {
  const float* logits;
  bool operator()(int32_t a, int32_t b) const { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; }
};

}  // namespace

SampledToken sample_token(Context& ctx, const Tensor& logits, const SamplingOptions& options,
                          const RandomStream& stream, uint64_t draw) {
  constexpr const char* kOp = "sample_token";
  float* x = check_logits(kOp, logits);
  require(std::isfinite(options.temperature) && options.temperature >= 0, ErrorCode::kInvalidArgument,
          "negative_or_not_finite", kOp, "{field} must be finite and not negative", {{"field", "temperature"}});
  require(options.top_k >= 0, ErrorCode::kInvalidArgument, "top_k_negative", kOp, "top_k must not be negative");
  require(options.top_p > 0 && options.top_p <= 1, ErrorCode::kInvalidArgument, "top_p_out_of_range", kOp,
          "top_p must be in (0, 1]");
  const int64_t n = logits.shape.elements();
  const SoftmaxRow row = kernels(ctx.isa).rows.softmax_row(x, n, false);
  require(std::isfinite(row.maximum) && std::isfinite(row.sum), ErrorCode::kNumeric, "logits_not_finite", kOp,
          "the logits are not finite");
  const float log_sum = row.maximum + std::log(row.sum);
  if (options.temperature == 0) return {row.argmax, x[row.argmax] - log_sum};

  ArenaScope scope(ctx.scratch);
  int32_t* ids = ctx.scratch.allocate_array<int32_t>(n);
  std::iota(ids, ids + n, 0);
  int64_t kept = options.top_k > 0 ? std::min<int64_t>(options.top_k, n) : n;
  const ByLogit order{x};
  if (kept < n) std::nth_element(ids, ids + kept, ids + n, order);
  const bool sorted = kept < n || options.top_p < 1;
  if (sorted) std::sort(ids, ids + kept, order);
  double* weight = ctx.scratch.allocate_array<double>(kept);
  double total = 0;
  for (int64_t i = 0; i < kept; ++i)
    total += weight[i] = std::exp(static_cast<double>(x[ids[i]] - row.maximum) / options.temperature);
  if (options.top_p < 1) {
    double reached = 0;
    int64_t i = 0;
    do reached += weight[i++];
    while (i < kept && reached < options.top_p * total);
    kept = i;
    total = reached;
  }
  double left = static_cast<double>(stream.uniform(draw)) * total;
  int64_t chosen = 0;
  while (chosen + 1 < kept && left >= weight[chosen]) left -= weight[chosen++];
  return {ids[chosen], x[ids[chosen]] - log_sum};
}

void log_softmax(Context& ctx, const Tensor& logits, Tensor out) {
  float* x = check_logits("log_softmax", logits);
  require_dtype("log_softmax", "out", out, DType::kF32, "f32");
  require_matrix("log_softmax", "out", out, logits.rows(), logits.cols());
  const int64_t n = logits.cols();
  const RowKernels& rows = kernels(ctx.isa).rows;
  ctx.pool.parallel_for(logits.rows(), [&](int64_t i) {
    const SoftmaxRow row = rows.softmax_row(x + i * n, n, false);
    rows.subtract(x + i * n, out.f32() + i * n, n, row.maximum + std::log(row.sum));
  });
}

std::vector<TopEntry> top_log_probabilities(Context& ctx, const Tensor& logits, int32_t k) {
  float* x = check_logits("top_log_probabilities", logits);
  require(k >= 0, ErrorCode::kInvalidArgument, "k_negative", "top_log_probabilities", "k must not be negative");
  const int64_t n = logits.shape.elements(), kept = std::min<int64_t>(k, n);
  const SoftmaxRow row = kernels(ctx.isa).rows.softmax_row(x, n, false);
  const float log_sum = row.maximum + std::log(row.sum);
  ArenaScope scope(ctx.scratch);
  int32_t* ids = ctx.scratch.allocate_array<int32_t>(n);
  std::iota(ids, ids + n, 0);
  std::partial_sort(ids, ids + kept, ids + n, ByLogit{x});
  std::vector<TopEntry> top(kept);
  for (int64_t i = 0; i < kept; ++i) top[i] = {ids[i], x[ids[i]] - log_sum};
  return top;
}

void best_log_probabilities(Context& ctx, const Tensor& logits, Tensor ids, Tensor log_probabilities) {
  constexpr const char* kOp = "best_log_probabilities";
  float* x = check_logits(kOp, logits);
  const int64_t n = logits.cols(), k = ids.cols();
  require(k >= 1 && k <= n, ErrorCode::kInvalidArgument, "k_out_of_range", kOp,
          "k must be from 1 to the number of logits");
  require_dtype(kOp, "ids", ids, DType::kI32, "i32");
  require_dtype(kOp, "log_probabilities", log_probabilities, DType::kF32, "f32");
  require_matrix(kOp, "ids", ids, logits.rows(), k);
  require_matrix(kOp, "log_probabilities", log_probabilities, logits.rows(), k);
  const RowKernels& rows = kernels(ctx.isa).rows;
  parallel_ranges(ctx, logits.rows(), row_grain(n), [&](int64_t begin, int64_t end) {
    std::vector<int32_t> order(static_cast<size_t>(n));
    for (int64_t i = begin; i < end; ++i) {
      float* row = x + i * n;
      const SoftmaxRow s = rows.softmax_row(row, n, false);
      const float log_sum = s.maximum + std::log(s.sum);
      std::iota(order.begin(), order.end(), 0);
      const ByLogit better{row};
      if (k < n) std::nth_element(order.begin(), order.begin() + k, order.end(), better);
      std::sort(order.begin(), order.begin() + k, better);
      for (int64_t j = 0; j < k; ++j) {
        ids.as<int32_t>()[i * k + j] = order[static_cast<size_t>(j)];
        log_probabilities.f32()[i * k + j] = row[order[static_cast<size_t>(j)]] - log_sum;
      }
    }
  });
}

}  // namespace anneal
