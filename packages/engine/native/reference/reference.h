// Scalar forward definitions of every op, templated on T: double, or std::complex<double> for derivatives by complex
// step. Test targets only. Plain loops in the order of the mathematics; shapes as in ops/*.h. Results are what the
// kernels are held to.
#pragma once
#include <cmath>
#include <complex>
#include <cstdint>
#include <vector>

namespace anneal::reference {

inline double real_part(double x) { return x; }
inline double real_part(const std::complex<double>& x) { return x.real(); }

// x (N,C), weight (C) -> y (N,C)
template <class T>
std::vector<T> rms_norm(const std::vector<T>& x, const std::vector<T>& weight, double epsilon, double offset) {
  const size_t c = weight.size(), n = x.size() / c;
  std::vector<T> y(x.size());
  for (size_t i = 0; i < n; ++i) {
    T squares = 0;
    for (size_t j = 0; j < c; ++j) squares += x[i * c + j] * x[i * c + j];
    const T inverse = 1.0 / std::sqrt(squares / static_cast<double>(c) + epsilon);
    for (size_t j = 0; j < c; ++j) y[i * c + j] = x[i * c + j] * inverse * (weight[j] + offset);
  }
  return y;
}

// x (N,heads*D); frequencies (R/2)
template <class T>
std::vector<T> rope(std::vector<T> x, size_t heads, size_t d, const std::vector<double>& frequencies,
                    const std::vector<int32_t>& positions) {
  const size_t half = frequencies.size();
  for (size_t n = 0; n < positions.size(); ++n)
    for (size_t h = 0; h < heads; ++h)
      for (size_t i = 0; i < half; ++i) {
        const double angle = positions[n] * frequencies[i], c = std::cos(angle), s = std::sin(angle);
        T& a = x[(n * heads + h) * d + i];
        T& b = x[(n * heads + h) * d + i + half];
        const T a0 = a, b0 = b;
        a = a0 * c - b0 * s;
        b = b0 * c + a0 * s;
      }
  return x;
}

template <class T>
T silu(T g) {
  return g / (1.0 + std::exp(-g));
}
template <class T>
T gelu_tanh(T g) {
  return 0.5 * g * (1.0 + std::tanh(0.7978845608028654 * (g + 0.044715 * g * g * g)));
}

template <class T>
std::vector<T> gated(const std::vector<T>& gate, const std::vector<T>& up, bool gelu) {
  std::vector<T> h(gate.size());
  for (size_t i = 0; i < h.size(); ++i) h[i] = (gelu ? gelu_tanh(gate[i]) : silu(gate[i])) * up[i];
  return h;
}

struct AttentionShape {
  size_t heads, kv_heads, d, dv;
  double scale, soft_cap;
  size_t window;
};

// q (N,H*D), k (N,K*D), v (N,K*Dv) -> out (N,H*Dv)
template <class T>
std::vector<T> attention(const std::vector<T>& q, const std::vector<T>& k, const std::vector<T>& v,
                         const std::vector<int32_t>& offsets, const AttentionShape& s) {
  const size_t n = offsets.back(), group = s.heads / s.kv_heads;
  std::vector<T> out(n * s.heads * s.dv, T(0));
  for (size_t seq = 0; seq + 1 < offsets.size(); ++seq)
    for (size_t h = 0; h < s.heads; ++h)
      for (size_t i = offsets[seq]; i < static_cast<size_t>(offsets[seq + 1]); ++i) {
        size_t first = offsets[seq];
        if (s.window && i + 1 > first + s.window) first = i + 1 - s.window;
        std::vector<T> p;
        double top = -INFINITY;
        for (size_t j = first; j <= i; ++j) {
          T x = 0;
          for (size_t c = 0; c < s.d; ++c)
            x += q[(i * s.heads + h) * s.d + c] * k[(j * s.kv_heads + h / group) * s.d + c];
          x *= s.scale;
          if (s.soft_cap > 0) x = s.soft_cap * std::tanh(x / s.soft_cap);
          p.push_back(x);
          top = std::fmax(top, real_part(x));
        }
        T sum = 0;
        for (T& x : p) sum += x = std::exp(x - top);
        for (size_t j = first; j <= i; ++j)
          for (size_t c = 0; c < s.dv; ++c)
            out[(i * s.heads + h) * s.dv + c] += p[j - first] / sum * v[(j * s.kv_heads + h / group) * s.dv + c];
      }
  return out;
}

// hidden (N,C), head (V,C) -> nll (N)
template <class T>
std::vector<T> cross_entropy(const std::vector<T>& hidden, const std::vector<T>& head,
                             const std::vector<int32_t>& targets, double scale, double soft_cap) {
  const size_t n = targets.size(), c = hidden.size() / n, v = head.size() / c;
  std::vector<T> nll(n);
  for (size_t i = 0; i < n; ++i) {
    std::vector<T> logits(v, T(0));
    double top = -INFINITY;
    for (size_t j = 0; j < v; ++j) {
      for (size_t x = 0; x < c; ++x) logits[j] += hidden[i * c + x] * head[j * c + x];
      logits[j] *= scale;
      if (soft_cap > 0) logits[j] = soft_cap * std::tanh(logits[j] / soft_cap);
      top = std::fmax(top, real_part(logits[j]));
    }
    T sum = 0;
    for (const T& x : logits) sum += std::exp(x - top);
    nll[i] = std::log(sum) + top - logits[targets[i]];
  }
  return nll;
}

// Gradient of sum(weights * f(inputs)) with respect to inputs[which], one complex step per element: exact to rounding,
// no cancellation.
template <class F>
std::vector<double> complex_step(F&& f, const std::vector<std::vector<double>>& inputs, size_t which,
                                 const std::vector<double>& weights) {
  using C = std::complex<double>;
  std::vector<std::vector<C>> x;
  for (const auto& input : inputs) x.emplace_back(input.begin(), input.end());
  std::vector<double> gradient(inputs[which].size());
  constexpr double kStep = 1e-30;
  for (size_t i = 0; i < gradient.size(); ++i) {
    x[which][i] += C(0, kStep);
    const std::vector<C> y = f(x);
    double sum = 0;
    for (size_t j = 0; j < y.size(); ++j) sum += weights[j] * y[j].imag();
    gradient[i] = sum / kStep;
    x[which][i] = inputs[which][i];
  }
  return gradient;
}

}  // namespace anneal::reference
