// Scalar definitions of the losses over a head, templated as in reference.h.
#pragma once
#include <string>

#include "reference/reference.h"

namespace anneal::reference {

// x (N,C), head (V,C) -> logits (N,V)
template <class T>
std::vector<T> head_logits(const std::vector<T>& x, const std::vector<T>& head, size_t n, double soft_cap) {
  const size_t c = x.size() / n, v = head.size() / c;
  std::vector<T> logits(n * v, T(0));
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < v; ++j) {
      T& l = logits[i * v + j];
      for (size_t k = 0; k < c; ++k) l += x[i * c + k] * head[j * c + k];
      if (soft_cap > 0) l = soft_cap * std::tanh(l / soft_cap);
    }
  return logits;
}

template <class T>
T log_sum(const T* x, size_t n) {
  double top = -INFINITY;
  for (size_t j = 0; j < n; ++j) top = std::fmax(top, real_part(x[j]));
  T sum = 0;
  for (size_t j = 0; j < n; ++j) sum += std::exp(x[j] - top);
  return std::log(sum) + top;
}

// Cross-entropy with label smoothing and z-loss of every row.
template <class T>
std::vector<T> smoothed_cross_entropy(const std::vector<T>& x, const std::vector<T>& head,
                                      const std::vector<int32_t>& targets, double soft_cap, double smoothing,
                                      double z) {
  const size_t n = targets.size();
  const std::vector<T> logits = head_logits(x, head, n, soft_cap);
  const size_t v = logits.size() / n;
  std::vector<T> loss(n);
  for (size_t i = 0; i < n; ++i) {
    const T* row = logits.data() + i * v;
    const T log_z = log_sum(row, v);
    T all = 0;
    for (size_t j = 0; j < v; ++j) all += log_z - row[j];
    loss[i] =
        (1 - smoothing) * (log_z - row[targets[i]]) + smoothing * all / static_cast<double>(v) + z * log_z * log_z;
  }
  return loss;
}

// share * nll + (1 - share) * divergence of every row; p (N,V) is the teacher's tempered distribution.
template <class T>
std::vector<T> distillation(const std::vector<T>& x, const std::vector<T>& head, const std::vector<int32_t>& targets,
                            const std::vector<double>& p, const std::string& divergence, double temperature, double b,
                            double share, double soft_cap) {
  const size_t n = targets.size();
  const std::vector<T> logits = head_logits(x, head, n, soft_cap);
  const size_t v = logits.size() / n;
  std::vector<T> loss(n);
  for (size_t i = 0; i < n; ++i) {
    std::vector<T> tempered(logits.begin() + i * v, logits.begin() + (i + 1) * v);
    const T nll = log_sum(tempered.data(), v) - tempered[targets[i]];
    for (T& l : tempered) l /= temperature;
    const T log_z = log_sum(tempered.data(), v);
    T sum = 0;
    for (size_t j = 0; j < v; ++j) {
      const double t = p[i * v + j];
      const T log_q = tempered[j] - log_z, q = std::exp(log_q);
      if (divergence == "forward") {
        if (t > 0) sum += t * (std::log(t) - log_q);
      } else if (divergence == "reverse") {
        sum += q * (log_q - std::log(t));
      } else {
        const T mixed = b * t + (1 - b) * q;
        if (t > 0) sum += b * t * (std::log(t) - std::log(mixed));
        sum += (1 - b) * q * (log_q - std::log(mixed));
      }
    }
    loss[i] = share * nll + (1 - share) * sum;
  }
  return loss;
}

}  // namespace anneal::reference
