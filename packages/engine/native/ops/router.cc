#include "ops/router.h"

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
          ErrorCode::kInvalidArgument, op, "top_k experts cannot be chosen from these groups");
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
  std::partial_sort(order.begin(), order.begin() + count, order.end(), [values](int32_t a, int32_t b) {
    return values[a] != values[b] ? values[a] > values[b] : a < b;
  });
}

// Scores of experts outside the best groups become minus infinity.
void mask_groups(float* choice, int64_t n, const RouterOptions& o, std::vector<int32_t>& order) {
  const int64_t size = n / o.groups;
  std::vector<float> merit(static_cast<size_t>(o.groups));
  for (int64_t g = 0; g < o.groups; ++g) {
    const int64_t most = o.sigmoid ? std::min<int64_t>(2, size) : 1;
    best_of(choice + g * size, size, most, order);
    for (int64_t i = 0; i < most; ++i) merit[static_cast<size_t>(g)] += choice[g * size + order[static_cast<size_t>(i)]];
  }
  best_of(merit.data(), o.groups, o.topk_groups, order);
  for (int64_t i = o.topk_groups; i < o.groups; ++i)
    std::fill_n(choice + order[static_cast<size_t>(i)] * size, size, -std::numeric_limits<float>::infinity());
}

}  // namespace

void router_forward(Context& ctx, Tensor logits, const Tensor& bias, Tensor experts, Tensor weights, const RouterOptions& o) {
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

void router_backward(Context& ctx, Tensor scores, const Tensor& experts, const Tensor& dweights, const RouterOptions& o) {
  check("router_backward", scores, experts, dweights, o);
  const int64_t n = scores.cols();
  parallel_ranges(ctx, scores.rows(), row_grain(n * 8), [&](int64_t begin, int64_t end) {
    std::vector<float> d(static_cast<size_t>(n));
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
      float mean = 0.0f;
      for (int64_t e = 0; e < n; ++e) mean += d[static_cast<size_t>(e)] * row[e];
      for (int64_t e = 0; e < n; ++e)
        row[e] *= o.sigmoid ? d[static_cast<size_t>(e)] * (1.0f - row[e]) : d[static_cast<size_t>(e)] - mean;
    }
  });
}

}  // namespace anneal
