// One body per op, run on every ISA of this machine with 1 and 2 threads, in f32 and bf16, against the scalar reference; backward against
// complex step. The same bits are asked of any number of threads. Tolerances relative to the largest value: kTolerance.
#include <functional>
#include <vector>

#include "core/bf16.h"
#include "core/buffer.h"
#include "core/philox.h"
#include "cpu/kernel_table.h"
#include "ops/attention.h"
#include "ops/cross_entropy.h"
#include "ops/dropout.h"
#include "ops/elementwise.h"
#include "ops/embedding.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"
#include "ops/sampling.h"
#include "ops/swiglu.h"
#include "reference/reference.h"
#include "test_support/check.h"

using namespace anneal;

namespace {

double tolerance(DType dtype) { return dtype == DType::kF32 ? 1e-5 : 2e-2; }

uint32_t next_stream = 1;

// Random values in [-1,1), representable in `dtype`, so that the reference sees what the kernel sees.
std::vector<double> random_values(size_t n, DType dtype, double scale = 1.0) {
  const RandomStream stream{11, 0, next_stream++};
  std::vector<double> v(n);
  for (size_t i = 0; i < n; ++i) {
    const float x = static_cast<float>((stream.uniform(i) * 2 - 1) * scale);
    v[i] = dtype == DType::kBF16 ? to_f32(to_bf16(x)) : x;
  }
  return v;
}

Buffer to_buffer(const std::vector<double>& v, DType dtype, const Shape& shape) {
  Buffer b(dtype, shape);
  for (size_t i = 0; i < v.size(); ++i) {
    if (dtype == DType::kBF16) {
      b.tensor().as<bf16>()[i] = to_bf16(static_cast<float>(v[i]));
    } else {
      b.tensor().f32()[i] = static_cast<float>(v[i]);
    }
  }
  return b;
}

Buffer to_ints(const std::vector<int32_t>& v) {
  Buffer b(DType::kI32, {static_cast<int64_t>(v.size())});
  if (!v.empty()) std::memcpy(b.data(), v.data(), v.size() * 4);
  return b;
}

std::vector<double> values_of(const Tensor& t) {
  std::vector<double> v(t.shape.elements());
  for (size_t i = 0; i < v.size(); ++i) v[i] = t.dtype == DType::kF32 ? t.f32()[i] : to_f32(t.as<bf16>()[i]);
  return v;
}

// `scale`: the least size that errors are measured against, for sums whose terms cancel.
void expect_close(const char* what, Isa isa, const Tensor& got, const std::vector<double>& want, double allowed, double scale = 1e-6) {
  const std::vector<double> v = values_of(got);
  if (v.size() != want.size()) return test::fail(what, 0, "sizes differ");
  const double error = test::relative_error(v.data(), want.data(), v.size(), scale);
  if (!(error <= allowed)) test::fail(what, 0, std::string(isa_name(isa)) + " error " + std::to_string(error));
}

// Runs body(context, outputs) per ISA with 1 and 2 threads; every buffer the body returns must have the same bits for both.
void on_every_isa(const std::function<std::vector<Buffer>(Context&)>& body) {
  for (Isa isa : available_isas()) {
    std::vector<Buffer> first;
    for (int threads : {1, 2}) {
      ThreadPool pool(threads);
      Arena arena(size_t{512} << 20);
      Context ctx{pool, arena, isa};
      std::vector<Buffer> out = body(ctx);
      CHECK_EQ(arena.used_bytes(), 0u);
      if (threads == 1) {
        first = std::move(out);
        continue;
      }
      for (size_t i = 0; i < out.size(); ++i) CHECK(std::memcmp(out[i].data(), first[i].data(), out[i].bytes()) == 0);
    }
  }
}

template <class... B> std::vector<Buffer> keep(B&&... b) {
  std::vector<Buffer> all;
  (all.push_back(std::move(b)), ...);
  return all;
}

constexpr DType kTypes[] = {DType::kF32, DType::kBF16};

}  // namespace

TEST(rms_norm) {
  for (DType dtype : kTypes)
    for (auto [n, c] : {std::pair<int64_t, int64_t>{1, 1}, {3, 7}, {130, 33}, {5, 576}}) {
      const RmsNormOptions o{1e-5f, 1.0f};
      const auto x = random_values(n * c, dtype), w = random_values(c, dtype), dy = random_values(n * c, dtype);
      const auto start = random_values(n * c, DType::kF32), delta = random_values(n * c, dtype);
      std::vector<double> dx, dw;
      const auto f = [&](const auto& in) { return reference::rms_norm(in[0], in[1], 1e-5f, 1.0); };
      if (n * c < 5000) {
        dx = reference::complex_step(f, {x, w}, 0, dy);
        dw = reference::complex_step(f, {x, w}, 1, dy);
      }
      const auto y = f(std::vector<std::vector<double>>{x, w});
      auto sum = x;
      for (size_t i = 0; i < sum.size(); ++i) sum[i] = static_cast<float>(start[i] + delta[i]);
      const auto y_sum = f(std::vector<std::vector<double>>{sum, w});
      on_every_isa([&, n = n, c = c](Context& ctx) {
        Buffer bx = to_buffer(x, dtype, {n, c}), bw = to_buffer(w, dtype, {c}), by(dtype, {n, c}), inv(DType::kF32, {n});
        rms_norm_forward(ctx, bx.tensor(), bw.tensor(), by.tensor(), inv.tensor(), o);
        expect_close("rms_norm y", ctx.isa, by.tensor(), y, tolerance(dtype));
        Buffer bdy = to_buffer(dy, dtype, {n, c}), bdx = to_buffer(start, DType::kF32, {n, c}), bdw(DType::kF32, {c});
        rms_norm_backward(ctx, bdy.tensor(), bx.tensor(), bw.tensor(), inv.tensor(), bdx.tensor(), true, bdw.tensor(), o);
        if (!dx.empty()) {
          auto want = dx;
          for (size_t i = 0; i < want.size(); ++i) want[i] += start[i];
          expect_close("rms_norm dx", ctx.isa, bdx.tensor(), want, 1e-5);
          expect_close("rms_norm dw", ctx.isa, bdw.tensor(), dw, 1e-5);
          rms_norm_backward(ctx, bdy.tensor(), bx.tensor(), bw.tensor(), inv.tensor(), bdx.tensor(), false, {}, o);
          // With one channel the two terms of dx cancel to nothing: rounding is held against the terms.
          double term = 0;
          for (int64_t i = 0; i < n * c; ++i) term = std::fmax(term, std::fabs(dy[i] * w[i % c] * inv.tensor().f32()[i / c]));
          expect_close("rms_norm dx overwritten", ctx.isa, bdx.tensor(), dx, 1e-5, term);
        }
        Buffer stream = to_buffer(start, DType::kF32, {n, c}), bd = to_buffer(delta, dtype, {n, c});
        add_rms_norm_forward(ctx, stream.tensor(), bd.tensor(), bw.tensor(), by.tensor(), inv.tensor(), o);
        expect_close("add_rms_norm x", ctx.isa, stream.tensor(), sum, 1e-7);
        expect_close("add_rms_norm y", ctx.isa, by.tensor(), y_sum, tolerance(dtype));
        return keep(by, inv, bdx, bdw, stream);
      });
    }
}

TEST(rope) {
  const std::vector<std::pair<int64_t, int64_t>> sizes = {{64, 32}, {6, 3}, {20, 5}};  // head size, half of the rotary size
  for (DType dtype : kTypes)
    for (auto [d, half] : sizes) {
      const int64_t n = 37, heads = 3;
      std::vector<float> frequencies(half);
      for (int64_t i = 0; i < half; ++i) frequencies[i] = static_cast<float>(std::pow(10000.0, -double(i) / half));
      std::vector<int32_t> positions(n);
      for (int64_t i = 0; i < n; ++i) positions[i] = static_cast<int32_t>((i * 7) % 50);
      const auto x = random_values(n * heads * d, dtype);
      const auto y = reference::rope(x, heads, d, std::vector<double>(frequencies.begin(), frequencies.end()), positions);
      on_every_isa([&, d = d, half = half](Context& ctx) {
        Buffer c(DType::kF32, {50, half}), s(DType::kF32, {50, half}), p = to_ints(positions);
        rope_fill_table(frequencies, 1.0f, {c.tensor(), s.tensor()});
        Buffer b = to_buffer(x, dtype, {n, heads * d});
        rope(ctx, b.tensor(), heads, d, {c.tensor(), s.tensor()}, p.tensor(), false);
        expect_close("rope", ctx.isa, b.tensor(), y, tolerance(dtype));
        Buffer back = to_buffer(values_of(b.tensor()), dtype, {n, heads * d});
        rope(ctx, back.tensor(), heads, d, {c.tensor(), s.tensor()}, p.tensor(), true);  // a rotation's adjoint is its inverse
        expect_close("rope inverse", ctx.isa, back.tensor(), x, tolerance(dtype));
        positions[0] = 50;
        Buffer bad = to_ints(positions);
        positions[0] = 0;
        CHECK_ERROR(rope(ctx, b.tensor(), heads, d, {c.tensor(), s.tensor()}, bad.tensor(), false), ErrorCode::kInvalidArgument);
        return keep(b, back);
      });
    }
}

TEST(gated_activation) {
  for (DType dtype : kTypes)
    for (bool gelu : {false, true}) {
      const int64_t n = 9, f = 37;
      const auto gate = random_values(n * f, dtype, 6), up = random_values(n * f, dtype), dh = random_values(n * f, dtype);
      const auto fn = [&](const auto& in) { return reference::gated(in[0], in[1], gelu); };
      const auto h = fn(std::vector<std::vector<double>>{gate, up});
      const auto dgate = reference::complex_step(fn, {gate, up}, 0, dh), dup = reference::complex_step(fn, {gate, up}, 1, dh);
      const Activation act = gelu ? Activation::kGeluTanh : Activation::kSilu;
      on_every_isa([&](Context& ctx) {
        Buffer g = to_buffer(gate, dtype, {n, f}), u = to_buffer(up, dtype, {n, f}), d = to_buffer(dh, dtype, {n, f}), y(dtype, {n, f});
        gated_activation_forward(ctx, g.tensor(), u.tensor(), y.tensor(), act);
        expect_close("gated h", ctx.isa, y.tensor(), h, tolerance(dtype));
        // In place: dgate over gate, dup over up, h over dh.
        gated_activation_backward(ctx, d.tensor(), g.tensor(), u.tensor(), g.tensor(), u.tensor(), d.tensor(), act);
        expect_close("gated dgate", ctx.isa, g.tensor(), dgate, tolerance(dtype));
        expect_close("gated dup", ctx.isa, u.tensor(), dup, tolerance(dtype));
        expect_close("gated h again", ctx.isa, d.tensor(), h, tolerance(dtype));
        return keep(y, g, u, d);
      });
    }
}

TEST(embedding) {
  const int64_t v = 23, c = 37;
  const std::vector<int32_t> tokens = {4, 7, 4, 0, 22, 4, 7, 1};
  const int64_t n = static_cast<int64_t>(tokens.size());
  for (DType dtype : kTypes) {
    const auto w = random_values(v * c, dtype), dy = random_values(n * c, dtype);
    std::vector<double> y, dw(v * c);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < c; ++j) {
        y.push_back(2 * w[tokens[i] * c + j]);
        dw[tokens[i] * c + j] += 2 * dy[i * c + j];
      }
    on_every_isa([&](Context& ctx) {
      Buffer bw = to_buffer(w, dtype, {v, c}), by(dtype, {n, c}), t = to_ints(tokens), bdy = to_buffer(dy, dtype, {n, c});
      Buffer bdw(DType::kF32, {v, c});
      embedding_forward(ctx, t.tensor(), bw.tensor(), by.tensor(), 2.0f);
      expect_close("embedding", ctx.isa, by.tensor(), y, tolerance(dtype));
      embedding_backward(ctx, t.tensor(), bdy.tensor(), bdw.tensor(), 2.0f);
      expect_close("embedding dw", ctx.isa, bdw.tensor(), dw, 1e-5);
      t.tensor().as<int32_t>()[3] = 23;
      CHECK_ERROR(embedding_forward(ctx, t.tensor(), bw.tensor(), by.tensor()), ErrorCode::kInvalidArgument);
      t.tensor().as<int32_t>()[3] = -1;
      CHECK_ERROR(embedding_backward(ctx, t.tensor(), bdy.tensor(), bdw.tensor()), ErrorCode::kInvalidArgument);
      return keep(by, bdw);
    });
  }
}

namespace {

struct AttentionCase {
  reference::AttentionShape shape;
  std::vector<int32_t> offsets;
  bool gradient = true;  // complex step is O(elements * forward)
};

// Derivatives of attention in double, written out (for sizes where complex step is too slow).
void check_attention(const AttentionCase& c, DType dtype) {
  const auto& s = c.shape;
  const int64_t n = c.offsets.back(), h = s.heads, k = s.kv_heads, d = s.d, dv = s.dv;
  const auto q = random_values(n * h * d, dtype), key = random_values(n * k * d, dtype), v = random_values(n * k * dv, dtype);
  const auto dout = random_values(n * h * dv, dtype);
  const auto f = [&](const auto& in) { return reference::attention(in[0], in[1], in[2], c.offsets, s); };
  const auto want = f(std::vector<std::vector<double>>{q, key, v});
  std::vector<double> dq, dk, dvalue;
  if (c.gradient) {
    dq = reference::complex_step(f, {q, key, v}, 0, dout);
    dk = reference::complex_step(f, {q, key, v}, 1, dout);
    dvalue = reference::complex_step(f, {q, key, v}, 2, dout);
  }
  AttentionOptions o;
  o.query_heads = h, o.kv_heads = k, o.head_size = d, o.value_head_size = dv;
  o.scale = static_cast<float>(s.scale), o.soft_cap = static_cast<float>(s.soft_cap), o.window = static_cast<int64_t>(s.window);
  o.bf16_products = dtype == DType::kBF16;
  int64_t longest = 0;
  for (size_t i = 1; i < c.offsets.size(); ++i) longest = std::max<int64_t>(longest, c.offsets[i] - c.offsets[i - 1]);
  on_every_isa([&](Context& ctx) {
    Buffer bq = to_buffer(q, dtype, {n, h * d}), bk = to_buffer(key, dtype, {n, k * d}), bv = to_buffer(v, dtype, {n, k * dv});
    Buffer out(dtype, {n, h * dv}), lse(DType::kF32, {n, h}), offsets = to_ints(c.offsets), bdout = to_buffer(dout, dtype, {n, h * dv});
    attention_forward(ctx, bq.tensor(), bk.tensor(), bv.tensor(), offsets.tensor(), out.tensor(), lse.tensor(), o);
    expect_close("attention out", ctx.isa, out.tensor(), want, tolerance(dtype));
    Buffer gq(DType::kF32, {n, h * d}), gk(DType::kF32, {n, k * d}), gv(DType::kF32, {n, k * dv});
    attention_backward(ctx, bdout.tensor(), bq.tensor(), bk.tensor(), bv.tensor(), out.tensor(), lse.tensor(), offsets.tensor(),
                       gq.tensor(), gk.tensor(), gv.tensor(), o);
    if (c.gradient) {
      expect_close("attention dq", ctx.isa, gq.tensor(), dq, tolerance(dtype));
      expect_close("attention dk", ctx.isa, gk.tensor(), dk, tolerance(dtype));
      expect_close("attention dv", ctx.isa, gv.tensor(), dvalue, tolerance(dtype));
    }
    CHECK(ctx.scratch.peak_bytes() <= attention_scratch_bytes(ctx, o, n, longest));
    // In place gives the same.
    attention_backward(ctx, bdout.tensor(), bq.tensor(), bk.tensor(), bv.tensor(), out.tensor(), lse.tensor(), offsets.tensor(),
                       bq.tensor(), bk.tensor(), bv.tensor(), o);
    expect_close("attention dq in place", ctx.isa, bq.tensor(), values_of(gq.tensor()), tolerance(dtype));
    expect_close("attention dk in place", ctx.isa, bk.tensor(), values_of(gk.tensor()), tolerance(dtype));
    expect_close("attention dv in place", ctx.isa, bv.tensor(), values_of(gv.tensor()), tolerance(dtype));
    return keep(out, lse, gq, gk, gv);
  });
}

}  // namespace

TEST(attention_short) {
  for (DType dtype : kTypes) {
    check_attention({{1, 1, 4, 4, 0.5, 0, 0}, {0, 1}}, dtype);
    check_attention({{4, 2, 6, 6, 0.4, 0, 0}, {0, 5, 5, 16, 35}}, dtype);
    check_attention({{2, 1, 8, 5, 0.4, 0, 0}, {0, 20, 37}}, dtype);        // other value head size
    check_attention({{2, 2, 8, 8, 2.0, 1.5, 0}, {0, 20, 37}}, dtype);      // soft cap
    check_attention({{2, 1, 8, 8, 0.4, 0, 6}, {0, 3, 40}}, dtype);         // window
    check_attention({{1, 1, 72, 72, 0.2, 0, 0}, {0, 30}}, dtype);
  }
}

TEST(attention_long) {
  for (DType dtype : kTypes) {
    check_attention({{3, 1, 16, 16, 0.25, 0, 0}, {0, 44, 900, 1290}, false}, dtype);
    check_attention({{2, 2, 20, 20, 0.3, 3.0, 100}, {0, 500}, false}, dtype);
  }
}

// Long sequences: the derivative along a random direction, from forward passes of the reference in complex arithmetic.
TEST(attention_long_directional) {
  const reference::AttentionShape s{4, 2, 12, 12, 0.3, 0, 0};
  const std::vector<int32_t> offsets = {0, 40, 440};
  const int64_t n = 440;
  using C = std::complex<double>;
  std::vector<std::vector<double>> in = {random_values(n * 48, DType::kF32), random_values(n * 24, DType::kF32),
                                         random_values(n * 24, DType::kF32)};
  const auto dout = random_values(n * 48, DType::kF32);
  AttentionOptions o;
  o.query_heads = 4, o.kv_heads = 2, o.head_size = 12, o.scale = 0.3f;
  std::vector<std::vector<double>> directions;
  std::vector<double> slopes;
  for (size_t which = 0; which < 3; ++which) {
    directions.push_back(random_values(in[which].size(), DType::kF32));
    std::vector<std::vector<C>> x;
    for (const auto& v : in) x.emplace_back(v.begin(), v.end());
    for (size_t i = 0; i < x[which].size(); ++i) x[which][i] += C(0, 1e-30 * directions[which][i]);
    const auto y = reference::attention(x[0], x[1], x[2], offsets, s);
    double slope = 0;
    for (size_t i = 0; i < y.size(); ++i) slope += dout[i] * y[i].imag() / 1e-30;
    slopes.push_back(slope);
  }
  on_every_isa([&](Context& ctx) {
    Buffer q = to_buffer(in[0], DType::kF32, {n, 48}), k = to_buffer(in[1], DType::kF32, {n, 24}), v = to_buffer(in[2], DType::kF32, {n, 24});
    Buffer out(DType::kF32, {n, 48}), lse(DType::kF32, {n, 4}), off = to_ints(offsets), g = to_buffer(dout, DType::kF32, {n, 48});
    attention_forward(ctx, q.tensor(), k.tensor(), v.tensor(), off.tensor(), out.tensor(), lse.tensor(), o);
    Buffer dq(DType::kF32, {n, 48}), dk(DType::kF32, {n, 24}), dv(DType::kF32, {n, 24});
    attention_backward(ctx, g.tensor(), q.tensor(), k.tensor(), v.tensor(), out.tensor(), lse.tensor(), off.tensor(), dq.tensor(),
                       dk.tensor(), dv.tensor(), o);
    const Tensor got[3] = {dq.tensor(), dk.tensor(), dv.tensor()};
    for (int which = 0; which < 3; ++which) {
      double slope = 0, size = 0;
      for (size_t i = 0; i < directions[which].size(); ++i) {
        slope += got[which].f32()[i] * directions[which][i];
        size += std::fabs(got[which].f32()[i] * directions[which][i]);
      }
      CHECK_NEAR(slope, slopes[which], 1e-5 * size);
    }
    return keep(dq, dk, dv);
  });
}

TEST(attention_sequences_do_not_see_one_another) {
  // The same sequence alone and packed behind others has the same bits (forward and backward).
  const int64_t n = 61, d = 16;
  const auto q = random_values(n * d, DType::kF32), k = random_values(n * d, DType::kF32), v = random_values(n * d, DType::kF32);
  AttentionOptions o;
  o.query_heads = o.kv_heads = 1, o.head_size = d, o.scale = 0.25f;
  on_every_isa([&](Context& ctx) {
    Buffer bq = to_buffer(q, DType::kF32, {n, d}), bk = to_buffer(k, DType::kF32, {n, d}), bv = to_buffer(v, DType::kF32, {n, d});
    Buffer out(DType::kF32, {n, d}), lse(DType::kF32, {n, 1}), offsets = to_ints({0, 20, 61});
    attention_forward(ctx, bq.tensor(), bk.tensor(), bv.tensor(), offsets.tensor(), out.tensor(), lse.tensor(), o);
    const auto tail = [&](const Buffer& b) { return Tensor{b.tensor().f32() + 20 * d, DType::kF32, {41, d}}; };
    Buffer alone(DType::kF32, {41, d}), lse_alone(DType::kF32, {41, 1}), one = to_ints({0, 41});
    attention_forward(ctx, tail(bq), tail(bk), tail(bv), one.tensor(), alone.tensor(), lse_alone.tensor(), o);
    CHECK(std::memcmp(alone.data(), tail(out).data, alone.bytes()) == 0);
    return keep(out, alone);
  });
}

TEST(attention_decode_equals_forward) {
  for (DType dtype : kTypes) {
    const reference::AttentionShape s{6, 2, 20, 20, 0.3, 0, 7};
    const int64_t batch = 3, capacity = 30;
    const std::vector<int32_t> lengths = {1, 30, 13}, slots = {2, 0, 1};
    const auto q = random_values(batch * 120, dtype), k = random_values(batch * capacity * 40, dtype), v = random_values(batch * capacity * 40, dtype);
    std::vector<double> want;
    for (int64_t b = 0; b < batch; ++b) {
      // The reference's last query over the cached tokens.
      const int64_t len = lengths[b], at = slots[b] * capacity * 40;
      std::vector<double> all_q(len * 120);
      std::copy_n(q.begin() + b * 120, 120, all_q.end() - 120);
      const std::vector<double> kk(k.begin() + at, k.begin() + at + len * 40), vv(v.begin() + at, v.begin() + at + len * 40);
      const auto out = reference::attention(all_q, kk, vv, {0, static_cast<int32_t>(len)}, s);
      want.insert(want.end(), out.end() - 120, out.end());
    }
    AttentionOptions o;
    o.query_heads = 6, o.kv_heads = 2, o.head_size = 20, o.scale = 0.3f, o.window = 7;
    on_every_isa([&](Context& ctx) {
      Buffer bq = to_buffer(q, dtype, {batch, 120}), bk = to_buffer(k, dtype, {batch, capacity, 40}), bv = to_buffer(v, dtype, {batch, capacity, 40});
      Buffer out(DType::kF32, {batch, 120}), len = to_ints(lengths), slot = to_ints(slots);
      attention_decode(ctx, bq.tensor(), bk.tensor(), bv.tensor(), len.tensor(), slot.tensor(), out.tensor(), o);
      expect_close("attention_decode", ctx.isa, out.tensor(), want, 1e-5);
      len.tensor().as<int32_t>()[0] = 31;
      CHECK_ERROR(attention_decode(ctx, bq.tensor(), bk.tensor(), bv.tensor(), len.tensor(), slot.tensor(), out.tensor(), o),
                  ErrorCode::kInvalidArgument);
      return keep(out);
    });
  }
}

TEST(attention_refuses_bad_offsets) {
  ThreadPool pool(1);
  Arena arena(1 << 24);
  Context ctx{pool, arena};
  Buffer x(DType::kF32, {4, 8}), lse(DType::kF32, {4, 1});
  AttentionOptions o;
  o.query_heads = o.kv_heads = 1, o.head_size = 8, o.scale = 1;
  for (const std::vector<int32_t>& bad : {std::vector<int32_t>{0, 5}, {1, 4}, {0, 3, 2, 4}, {}}) {
    Buffer offsets = to_ints(bad);
    CHECK_ERROR(attention_forward(ctx, x.tensor(), x.tensor(), x.tensor(), offsets.tensor(), x.tensor(), lse.tensor(), o),
                ErrorCode::kInvalidArgument);
  }
  o.query_heads = 2;
  Buffer offsets = to_ints({0, 4});
  CHECK_ERROR(attention_forward(ctx, x.tensor(), x.tensor(), x.tensor(), offsets.tensor(), x.tensor(), lse.tensor(), o),
              ErrorCode::kShape);
}

TEST(cross_entropy_head) {
  for (DType dtype : kTypes)
    for (double cap : {0.0, 2.0}) {
      const int64_t n = 11, c = 18, v = 53;
      const auto hidden = random_values(n * c, dtype), head = random_values(v * c, dtype), weights = random_values(n, DType::kF32);
      std::vector<int32_t> targets(n);
      for (int64_t i = 0; i < n; ++i) targets[i] = static_cast<int32_t>((i * 17) % v);
      const auto f = [&](const auto& in) { return reference::cross_entropy(in[0], in[1], targets, 1.5, cap); };
      const auto nll = f(std::vector<std::vector<double>>{hidden, head});
      const auto dh = reference::complex_step(f, {hidden, head}, 0, weights), dw = reference::complex_step(f, {hidden, head}, 1, weights);
      CrossEntropyOptions o;
      o.precision = dtype == DType::kBF16 ? GemmPrecision::kBF16 : GemmPrecision::kF32;
      o.logit_soft_cap = static_cast<float>(cap), o.logit_scale = 1.5f, o.chunk_tokens = 4;
      if (cap == 0) o.logit_scale = 1.5f;
      on_every_isa([&](Context& ctx) {
        Buffer bh = to_buffer(hidden, dtype, {n, c}), bw = to_buffer(head, dtype, {v, c}), t = to_ints(targets);
        Buffer tw = to_buffer(weights, DType::kF32, {n}), loss(DType::kF32, {n}), best(DType::kI32, {n});
        Buffer d_hidden(DType::kF32, {n, c}), d_head(DType::kF32, {v, c});
        cross_entropy_head(ctx, bh.tensor(), bw.tensor(), t.tensor(), tw.tensor(), loss.tensor(), {}, best.tensor(), d_hidden.tensor(),
                           d_head.tensor(), o);
        expect_close("nll", ctx.isa, loss.tensor(), nll, tolerance(dtype));
        expect_close("d_hidden", ctx.isa, d_hidden.tensor(), dh, tolerance(dtype));
        expect_close("d_head", ctx.isa, d_head.tensor(), dw, tolerance(dtype));
        for (int64_t i = 0; i < n; ++i) {
          int32_t top = 0;
          std::vector<double> logits(v);
          for (int64_t j = 0; j < v; ++j) {
            for (int64_t x = 0; x < c; ++x) logits[j] += hidden[i * c + x] * head[j * c + x];
            if (logits[j] > logits[top]) top = static_cast<int32_t>(j);
          }
          CHECK_EQ(best.tensor().as<int32_t>()[i], top);
        }
        CHECK(ctx.scratch.peak_bytes() <= cross_entropy_scratch_bytes(ctx, o, n, c, v, true));
        Buffer forward_only(DType::kF32, {n});
        cross_entropy_head(ctx, bh.tensor(), bw.tensor(), t.tensor(), {}, forward_only.tensor(), {}, {}, {}, {}, o);
        CHECK(std::memcmp(forward_only.data(), loss.data(), loss.bytes()) == 0);
        t.tensor().as<int32_t>()[2] = 53;
        CHECK_ERROR(cross_entropy_head(ctx, bh.tensor(), bw.tensor(), t.tensor(), {}, loss.tensor(), {}, {}, {}, {}, o),
                    ErrorCode::kInvalidArgument);
        return keep(loss, d_hidden, d_head);
      });
    }
}

TEST(dropout) {
  const int64_t n = 100003;
  const auto x = random_values(n, DType::kF32);
  std::vector<float> of_generic;
  on_every_isa([&](Context& ctx) {
    Buffer b = to_buffer(x, DType::kF32, {n}), y(DType::kF32, {n}), z(DType::kF32, {n});
    const RandomStream stream{0x123456789abcdefull, 3, 77};
    dropout(ctx, b.tensor(), y.tensor(), 0.25f, stream);
    int64_t kept = 0;
    for (int64_t i = 0; i < n; ++i) {
      const float got = y.tensor().f32()[i];
      kept += got != 0;
      // Element i of a group of 64 draws word (i/16)%4 of block 16*(i/64) + i%16.
      const bool keep_it = stream.block(static_cast<uint64_t>(i / 64 * 16 + i % 16))[i / 16 % 4] >= 0x40000000u;
      CHECK(got == (keep_it ? b.tensor().f32()[i] * (1.0f / 0.75f) : 0.0f));
    }
    CHECK_NEAR(static_cast<double>(kept) / n, 0.75, 0.01);
    dropout(ctx, b.tensor(), z.tensor(), 0.25f, stream, true);
    dropout(ctx, b.tensor(), z.tensor(), 0.25f, stream, true);
    for (int64_t i = 0; i < n; ++i) CHECK_EQ(z.tensor().f32()[i], 2 * y.tensor().f32()[i]);
    RandomStream other = stream;
    other.step = 4;
    dropout(ctx, b.tensor(), z.tensor(), 0.25f, other);
    CHECK(std::memcmp(z.data(), y.data(), y.bytes()) != 0);
    dropout(ctx, b.tensor(), z.tensor(), 0.0f, stream);
    CHECK(std::memcmp(z.data(), b.data(), b.bytes()) == 0);
    CHECK_ERROR(dropout(ctx, b.tensor(), z.tensor(), 1.0f, stream), ErrorCode::kInvalidArgument);
    return keep(y);
  });
}

TEST(elementwise) {
  const int64_t n = 70, c = 37;
  const auto x = random_values(n * c, DType::kF32), y = random_values(n * c, DType::kF32);
  std::vector<double> columns(c), scattered(n * c);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < c; ++j) columns[j] += x[i * c + j];
  const std::vector<int32_t> rows = {5, 69, 0, 33};
  on_every_isa([&](Context& ctx) {
    Buffer bx = to_buffer(x, DType::kF32, {n, c}), by = to_buffer(y, DType::kF32, {n, c}), low(DType::kBF16, {n, c}), wide(DType::kF32, {n, c});
    cast(ctx, bx.tensor(), low.tensor());
    for (int64_t i = 0; i < n * c; ++i) CHECK_EQ(low.tensor().as<bf16>()[i].bits, to_bf16(static_cast<float>(x[i])).bits);
    cast(ctx, low.tensor(), wide.tensor());
    for (int64_t i = 0; i < n * c; ++i) CHECK_EQ(wide.tensor().f32()[i], to_f32(low.tensor().as<bf16>()[i]));
    add(ctx, bx.tensor(), by.tensor(), 0.5f);
    for (int64_t i = 0; i < n * c; ++i) CHECK_NEAR(by.tensor().f32()[i], y[i] + 0.5 * x[i], 1e-6);
    scale(ctx, by.tensor(), 2.0f);
    for (int64_t i = 0; i < n * c; ++i) CHECK_NEAR(by.tensor().f32()[i], 2 * y[i] + x[i], 1e-6);
    Buffer sums(DType::kF32, {c});
    add_column_sums(ctx, bx.tensor(), sums.tensor());
    expect_close("column sums", ctx.isa, sums.tensor(), columns, 1e-5);
    Buffer index = to_ints(rows), some(DType::kF32, {4, c});
    gather_rows(ctx, bx.tensor(), index.tensor(), some.tensor());
    for (int64_t i = 0; i < 4; ++i)
      for (int64_t j = 0; j < c; ++j) CHECK_EQ(some.tensor().f32()[i * c + j], static_cast<float>(x[rows[i] * c + j]));
    fill_zero(ctx, wide.tensor());
    scatter_rows(ctx, some.tensor(), index.tensor(), wide.tensor(), false);
    scatter_rows(ctx, some.tensor(), index.tensor(), wide.tensor(), true);
    for (int64_t i = 0; i < n; ++i) {
      const bool named = std::find(rows.begin(), rows.end(), i) != rows.end();
      for (int64_t j = 0; j < c; ++j) CHECK_EQ(wide.tensor().f32()[i * c + j], named ? 2 * static_cast<float>(x[i * c + j]) : 0.0f);
    }
    CHECK(all_finite(ctx, bx.tensor()));
    bx.tensor().f32()[n * c - 1] = NAN;
    CHECK(!all_finite(ctx, bx.tensor()));
    bx.tensor().f32()[n * c - 1] = INFINITY;
    CHECK(!all_finite(ctx, bx.tensor()));
    index.tensor().as<int32_t>()[0] = 70;
    CHECK_ERROR(gather_rows(ctx, bx.tensor(), index.tensor(), some.tensor()), ErrorCode::kInvalidArgument);
    return keep(low, by, sums);
  });
}

TEST(f16_is_read_everywhere) {
  on_every_isa([&](Context& ctx) {
    Buffer h(DType::kF16, {65536}), y(DType::kF32, {65536});
    for (uint32_t i = 0; i < 65536; ++i) h.tensor().as<f16>()[i].bits = static_cast<uint16_t>(i);
    cast(ctx, h.tensor(), y.tensor());
    for (uint32_t i = 0; i < 65536; ++i) {
      const float want = to_f32(f16{static_cast<uint16_t>(i)}), got = y.tensor().f32()[i];
      CHECK(want == got || (want != want && got != got));
    }
    return keep();
  });
}

TEST(sampling) {
  const int64_t n = 1003;
  auto logits = random_values(n, DType::kF32, 4);
  logits[17] = logits[900] = 5.0;  // a tie at the top
  double sum = 0;
  for (double x : logits) sum += std::exp(x);
  on_every_isa([&](Context& ctx) {
    Buffer x = to_buffer(logits, DType::kF32, {n}), out(DType::kF32, {1, n});
    const RandomStream stream{5, 0, 0};
    const SampledToken greedy = sample_token(ctx, x.tensor(), {}, stream, 0);
    CHECK_EQ(greedy.token, 17);
    CHECK_NEAR(greedy.log_probability, 5.0 - std::log(sum), 1e-5);
    log_softmax(ctx, Tensor{x.data(), DType::kF32, {1, n}}, out.tensor());
    for (int64_t i = 0; i < n; ++i) CHECK_NEAR(out.tensor().f32()[i], logits[i] - std::log(sum), 1e-5);
    const auto top = top_log_probabilities(ctx, x.tensor(), 3);
    CHECK_EQ(top.size(), 3u);
    CHECK_EQ(top[0].token, 17);
    CHECK_EQ(top[1].token, 900);
    // Frequencies follow the tempered, filtered distribution.
    SamplingOptions o;
    o.temperature = 1.0f, o.top_k = 3;
    double weights[3], total = 0;
    for (int i = 0; i < 3; ++i) total += weights[i] = std::exp(static_cast<double>(top[i].log_probability));
    int counts[3] = {0, 0, 0};
    constexpr int kDraws = 20000;
    for (int draw = 0; draw < kDraws; ++draw) {
      const int32_t token = sample_token(ctx, x.tensor(), o, stream, draw).token;
      bool known = false;
      for (int i = 0; i < 3; ++i)
        if (token == top[i].token) ++counts[i], known = true;
      CHECK(known);
    }
    for (int i = 0; i < 3; ++i) CHECK_NEAR(counts[i] / static_cast<double>(kDraws), weights[i] / total, 0.02);
    o.top_k = 0, o.top_p = 1e-6f;
    CHECK_EQ(sample_token(ctx, x.tensor(), o, stream, 9).token, 17);
    o.top_p = 1.5f;
    CHECK_ERROR(sample_token(ctx, x.tensor(), o, stream, 9), ErrorCode::kInvalidArgument);
    x.tensor().f32()[3] = NAN;
    CHECK_ERROR(sample_token(ctx, x.tensor(), {}, stream, 9), ErrorCode::kNumeric);
    return keep();
  });
}

TEST(exponential_and_tanh_are_accurate) {
  for (Isa isa : available_isas()) {
    const RowKernels& rows = kernels(isa).rows;
    std::vector<float> x;
    for (double v = -100; v <= 0; v += 0.0137) x.push_back(static_cast<float>(v));
    std::vector<float> e = x;
    rows.softmax_row(e.data(), static_cast<int64_t>(e.size()), true);
    for (size_t i = 0; i < x.size(); ++i) {
      const double want = std::exp(static_cast<double>(x[i] - x.back()));  // the difference itself is rounded to f32
      CHECK(std::fabs(e[i] - want) <= 3e-7 * want + 1.3e-38);
    }
    std::vector<float> t;
    for (double v = -12; v <= 12; v += 0.0037) t.push_back(static_cast<float>(v));
    std::vector<float> y = t;
    rows.soft_cap(y.data(), static_cast<int64_t>(y.size()), 1.0f);
    for (size_t i = 0; i < t.size(); ++i) CHECK(std::fabs(y[i] - std::tanh(static_cast<double>(t[i]))) <= 1e-6);
  }
}

TEST_MAIN()
