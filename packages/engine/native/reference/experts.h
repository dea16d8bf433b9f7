// Scalar definitions of what mixtures of experts and latent attention add, templated as in reference.h.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "reference/reference.h"

namespace anneal::reference {

struct RouterShape {
  size_t experts, top_k, groups, topk_groups;
  bool sigmoid, normalise;
  double scale;
};

// Indices of the `count` largest, best first, the lower one on ties.
inline std::vector<size_t> best_of(const std::vector<double>& v, size_t count) {
  std::vector<size_t> order(v.size());
  for (size_t i = 0; i < v.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return v[a] > v[b]; });
  order.resize(count);
  return order;
}

template <class T>
std::vector<T> expert_scores(const std::vector<T>& logits, size_t row, const RouterShape& s) {
  std::vector<T> scores(logits.begin() + static_cast<std::ptrdiff_t>(row * s.experts),
                        logits.begin() + static_cast<std::ptrdiff_t>((row + 1) * s.experts));
  T sum = 0;
  for (T& x : scores) sum += x = s.sigmoid ? 1.0 / (1.0 + std::exp(-x)) : std::exp(x);
  if (!s.sigmoid)
    for (T& x : scores) x /= sum;
  return scores;
}

// Experts of one row, best first; bias may be empty.
inline std::vector<size_t> chosen_experts(const std::vector<double>& scores, const std::vector<double>& bias,
                                          const RouterShape& s) {
  std::vector<double> choice = scores;
  for (size_t e = 0; e < bias.size(); ++e) choice[e] += bias[e];
  const size_t size = s.experts / s.groups;
  std::vector<double> merit;
  for (size_t g = 0; g < s.groups; ++g) {
    std::vector<double> of_group(choice.begin() + static_cast<std::ptrdiff_t>(g * size),
                                 choice.begin() + static_cast<std::ptrdiff_t>((g + 1) * size));
    std::sort(of_group.rbegin(), of_group.rend());
    merit.push_back(of_group[0] + (s.sigmoid && size > 1 ? of_group[1] : 0.0));
  }
  const std::vector<size_t> groups = best_of(merit, s.topk_groups);
  for (size_t e = 0; e < s.experts; ++e)
    if (std::find(groups.begin(), groups.end(), e / size) == groups.end()) choice[e] = -INFINITY;
  return best_of(choice, s.top_k);
}

// logits (N,E) -> weights (N,k) of the experts chosen by the real parts.
template <class T>
std::vector<T> router_weights(const std::vector<T>& logits, const std::vector<double>& bias, const RouterShape& s) {
  std::vector<T> weights;
  for (size_t row = 0; row < logits.size() / s.experts; ++row) {
    const std::vector<T> scores = expert_scores(logits, row, s);
    std::vector<double> real;
    for (const T& x : scores) real.push_back(real_part(x));
    T sum = 0;
    const std::vector<size_t> chosen = chosen_experts(real, bias, s);
    for (size_t e : chosen) sum += scores[e];
    for (size_t e : chosen) weights.push_back(scores[e] * s.scale / (s.normalise ? sum : T(1)));
  }
  return weights;
}

// What balancing counts: of each sequence the tokens that chose an expert (S,E), as constants, and the sum of their
// probabilities (S,E).
template <class T>
std::vector<T> balance_sums(const std::vector<T>& logits, const std::vector<double>& bias,
                            const std::vector<int32_t>& offsets, const RouterShape& s, std::vector<double>& choices) {
  std::vector<T> sums((offsets.size() - 1) * s.experts);
  choices.assign(sums.size(), 0.0);
  for (size_t part = 0; part + 1 < offsets.size(); ++part)
    for (auto row = static_cast<size_t>(offsets[part]); row < static_cast<size_t>(offsets[part + 1]); ++row) {
      const std::vector<T> scores = expert_scores(logits, row, s);
      std::vector<double> real;
      T total = 0;
      for (const T& x : scores) real.push_back(real_part(x)), total += x;
      for (size_t e : s.sigmoid ? best_of(real, s.top_k) : chosen_experts(real, bias, s))
        choices[part * s.experts + e] += 1;
      for (size_t e = 0; e < s.experts; ++e) sums[part * s.experts + e] += scores[e] / total;
    }
  return sums;
}

// x (N, heads*D): pairs (2i, 2i + 1) behind `offset` channels of each head are rotated.
inline std::vector<double> rope_interleaved(std::vector<double> x, size_t heads, size_t d, size_t offset,
                                            const std::vector<double>& frequencies,
                                            const std::vector<int32_t>& positions) {
  for (size_t n = 0; n < positions.size(); ++n)
    for (size_t h = 0; h < heads; ++h)
      for (size_t i = 0; i < frequencies.size(); ++i) {
        const double angle = positions[n] * frequencies[i], c = std::cos(angle), s = std::sin(angle);
        double* pair = &x[(n * heads + h) * d + offset + 2 * i];
        const double a = pair[0], b = pair[1];
        pair[0] = a * c - b * s;
        pair[1] = b * c + a * s;
      }
  return x;
}

}  // namespace anneal::reference
