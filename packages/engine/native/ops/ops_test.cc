// One body per op, run on every ISA of this machine with 1 and 2 threads, in f32 and bf16, against the scalar
// reference; backward against complex step. The same bits are asked of any number of threads. Tolerances relative to
// the largest value (test_support/op_fixtures.h).
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "ops/dropout.h"
#include "ops/elementwise.h"
#include "ops/embedding/embedding.h"
#include "ops/objective/cross_entropy.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"
#include "ops/sampling.h"
#include "ops/swiglu.h"
#include "reference/reference.h"
#include "test_support/op_fixtures.h"

using namespace anneal;
using namespace anneal::test;

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
        TestBuffer bx = to_buffer(x, dtype, {n, c}), bw = to_buffer(w, dtype, {c}), by(dtype, {n, c}),
                   inv(DType::kF32, {n});
        rms_norm_forward(ctx, bx.tensor(), bw.tensor(), by.tensor(), inv.tensor(), o);
        expect_close("rms_norm y", ctx.isa, by.tensor(), y, tolerance(dtype));
        TestBuffer bdy = to_buffer(dy, dtype, {n, c}), bdx = to_buffer(start, DType::kF32, {n, c}),
                   bdw(DType::kF32, {c});
        rms_norm_backward(ctx, bdy.tensor(), bx.tensor(), bw.tensor(), inv.tensor(), bdx.tensor(), true, bdw.tensor(),
                          o);
        if (!dx.empty()) {
          auto want = dx;
          for (size_t i = 0; i < want.size(); ++i) want[i] += start[i];
          expect_close("rms_norm dx", ctx.isa, bdx.tensor(), want, 1e-5);
          expect_close("rms_norm dw", ctx.isa, bdw.tensor(), dw, 1e-5);
          rms_norm_backward(ctx, bdy.tensor(), bx.tensor(), bw.tensor(), inv.tensor(), bdx.tensor(), false, {}, o);
          // With one channel the two terms of dx cancel to nothing: rounding is held against the terms.
          double term = 0;
          for (int64_t i = 0; i < n * c; ++i)
            term = std::fmax(term, std::fabs(dy[i] * w[i % c] * inv.tensor().f32()[i / c]));
          expect_close("rms_norm dx overwritten", ctx.isa, bdx.tensor(), dx, 1e-5, term);
        }
        TestBuffer stream = to_buffer(start, DType::kF32, {n, c}), bd = to_buffer(delta, dtype, {n, c});
        add_rms_norm_forward(ctx, stream.tensor(), bd.tensor(), bw.tensor(), by.tensor(), inv.tensor(), o);
        expect_close("add_rms_norm x", ctx.isa, stream.tensor(), sum, 1e-7);
        expect_close("add_rms_norm y", ctx.isa, by.tensor(), y_sum, tolerance(dtype));
        return keep(by, inv, bdx, bdw, stream);
      });
    }
}

TEST(rope) {
  const std::vector<std::pair<int64_t, int64_t>> sizes = {
      {64, 32}, {6, 3}, {20, 5}};  // head size, half of the rotary size
  for (DType dtype : kTypes)
    for (auto [d, half] : sizes) {
      const int64_t n = 37, heads = 3;
      std::vector<float> frequencies(half);
      for (int64_t i = 0; i < half; ++i) frequencies[i] = static_cast<float>(std::pow(10000.0, -double(i) / half));
      std::vector<int32_t> positions(n);
      for (int64_t i = 0; i < n; ++i) positions[i] = static_cast<int32_t>((i * 7) % 50);
      const auto x = random_values(n * heads * d, dtype);
      const auto y =
          reference::rope(x, heads, d, std::vector<double>(frequencies.begin(), frequencies.end()), positions);
      on_every_isa([&, d = d, half = half](Context& ctx) {
        TestBuffer c(DType::kF32, {50, half}), s(DType::kF32, {50, half}), p = to_ints(positions);
        rope_fill_table(frequencies, 1.0f, {c.tensor(), s.tensor()});
        TestBuffer b = to_buffer(x, dtype, {n, heads * d});
        rope(ctx, b.tensor(), heads, d, {c.tensor(), s.tensor()}, p.tensor(), false);
        expect_close("rope", ctx.isa, b.tensor(), y, tolerance(dtype));
        TestBuffer back = to_buffer(values_of(b.tensor()), dtype, {n, heads * d});
        rope(ctx, back.tensor(), heads, d, {c.tensor(), s.tensor()}, p.tensor(),
             true);  // a rotation's adjoint is its inverse
        expect_close("rope inverse", ctx.isa, back.tensor(), x, tolerance(dtype));
        positions[0] = 50;
        TestBuffer bad = to_ints(positions);
        positions[0] = 0;
        CHECK_ERROR(rope(ctx, b.tensor(), heads, d, {c.tensor(), s.tensor()}, bad.tensor(), false),
                    ErrorCode::kInvalidArgument);
        return keep(b, back);
      });
    }
}

TEST(gated_activation) {
  for (DType dtype : kTypes)
    for (bool gelu : {false, true}) {
      const int64_t n = 9, f = 37;
      const auto gate = random_values(n * f, dtype, 6), up = random_values(n * f, dtype),
                 dh = random_values(n * f, dtype);
      const auto fn = [&](const auto& in) { return reference::gated(in[0], in[1], gelu); };
      const auto h = fn(std::vector<std::vector<double>>{gate, up});
      const auto dgate = reference::complex_step(fn, {gate, up}, 0, dh),
                 dup = reference::complex_step(fn, {gate, up}, 1, dh);
      const Activation act = gelu ? Activation::kGeluTanh : Activation::kSilu;
      on_every_isa([&](Context& ctx) {
        TestBuffer g = to_buffer(gate, dtype, {n, f}), u = to_buffer(up, dtype, {n, f}),
                   d = to_buffer(dh, dtype, {n, f}), y(dtype, {n, f});
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
      TestBuffer bw = to_buffer(w, dtype, {v, c}), by(dtype, {n, c}), t = to_ints(tokens),
                 bdy = to_buffer(dy, dtype, {n, c});
      TestBuffer bdw(DType::kF32, {v, c});
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

TEST(cross_entropy_head) {
  for (DType dtype : kTypes)
    for (double cap : {0.0, 2.0}) {
      const int64_t n = 11, c = 18, v = 53;
      const auto hidden = random_values(n * c, dtype), head = random_values(v * c, dtype),
                 weights = random_values(n, DType::kF32);
      std::vector<int32_t> targets(n);
      for (int64_t i = 0; i < n; ++i) targets[i] = static_cast<int32_t>((i * 17) % v);
      const auto f = [&](const auto& in) { return reference::cross_entropy(in[0], in[1], targets, 1.5, cap); };
      const auto nll = f(std::vector<std::vector<double>>{hidden, head});
      const auto dh = reference::complex_step(f, {hidden, head}, 0, weights),
                 dw = reference::complex_step(f, {hidden, head}, 1, weights);
      CrossEntropyOptions o;
      o.precision = dtype == DType::kBF16 ? GemmPrecision::kBF16 : GemmPrecision::kF32;
      o.logit_soft_cap = static_cast<float>(cap), o.logit_scale = 1.5f, o.chunk_tokens = 4;
      if (cap == 0) o.logit_scale = 1.5f;
      on_every_isa([&](Context& ctx) {
        TestBuffer bh = to_buffer(hidden, dtype, {n, c}), bw = to_buffer(head, dtype, {v, c}), t = to_ints(targets);
        TestBuffer tw = to_buffer(weights, DType::kF32, {n}), loss(DType::kF32, {n}), best(DType::kI32, {n});
        TestBuffer d_hidden(DType::kF32, {n, c}), d_head(DType::kF32, {v, c});
        cross_entropy_head(ctx, bh.tensor(), bw.tensor(), t.tensor(), tw.tensor(), loss.tensor(), {}, best.tensor(),
                           d_hidden.tensor(), d_head.tensor(), o);
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
        TestBuffer forward_only(DType::kF32, {n});
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
    TestBuffer b = to_buffer(x, DType::kF32, {n}), y(DType::kF32, {n}), z(DType::kF32, {n});
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
    TestBuffer bx = to_buffer(x, DType::kF32, {n, c}), by = to_buffer(y, DType::kF32, {n, c}),
               low(DType::kBF16, {n, c}), wide(DType::kF32, {n, c});
    cast(ctx, bx.tensor(), low.tensor());
    for (int64_t i = 0; i < n * c; ++i)
      CHECK_EQ(low.tensor().as<bf16>()[i].bits, to_bf16(static_cast<float>(x[i])).bits);
    cast(ctx, low.tensor(), wide.tensor());
    for (int64_t i = 0; i < n * c; ++i) CHECK_EQ(wide.tensor().f32()[i], to_f32(low.tensor().as<bf16>()[i]));
    add(ctx, bx.tensor(), by.tensor(), 0.5f);
    for (int64_t i = 0; i < n * c; ++i) CHECK_NEAR(by.tensor().f32()[i], y[i] + 0.5 * x[i], 1e-6);
    scale(ctx, by.tensor(), 2.0f);
    for (int64_t i = 0; i < n * c; ++i) CHECK_NEAR(by.tensor().f32()[i], 2 * y[i] + x[i], 1e-6);
    TestBuffer sums(DType::kF32, {c});
    add_column_sums(ctx, bx.tensor(), sums.tensor());
    expect_close("column sums", ctx.isa, sums.tensor(), columns, 1e-5);
    TestBuffer index = to_ints(rows), some(DType::kF32, {4, c});
    gather_rows(ctx, bx.tensor(), index.tensor(), some.tensor());
    for (int64_t i = 0; i < 4; ++i)
      for (int64_t j = 0; j < c; ++j) CHECK_EQ(some.tensor().f32()[i * c + j], static_cast<float>(x[rows[i] * c + j]));
    fill_zero(ctx, wide.tensor());
    scatter_rows(ctx, some.tensor(), index.tensor(), wide.tensor(), false);
    scatter_rows(ctx, some.tensor(), index.tensor(), wide.tensor(), true);
    for (int64_t i = 0; i < n; ++i) {
      const bool named = std::find(rows.begin(), rows.end(), i) != rows.end();
      for (int64_t j = 0; j < c; ++j)
        CHECK_EQ(wide.tensor().f32()[i * c + j], named ? 2 * static_cast<float>(x[i * c + j]) : 0.0f);
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
    TestBuffer h(DType::kF16, {65536}), y(DType::kF32, {65536});
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
  if (has_no_kernel("sampling")) return;
  const int64_t n = 1003;
  auto logits = random_values(n, DType::kF32, 4);
  logits[17] = logits[900] = 5.0;  // a tie at the top
  double sum = 0;
  for (double x : logits) sum += std::exp(x);
  on_every_isa([&](Context& ctx) {
    TestBuffer x = to_buffer(logits, DType::kF32, {n}), out(DType::kF32, {1, n});
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
  if (has_no_kernel("a vector's own exponential")) return;
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
