// Norms, rotations, activations, moves, optimizer: one pass over rows or flat ranges. Arguments: cpu/row_kernels.h.
#pragma once
#include "cpu/impl/gemm.h"

namespace anneal::ANNEAL_ISA_NS {

ANNEAL_INLINE Vf load_dense(ConstRef r, int64_t at, int64_t n) {
  if (r.dtype == DType::kF16) {
    const F16* h = static_cast<const F16*>(r.data) + at;
    return n >= kLanes ? load_as(h) : load_part(h, n);
  }
  return load_any(r.data, r.dtype, at, n);
}
ANNEAL_INLINE Vf get(ConstRef r, int64_t at, int64_t n) { return load_any(r.data, r.dtype, at, n); }
ANNEAL_INLINE Vf get(Ref r, int64_t at, int64_t n) { return load_any(r.data, r.dtype, at, n); }
ANNEAL_INLINE void put(Ref r, int64_t at, Vf v, int64_t n) { store_any(r.data, r.dtype, at, v, n); }

// fn(offset, lanes): whole vectors first, then one part; fn sees a constant lane count in the main loop.
template <class Fn>
ANNEAL_INLINE void for_vectors(int64_t n, Fn&& fn) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) fn(i, int64_t{kLanes});
  if (i < n) fn(i, n - i);
}

inline void move_elements(ConstRef x, int64_t x_at, Ref y, int64_t y_at, int64_t n, float factor, bool accumulate) {
  const Vf f = splat(factor);
  for_vectors(n, [&](int64_t i, int64_t k) {
    Vf v = load_dense(x, x_at + i, k) * f;
    if (accumulate) v += get(y, y_at + i, k);
    put(y, y_at + i, v, k);
  });
}

inline void rms_norm(const RmsNormArgs& a, int64_t begin, int64_t end) {
  const int64_t c = a.channels;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t at = row * c;
    Vf squares{};
    for_vectors(c, [&](int64_t i, int64_t k) {
      Vf v = get(a.x, at + i, k);
      if (a.delta) {
        v += get(a.delta, at + i, k);
        put(a.x, at + i, v, k);
      }
      squares += v * v;
    });
    const float inverse = 1.0f / __builtin_sqrtf(hsum(squares) / static_cast<float>(c) + a.epsilon);
    a.inverse_rms[row] = inverse;
    for_vectors(c, [&](int64_t i, int64_t k) {
      put(a.y, at + i, get(a.x, at + i, k) * inverse * (get(a.weight, i, k) + a.weight_offset), k);
    });
  }
}

inline void rms_norm_backward(const RmsNormBackwardArgs& a, int64_t begin, int64_t end) {
  const int64_t c = a.channels;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t at = row * c;
    const float inverse = a.inverse_rms[row];
    Vf dots{};
    for_vectors(c, [&](int64_t i, int64_t k) {
      dots += get(a.dy, at + i, k) * (get(a.weight, i, k) + a.weight_offset) * get(a.x, at + i, k);
    });
    const float pull = hsum(dots) * inverse * inverse / static_cast<float>(c);
    for_vectors(c, [&](int64_t i, int64_t k) {
      const Vf dy = get(a.dy, at + i, k), x = get(a.x, at + i, k);
      Vf dx = (dy * (get(a.weight, i, k) + a.weight_offset) - x * pull) * inverse;
      const Ref out{a.dx, DType::kF32};
      if (a.accumulate_dx) dx += get(out, at + i, k);
      put(out, at + i, dx, k);
      if (a.dweight) {
        const Ref dw{a.dweight, DType::kF32};
        put(dw, i, get(dw, i, k) + dy * x * inverse, k);
      }
    });
  }
}

inline void rope(const RopeArgs& a, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const float* c = a.cos + a.positions[row] * a.half;
    const float* s = a.sin + a.positions[row] * a.half;
    for (int64_t head = 0; head < a.heads; ++head) {
      const int64_t low = (row * a.heads + head) * a.head_size + a.offset, high = low + a.half;
      if (a.interleaved) {
        for (int64_t i = 0; i < a.half; ++i) {
          const Vf cosine = load_any(c, DType::kF32, i, 1), sine = load_any(s, DType::kF32, i, 1) * a.sign;
          const Vf x = get(a.x, low + 2 * i, 1), y = get(a.x, low + 2 * i + 1, 1);
          put(a.x, low + 2 * i, x * cosine - y * sine, 1);
          put(a.x, low + 2 * i + 1, y * cosine + x * sine, 1);
        }
        continue;
      }
      for_vectors(a.half, [&](int64_t i, int64_t k) {
        const Vf cosine = load_any(c, DType::kF32, i, k), sine = load_any(s, DType::kF32, i, k) * a.sign;
        const Vf x = get(a.x, low + i, k), y = get(a.x, high + i, k);
        put(a.x, low + i, x * cosine - y * sine, k);
        put(a.x, high + i, y * cosine + x * sine, k);
      });
    }
  }
}

// Value and derivative of the gate's activation.
template <bool Gelu>
ANNEAL_INLINE void activate(Vf g, Vf& value, Vf& slope) {
  if constexpr (Gelu) {
    const Vf inner = 0.7978845608f * (g + 0.044715f * g * g * g);
    const Vf t = vtanh(inner);
    value = 0.5f * g * (1.0f + t);
    slope = 0.5f * (1.0f + t) + 0.5f * g * (1.0f - t * t) * 0.7978845608f * (1.0f + 0.134145f * g * g);
  } else {
    const Vf s = 1.0f / (1.0f + vexp(-g));
    value = g * s;
    slope = s + value * (1.0f - s);
  }
}

template <bool Gelu>
ANNEAL_INLINE void gated_range(const GatedArgs& a, int64_t begin, int64_t end) {
  for_vectors(end - begin, [&](int64_t i, int64_t k) {
    Vf value, slope;
    activate<Gelu>(get(a.gate, begin + i, k), value, slope);
    put(a.h, begin + i, value * get(a.up, begin + i, k), k);
  });
}
template <bool Gelu>
ANNEAL_INLINE void gated_backward_range(const GatedArgs& a, int64_t begin, int64_t end) {
  for_vectors(end - begin, [&](int64_t i, int64_t k) {
    Vf value, slope;
    const Vf up = get(a.up, begin + i, k), dh = get(a.dh, begin + i, k);
    activate<Gelu>(get(a.gate, begin + i, k), value, slope);
    put(a.dgate, begin + i, dh * up * slope, k);
    put(a.dup, begin + i, dh * value, k);
    if (a.h) put(a.h, begin + i, value * up, k);
  });
}
inline void gated(const GatedArgs& a, int64_t begin, int64_t end) {
  a.gelu ? gated_range<true>(a, begin, end) : gated_range<false>(a, begin, end);
}
inline void gated_backward(const GatedArgs& a, int64_t begin, int64_t end) {
  a.gelu ? gated_backward_range<true>(a, begin, end) : gated_backward_range<false>(a, begin, end);
}

using Vq = uint64_t __attribute__((vector_size(4 * kLanes)));

// High and low halves of a * constant, lane by lane.
ANNEAL_INLINE void multiply_wide(Vu a, uint32_t constant, Vu& high, Vu& low) {
  const Vq pairs = reinterpret_cast<Vq>(a);
  const Vq even = (pairs & 0xffffffffull) * constant;
  const Vq odd = (pairs >> 32) * constant;
  high = reinterpret_cast<Vu>((even >> 32) | (odd & ~0xffffffffull));
  low = a * constant;
}

// Element i of a group of 64 draws word (i/16)%4 of block 16*(i/64) + i%16: the same on every ISA, without shuffles.
inline void dropout(ConstRef x, Ref y, int64_t begin, int64_t end, uint64_t seed, uint32_t op, uint32_t step,
                    uint32_t threshold, float factor, bool accumulate) {
  Vu lane;
  for (int i = 0; i < kLanes; ++i) lane[i] = static_cast<uint32_t>(i);
  for (int64_t group = begin; group < end; group += 64) {
    for (int part = 0; part < 16; part += kLanes) {
      const uint64_t block = static_cast<uint64_t>(group / 64) * 16 + part;
      Vu c0 = lane + static_cast<uint32_t>(block), c1 = splat(static_cast<uint32_t>(block >> 32));
      Vu c2 = splat(op), c3 = splat(step);
      uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
      for (int round = 0; round < 10; ++round) {
        Vu h0, l0, h1, l1;
        multiply_wide(c0, 0xD2511F53u, h0, l0);
        multiply_wide(c2, 0xCD9E8D57u, h1, l1);
        c0 = h1 ^ c1 ^ k0;
        c1 = l1;
        c2 = h0 ^ c3 ^ k1;
        c3 = l0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
      }
      const Vu words[4] = {c0, c1, c2, c3};
      for (int w = 0; w < 4; ++w) {
        const int64_t at = group + w * 16 + part, n = end - at;
        if (n <= 0) break;
        Vf v = get(x, at, n);
        v = words[w] >= threshold ? v * factor : Vf{};
        if (accumulate) v += get(y, at, n);
        put(y, at, v, n);
      }
    }
  }
}

inline double sum_of_squares(const float* x, int64_t n) {
  Vd sum{};
  for_vectors(n, [&](int64_t i, int64_t k) {
    const Vd v = __builtin_convertvector(load_any(x, DType::kF32, i, k), Vd);
    sum += v * v;
  });
  double total = 0;
  for (int i = 0; i < kLanes; ++i) total += sum[i];
  return total;
}

inline bool all_finite(ConstRef x, int64_t begin, int64_t end) {
  Vu bad{};
  for_vectors(end - begin, [&](int64_t i, int64_t k) {
    const Vu bits = as_bits(load_dense(x, begin + i, k)) & 0x7f800000u;
    bad |= reinterpret_cast<Vu>(bits == 0x7f800000u);
  });
  uint32_t any = 0;
  for (int i = 0; i < kLanes; ++i) any |= bad[i];
  return any == 0;
}

inline void adamw(const AdamWArgs& a, int64_t begin, int64_t end) {
  const Ref master{a.master, DType::kF32}, m{a.m, DType::kF32}, v{a.v, DType::kF32};
  const ConstRef gradient{a.gradient, DType::kF32};
  for_vectors(end - begin, [&](int64_t i, int64_t k) {
    const int64_t at = begin + i;
    const Vf g = get(gradient, at, k) * a.gradient_scale;
    const Vf m1 = get(m, at, k) + (g - get(m, at, k)) * a.one_minus_beta1;
    const Vf v1 = get(v, at, k) * a.beta2 + g * g * a.one_minus_beta2;
    put(m, at, m1, k);
    put(v, at, v1, k);
    const Vf w = get(master, at, k) * a.decay - a.step_size * m1 / (vsqrt(v1) * a.inverse_sqrt_correction2 + a.epsilon);
    put(master, at, w, k);
  });
}

inline SoftmaxRow softmax_row(float* x, int64_t n, bool keep) {
  const Ref r{x, DType::kF32};
  Vf top = splat(-__builtin_inff());
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) top = vmax(load(x + i), top);
  float maximum = hmax(top);
  for (; i < n; ++i) maximum = x[i] > maximum ? x[i] : maximum;
  SoftmaxRow row{maximum, 0, 0};
  // First index that holds the maximum, a vector at a time.
  for (i = 0; i + kLanes <= n; i += kLanes) {
    const Vi equal = load(x + i) == maximum;
    int32_t any = 0;
    for (int j = 0; j < kLanes; ++j) any |= equal[j];
    if (any) break;
  }
  while (i < n - 1 && x[i] != maximum) ++i;
  row.argmax = static_cast<int32_t>(i);
  Vf sum{};
  for_vectors(n, [&](int64_t at, int64_t k) {
    Vf e = vexp(get(r, at, k) - maximum);
    if (keep) put(r, at, e, k);
    if (k < kLanes) {  // lanes past the end hold exp(0 - maximum)
      float t[kLanes];
      store(t, e);
      for (int64_t j = k; j < kLanes; ++j) t[j] = 0;
      e = load(t);
    }
    sum += e;
  });
  row.sum = hsum(sum);
  return row;
}

inline void soft_cap(float* x, int64_t n, float cap) {
  const Ref r{x, DType::kF32};
  for_vectors(n, [&](int64_t i, int64_t k) { put(r, i, cap * vtanh(get(r, i, k) / cap), k); });
}

inline void softmax_gradient(float* x, int64_t n, float factor, float maximum, float cap) {
  const Ref r{x, DType::kF32};
  for_vectors(n, [&](int64_t i, int64_t k) {
    Vf v = get(r, i, k);
    if (cap > 0) {
      const Vf ratio = v / cap;
      v = vexp(v - maximum) * (1.0f - ratio * ratio);
    }
    put(r, i, v * factor, k);
  });
}

inline void subtract(const float* x, float* y, int64_t n, float shift) {
  const Ref out{y, DType::kF32};
  for_vectors(n, [&](int64_t i, int64_t k) { put(out, i, load_any(x, DType::kF32, i, k) - shift, k); });
}

constexpr RowKernels kRowKernels = {
    move_elements,  rms_norm, rms_norm_backward, rope,       gated,
    gated_backward, dropout,  sum_of_squares,    all_finite, adamw,
    softmax_row,    soft_cap, softmax_gradient,  subtract,
};

}  // namespace anneal::ANNEAL_ISA_NS
