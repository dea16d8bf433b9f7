#include "ops/expert/router.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "ops/check.h"

namespace anneal {
namespace {

void check(const char* op, const Tensor& scores, const Tensor& experts, const Tensor& weights, const RouterOptions& o) {
  require_dtype(op, "logits", scores, DType::kF32, "f32");
  require_dtype(op, "experts", experts, DType::kI32, "i32");
  require_dtype(op, "weights", weights, DType::kF32, "f32");
  const int64_t count = scores.cols();
  require_matrix(op, "experts", experts, scores.rows(), o.top_k);
  require_matrix(op, "weights", weights, scores.rows(), o.top_k);
  require(o.top_k >= 1 && o.groups >= 1 && count % o.groups == 0 && o.topk_groups >= 1 && o.topk_groups <= o.groups &&
              o.topk_groups * (count / o.groups) >= o.top_k,
          ErrorCode::kInvalidArgument, "top_k_of_groups", op, "top_k experts cannot be chosen from these groups");
}

void score_row(float* row, int64_t n, bool sigmoid) {
  if (sigmoid) {
    for (int64_t e = 0; e < n; ++e) row[e] = 1.0f / (1.0f + std::exp(-row[e]));
    return;
  }
  const float most = *std::max_element(row, row + n);
  float sum = 0.0f;
  for (int64_t e = 0; e < n; ++e) sum += row[e] = std::exp(row[e] - most);
  for (int64_t e = 0; e < n; ++e) row[e] /= sum;
}

// The `count` largest of `values` [0, n), best first, the lower index on ties.
void best_of(const float* values, int64_t n, int64_t count, std::vector<int32_t>& order) {
  order.resize(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) order[static_cast<size_t>(i)] = static_cast<int32_t>(i);
  std::partial_sort(order.begin(), order.begin() + count, order.end(),
                    [values](int32_t a, int32_t b) { return values[a] != values[b] ? values[a] > values[b] : a < b; });
}

// Scores of experts outside the best groups become minus infinity.
void mask_groups(float* choice, int64_t n, const RouterOptions& o, std::vector<int32_t>& order) {
  const int64_t size = n / o.groups;
  std::vector<float> merit(static_cast<size_t>(o.groups));
  for (int64_t g = 0; g < o.groups; ++g) {
    const int64_t most = o.sigmoid ? std::min<int64_t>(2, size) : 1;
    best_of(choice + g * size, size, most, order);
    for (int64_t i = 0; i < most; ++i)
      merit[static_cast<size_t>(g)] += choice[g * size + order[static_cast<size_t>(i)]];
  }
  best_of(merit.data(), o.groups, o.topk_groups, order);
  for (int64_t i = o.topk_groups; i < o.groups; ++i)
    std::fill_n(choice + order[static_cast<size_t>(i)] * size, size, -std::numeric_limits<float>::infinity());
}

void require_offsets(const char* op, const Tensor& offsets, int64_t sequences, int64_t tokens) {
  require_dtype(op, "offsets", offsets, DType::kI32, "i32");
  require_elements(op, "offsets", offsets, sequences + 1);
  const int32_t* o = offsets.as<int32_t>();
  bool rising = o[0] == 0 && o[sequences] == tokens;
  for (int64_t s = 0; s < sequences; ++s) rising = rising && o[s] <= o[s + 1];
  require(rising, ErrorCode::kInvalidArgument, "offsets_not_rising", op,
          "offsets must rise from 0 to the number of tokens");
}

// Adds the gradient with respect to one token's scores of a loss with these slopes over its probabilities.
void add_slopes(const float* scores, const float* slopes, int64_t n, bool sigmoid, float* d) {
  float inverse = 1.0f, mean = 0.0f;
  if (sigmoid) {
    float sum = 1e-20f;
    for (int64_t e = 0; e < n; ++e) sum += scores[e], mean += slopes[e] * scores[e];
    inverse = 1.0f / sum;
    mean *= inverse;
  }
  for (int64_t e = 0; e < n; ++e) d[e] += (slopes[e] - mean) * inverse;
}

}  // namespace

void router_forward(Context& ctx, Tensor logits, const Tensor& bias, Tensor experts, Tensor weights,
                    const RouterOptions& o) {
  check("router_forward", logits, experts, weights, o);
  const int64_t n = logits.cols();
  if (bias) require_elements("router_forward", "bias", bias, n);
  parallel_ranges(ctx, logits.rows(), row_grain(n * 8), [&](int64_t begin, int64_t end) {
    std::vector<float> choice(static_cast<size_t>(n));
    std::vector<int32_t> order;
    for (int64_t t = begin; t < end; ++t) {
      float* row = logits.f32() + t * n;
      score_row(row, n, o.sigmoid);
      for (int64_t e = 0; e < n; ++e) choice[static_cast<size_t>(e)] = row[e] + (bias ? bias.f32()[e] : 0.0f);
      if (o.groups > 1) mask_groups(choice.data(), n, o, order);
      best_of(choice.data(), n, o.top_k, order);
      float sum = 0.0f;
      for (int64_t j = 0; j < o.top_k; ++j) sum += row[order[static_cast<size_t>(j)]];
      // transformers keeps a sigmoid's sum away from zero by this much.
      const float factor = o.scale / (o.normalise ? sum + (o.sigmoid ? 1e-20f : 0.0f) : 1.0f);
      for (int64_t j = 0; j < o.top_k; ++j) {
        const int32_t e = order[static_cast<size_t>(j)];
        experts.as<int32_t>()[t * o.top_k + j] = e;
        weights.f32()[t * o.top_k + j] = row[e] * factor;
      }
    }
  });
}

void router_backward(Context& ctx, Tensor scores, const Tensor& experts, const Tensor& dweights, const RouterOptions& o,
                     const BalanceSlopes& balance) {
  check("router_backward", scores, experts, dweights, o);
  const int64_t n = scores.cols();
  const int64_t parts = balance.slopes ? balance.slopes.rows() : 0;
  if (parts) {
    require_dtype("router_backward", "slopes", balance.slopes, DType::kF32, "f32");
    require_matrix("router_backward", "slopes", balance.slopes, parts, n);
    if (parts > 1) require_offsets("router_backward", balance.offsets, parts, scores.rows());
  }
  parallel_ranges(ctx, scores.rows(), row_grain(n * 8), [&](int64_t begin, int64_t end) {
    std::vector<float> d(static_cast<size_t>(n));
    int64_t part = 0;
    for (int64_t t = begin; t < end; ++t) {
      float* row = scores.f32() + t * n;
      const int32_t* chosen = experts.as<int32_t>() + t * o.top_k;
      const float* dw = dweights.f32() + t * o.top_k;
      std::fill(d.begin(), d.end(), 0.0f);
      float sum = 0.0f, along = 0.0f;
      for (int64_t j = 0; j < o.top_k; ++j) sum += row[chosen[j]], along += dw[j] * row[chosen[j]];
      if (o.normalise && o.sigmoid) sum += 1e-20f;
      for (int64_t j = 0; j < o.top_k; ++j)
        d[static_cast<size_t>(chosen[j])] = o.scale * (o.normalise ? (dw[j] - along / sum) / sum : dw[j]);
      if (parts) {
        while (parts > 1 && t >= balance.offsets.as<int32_t>()[part + 1]) ++part;
        add_slopes(row, balance.slopes.f32() + part * n, n, o.sigmoid, d.data());
      }
      float mean = 0.0f;
      for (int64_t e = 0; e < n; ++e) mean += d[static_cast<size_t>(e)] * row[e];
      for (int64_t e = 0; e < n; ++e)
        row[e] *= o.sigmoid ? d[static_cast<size_t>(e)] * (1.0f - row[e]) : d[static_cast<size_t>(e)] - mean;
    }
  });
}

void router_load(Context& ctx, const Tensor& scores, const Tensor& experts, const Tensor& offsets, Tensor choices,
                 Tensor probability, const RouterOptions& o) {
  const int64_t n = scores.cols(), sequences = choices.rows();
  require_dtype("router_load", "scores", scores, DType::kF32, "f32");
  require_dtype("router_load", "experts", experts, DType::kI32, "i32");
  require_matrix("router_load", "experts", experts, scores.rows(), o.top_k);
  require_dtype("router_load", "choices", choices, DType::kF32, "f32");
  require_dtype("router_load", "probability", probability, DType::kF32, "f32");
  require_matrix("router_load", "choices", choices, sequences, n);
  require_matrix("router_load", "probability", probability, sequences, n);
  require(o.top_k >= 1 && o.top_k <= n, ErrorCode::kInvalidArgument, "top_k_not_experts", "router_load",
          "top_k is not a number of experts");
  require_offsets("router_load", offsets, sequences, scores.rows());
  ctx.pool.parallel_for(sequences, [&](int64_t s) {
    std::vector<double> sum(static_cast<size_t>(n));
    std::vector<int32_t> best;
    float* count = choices.f32() + s * n;
    std::fill_n(count, n, 0.0f);
    for (int64_t t = offsets.as<int32_t>()[s]; t < offsets.as<int32_t>()[s + 1]; ++t) {
      const float* row = scores.f32() + t * n;
      const int32_t* chosen = experts.as<int32_t>() + t * o.top_k;
      double inverse = 1.0;
      if (o.sigmoid) {
        best_of(row, n, o.top_k, best);
        chosen = best.data();
        double total = 1e-20;
        for (int64_t e = 0; e < n; ++e) total += static_cast<double>(row[e]);
        inverse = 1.0 / total;
      }
      for (int64_t j = 0; j < o.top_k; ++j) count[chosen[j]] += 1.0f;
      for (int64_t e = 0; e < n; ++e) sum[static_cast<size_t>(e)] += static_cast<double>(row[e]) * inverse;
    }
    for (int64_t e = 0; e < n; ++e) probability.f32()[s * n + e] = static_cast<float>(sum[static_cast<size_t>(e)]);
  });
}

}  // namespace anneal
