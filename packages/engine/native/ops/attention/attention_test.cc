// Attention forward, backward and decode: on every ISA with 1 and 2 threads, in f32 and bf16, against the scalar
// reference; backward against complex step.
#include "ops/attention/attention.h"

#include <algorithm>
#include <complex>
#include <cstring>

#include "reference/reference.h"
#include "test_support/op_fixtures.h"

using namespace anneal;
using namespace anneal::test;

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
  const auto q = random_values(n * h * d, dtype), key = random_values(n * k * d, dtype),
             v = random_values(n * k * dv, dtype);
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
  o.scale = static_cast<float>(s.scale), o.soft_cap = static_cast<float>(s.soft_cap),
  o.window = static_cast<int64_t>(s.window);
  o.bf16_products = dtype == DType::kBF16;
  int64_t longest = 0;
  for (size_t i = 1; i < c.offsets.size(); ++i) longest = std::max<int64_t>(longest, c.offsets[i] - c.offsets[i - 1]);
  on_every_isa([&](Context& ctx) {
    TestBuffer bq = to_buffer(q, dtype, {n, h * d}), bk = to_buffer(key, dtype, {n, k * d}),
               bv = to_buffer(v, dtype, {n, k * dv});
    TestBuffer out(dtype, {n, h * dv}), lse(DType::kF32, {n, h}), offsets = to_ints(c.offsets),
                                                                  bdout = to_buffer(dout, dtype, {n, h * dv});
    attention_forward(ctx, bq.tensor(), bk.tensor(), bv.tensor(), offsets.tensor(), out.tensor(), lse.tensor(), o);
    expect_close("attention out", ctx.isa, out.tensor(), want, tolerance(dtype));
    TestBuffer gq(DType::kF32, {n, h * d}), gk(DType::kF32, {n, k * d}), gv(DType::kF32, {n, k * dv});
    attention_backward(ctx, bdout.tensor(), bq.tensor(), bk.tensor(), bv.tensor(), out.tensor(), lse.tensor(),
                       offsets.tensor(), gq.tensor(), gk.tensor(), gv.tensor(), o);
    // A token that sees only itself has no gradient here: what rounding leaves is held against the terms that cancel.
    const double terms = 0.1;
    if (c.gradient) {
      expect_close("attention dq", ctx.isa, gq.tensor(), dq, tolerance(dtype), terms);
      expect_close("attention dk", ctx.isa, gk.tensor(), dk, tolerance(dtype), terms);
      expect_close("attention dv", ctx.isa, gv.tensor(), dvalue, tolerance(dtype));
    }
    CHECK(ctx.scratch.peak_bytes() <= attention_scratch_bytes(ctx, o, n, longest));
    // In place gives the same.
    attention_backward(ctx, bdout.tensor(), bq.tensor(), bk.tensor(), bv.tensor(), out.tensor(), lse.tensor(),
                       offsets.tensor(), bq.tensor(), bk.tensor(), bv.tensor(), o);
    expect_close("attention dq in place", ctx.isa, bq.tensor(), values_of(gq.tensor()), tolerance(dtype), terms);
    expect_close("attention dk in place", ctx.isa, bk.tensor(), values_of(gk.tensor()), tolerance(dtype), terms);
    expect_close("attention dv in place", ctx.isa, bv.tensor(), values_of(gv.tensor()), tolerance(dtype));
    return keep(out, lse, gq, gk, gv);
  });
}

}  // namespace

TEST(attention_short) {
  for (DType dtype : kTypes) {
    check_attention({{1, 1, 4, 4, 0.5, 0, 0}, {0, 1}}, dtype);
    check_attention({{4, 2, 6, 6, 0.4, 0, 0}, {0, 5, 5, 16, 35}}, dtype);
    check_attention({{2, 1, 8, 5, 0.4, 0, 0}, {0, 20, 37}}, dtype);    // other value head size
    check_attention({{2, 2, 8, 8, 2.0, 1.5, 0}, {0, 20, 37}}, dtype);  // soft cap
    check_attention({{2, 1, 8, 8, 0.4, 0, 6}, {0, 3, 40}}, dtype);     // window
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
    TestBuffer q = to_buffer(in[0], DType::kF32, {n, 48}), k = to_buffer(in[1], DType::kF32, {n, 24}),
               v = to_buffer(in[2], DType::kF32, {n, 24});
    TestBuffer out(DType::kF32, {n, 48}), lse(DType::kF32, {n, 4}), off = to_ints(offsets),
                                                                    g = to_buffer(dout, DType::kF32, {n, 48});
    attention_forward(ctx, q.tensor(), k.tensor(), v.tensor(), off.tensor(), out.tensor(), lse.tensor(), o);
    TestBuffer dq(DType::kF32, {n, 48}), dk(DType::kF32, {n, 24}), dv(DType::kF32, {n, 24});
    attention_backward(ctx, g.tensor(), q.tensor(), k.tensor(), v.tensor(), out.tensor(), lse.tensor(), off.tensor(),
                       dq.tensor(), dk.tensor(), dv.tensor(), o);
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
  const auto q = random_values(n * d, DType::kF32), k = random_values(n * d, DType::kF32),
             v = random_values(n * d, DType::kF32);
  AttentionOptions o;
  o.query_heads = o.kv_heads = 1, o.head_size = d, o.scale = 0.25f;
  on_every_isa([&](Context& ctx) {
    TestBuffer bq = to_buffer(q, DType::kF32, {n, d}), bk = to_buffer(k, DType::kF32, {n, d}),
               bv = to_buffer(v, DType::kF32, {n, d});
    TestBuffer out(DType::kF32, {n, d}), lse(DType::kF32, {n, 1}), offsets = to_ints({0, 20, 61});
    attention_forward(ctx, bq.tensor(), bk.tensor(), bv.tensor(), offsets.tensor(), out.tensor(), lse.tensor(), o);
    const auto tail = [&](const TestBuffer& b) { return Tensor{b.tensor().f32() + 20 * d, DType::kF32, {41, d}}; };
    TestBuffer alone(DType::kF32, {41, d}), lse_alone(DType::kF32, {41, 1}), one = to_ints({0, 41});
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
    const auto q = random_values(batch * 120, dtype), k = random_values(batch * capacity * 40, dtype),
               v = random_values(batch * capacity * 40, dtype);
    std::vector<double> want;
    for (int64_t b = 0; b < batch; ++b) {
      // The reference's last query over the cached tokens.
      const int64_t len = lengths[b], at = slots[b] * capacity * 40;
      std::vector<double> all_q(len * 120);
      std::copy_n(q.begin() + b * 120, 120, all_q.end() - 120);
      const std::vector<double> kk(k.begin() + at, k.begin() + at + len * 40),
          vv(v.begin() + at, v.begin() + at + len * 40);
      const auto out = reference::attention(all_q, kk, vv, {0, static_cast<int32_t>(len)}, s);
      want.insert(want.end(), out.end() - 120, out.end());
    }
    AttentionOptions o;
    o.query_heads = 6, o.kv_heads = 2, o.head_size = 20, o.scale = 0.3f, o.window = 7;
    on_every_isa([&](Context& ctx) {
      TestBuffer bq = to_buffer(q, dtype, {batch, 120}), bk = to_buffer(k, dtype, {batch, capacity, 40}),
                 bv = to_buffer(v, dtype, {batch, capacity, 40});
      TestBuffer out(DType::kF32, {batch, 120}), len = to_ints(lengths), slot = to_ints(slots);
      attention_decode(ctx, bq.tensor(), bk.tensor(), bv.tensor(), len.tensor(), slot.tensor(), out.tensor(), o);
      expect_close("attention_decode", ctx.isa, out.tensor(), want, 1e-5);
      len.tensor().as<int32_t>()[0] = 31;
      CHECK_ERROR(
          attention_decode(ctx, bq.tensor(), bk.tensor(), bv.tensor(), len.tensor(), slot.tensor(), out.tensor(), o),
          ErrorCode::kInvalidArgument);
      return keep(out);
    });
  }
}

TEST(attention_refuses_bad_offsets) {
  ThreadPool pool(1);
  Arena arena(1 << 24);
  Context ctx{pool, arena};
  TestBuffer x(DType::kF32, {4, 8}), lse(DType::kF32, {4, 1});
  AttentionOptions o;
  o.query_heads = o.kv_heads = 1, o.head_size = 8, o.scale = 1;
  for (const std::vector<int32_t>& bad : {std::vector<int32_t>{0, 5}, {1, 4}, {0, 3, 2, 4}, {}}) {
    TestBuffer offsets = to_ints(bad);
    CHECK_ERROR(
        attention_forward(ctx, x.tensor(), x.tensor(), x.tensor(), offsets.tensor(), x.tensor(), lse.tensor(), o),
        ErrorCode::kInvalidArgument);
  }
  o.query_heads = 2;
  TestBuffer offsets = to_ints({0, 4});
  CHECK_ERROR(attention_forward(ctx, x.tensor(), x.tensor(), x.tensor(), offsets.tensor(), x.tensor(), lse.tensor(), o),
              ErrorCode::kShape);
}

TEST_MAIN()
