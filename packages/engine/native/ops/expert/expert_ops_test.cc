// Routing, rows sorted by expert, columns of heads and the interleaved rotation: on every ISA with 1 and 2 threads, in
// f32 and bf16, against scalar definitions; the router's backward against complex step.
#include <array>
#include <cstring>
#include <vector>

#include "ops/columns/columns.h"
#include "ops/expert/expert_rows.h"
#include "ops/expert/router.h"
#include "ops/rope.h"
#include "reference/experts.h"
#include "test_support/op_fixtures.h"

using namespace anneal;
using namespace anneal::test;

namespace {

double row_tolerance(DType dtype) { return dtype == DType::kF32 ? 1e-5 : 1e-2; }

}  // namespace

TEST(router) {
  using reference::RouterShape;
  const int64_t n = 41;
  for (const RouterShape& s : {RouterShape{6, 2, 1, 1, false, true, 1.0}, RouterShape{9, 3, 3, 1, false, false, 2.0},
                               RouterShape{12, 4, 3, 2, true, true, 2.5}, RouterShape{7, 7, 1, 1, true, false, 1.0},
                               RouterShape{1, 1, 1, 1, false, true, 1.0}}) {
    const auto experts = static_cast<int64_t>(s.experts), k = static_cast<int64_t>(s.top_k);
    const auto logits = random_values(n * experts, DType::kF32, 3.0), dweights = random_values(n * k, DType::kF32);
    const auto bias = s.sigmoid ? random_values(experts, DType::kF32, 0.3) : std::vector<double>{};
    const auto f = [&](const auto& in) { return reference::router_weights(in[0], bias, s); };
    const auto want = f(std::vector<std::vector<double>>{logits});
    const auto gradient = reference::complex_step(f, {logits}, 0, dweights);
    const RouterOptions o{k,
                          s.sigmoid,
                          static_cast<int64_t>(s.groups),
                          static_cast<int64_t>(s.topk_groups),
                          s.normalise,
                          static_cast<float>(s.scale)};
    on_every_isa([&](Context& ctx) {
      TestBuffer b = to_buffer(logits, DType::kF32, {n, experts}), chosen(DType::kI32, {n, k}),
                 weights(DType::kF32, {n, k});
      TestBuffer bb = to_buffer(bias, DType::kF32, {std::max<int64_t>(1, static_cast<int64_t>(bias.size()))});
      router_forward(ctx, b.tensor(), s.sigmoid ? bb.tensor() : Tensor{}, chosen.tensor(), weights.tensor(), o);
      expect_close("router weights", ctx.isa, weights.tensor(), want, 1e-5);
      for (int64_t row = 0; row < n; ++row) {
        const auto scores = reference::expert_scores(logits, static_cast<size_t>(row), s);
        const auto best = reference::chosen_experts(scores, bias, s);
        for (int64_t j = 0; j < k; ++j)
          CHECK_EQ(chosen.tensor().as<int32_t>()[row * k + j], static_cast<int32_t>(best[static_cast<size_t>(j)]));
      }
      TestBuffer bd = to_buffer(dweights, DType::kF32, {n, k});
      router_backward(ctx, b.tensor(), chosen.tensor(), bd.tensor(), o);
      expect_close("router gradient", ctx.isa, b.tensor(), gradient, 1e-5);
      return keep(b, chosen, weights);
    });
  }
}

TEST(router_balance) {
  using reference::RouterShape;
  const int64_t n = 41;
  const std::vector<int32_t> offsets = {0, 7, 7, 30, 41};
  for (const RouterShape& s : {RouterShape{6, 2, 1, 1, false, true, 1.0}, RouterShape{9, 3, 3, 1, false, false, 2.0},
                               RouterShape{12, 4, 3, 2, true, true, 2.5}, RouterShape{7, 7, 1, 1, true, false, 1.0},
                               RouterShape{1, 1, 1, 1, false, true, 1.0}})
    for (const bool whole : {false, true}) {
      const std::vector<int32_t> parts = whole ? std::vector<int32_t>{0, static_cast<int32_t>(n)} : offsets;
      const auto experts = static_cast<int64_t>(s.experts), k = static_cast<int64_t>(s.top_k);
      const auto count = static_cast<int64_t>(parts.size()) - 1;
      const auto logits = random_values(n * experts, DType::kF32, 3.0), dweights = random_values(n * k, DType::kF32);
      const auto slopes = random_values(count * experts, DType::kF32);
      const auto bias = s.sigmoid ? random_values(experts, DType::kF32, 0.3) : std::vector<double>{};
      std::vector<double> choices, ignored;
      const auto sums = reference::balance_sums(logits, bias, parts, s, choices);
      auto want = reference::complex_step([&](const auto& in) { return reference::router_weights(in[0], bias, s); },
                                          {logits}, 0, dweights);
      const auto along = reference::complex_step(
          [&](const auto& in) { return reference::balance_sums(in[0], bias, parts, s, ignored); }, {logits}, 0, slopes);
      for (size_t i = 0; i < want.size(); ++i) want[i] += along[i];
      const RouterOptions o{k,
                            s.sigmoid,
                            static_cast<int64_t>(s.groups),
                            static_cast<int64_t>(s.topk_groups),
                            s.normalise,
                            static_cast<float>(s.scale)};
      on_every_isa([&](Context& ctx) {
        TestBuffer b = to_buffer(logits, DType::kF32, {n, experts}), chosen(DType::kI32, {n, k}),
                   weights(DType::kF32, {n, k});
        TestBuffer bb = to_buffer(bias, DType::kF32, {std::max<int64_t>(1, static_cast<int64_t>(bias.size()))});
        router_forward(ctx, b.tensor(), s.sigmoid ? bb.tensor() : Tensor{}, chosen.tensor(), weights.tensor(), o);
        TestBuffer counted(DType::kF32, {count, experts}), probability(DType::kF32, {count, experts}),
            at = to_ints(parts, {count + 1});
        router_load(ctx, b.tensor(), chosen.tensor(), at.tensor(), counted.tensor(), probability.tensor(), o);
        expect_close("choices", ctx.isa, counted.tensor(), choices, 0.0);
        expect_close("probabilities", ctx.isa, probability.tensor(), sums, 1e-5);
        TestBuffer bd = to_buffer(dweights, DType::kF32, {n, k}), bs = to_buffer(slopes, DType::kF32, {count, experts});
        router_backward(ctx, b.tensor(), chosen.tensor(), bd.tensor(), o, {bs.tensor(), at.tensor()});
        expect_close("balanced router gradient", ctx.isa, b.tensor(), want, 1e-5);
        TestBuffer falling = to_ints(std::vector<int32_t>(static_cast<size_t>(count) + 1, 5), {count + 1});
        CHECK_ERROR(
            router_load(ctx, b.tensor(), chosen.tensor(), falling.tensor(), counted.tensor(), probability.tensor(), o),
            ErrorCode::kInvalidArgument);
        return keep(b, counted, probability);
      });
    }
}

TEST(router_takes_the_lower_expert_on_ties) {
  on_every_isa([](Context& ctx) {
    TestBuffer logits = to_buffer({1, 2, 2, 0}, DType::kF32, {1, 4}), chosen(DType::kI32, {1, 2}),
               weights(DType::kF32, {1, 2});
    router_forward(ctx, logits.tensor(), {}, chosen.tensor(), weights.tensor(), {.top_k = 2});
    CHECK_EQ(chosen.tensor().as<int32_t>()[0], 1);
    CHECK_EQ(chosen.tensor().as<int32_t>()[1], 2);
    CHECK_ERROR(router_forward(ctx, logits.tensor(), {}, chosen.tensor(), weights.tensor(), {.top_k = 2, .groups = 3}),
                ErrorCode::kInvalidArgument);
    return keep(chosen, weights);
  });
}

TEST(expert_rows) {
  const int64_t n = 19, k = 3, c = 21, rows = n * k;
  // Every row of the sorted order belongs to another pair; every token finds its k rows again.
  std::vector<int32_t> pairs, positions(static_cast<size_t>(rows));
  for (int64_t p = 0; p < rows; ++p) pairs.push_back(static_cast<int32_t>((p * 10) % rows));
  for (int64_t p = 0; p < rows; ++p)
    positions[static_cast<size_t>(pairs[static_cast<size_t>(p)])] = static_cast<int32_t>(p);
  for (DType dtype : kTypes) {
    const auto x = random_values(rows * c, dtype), dy = random_values(rows * c, dtype), y = random_values(n * c, dtype);
    const auto w = random_values(rows, DType::kF32);
    auto scaled = x, d_scaled = dy, sum = y;
    std::vector<double> dw(static_cast<size_t>(rows));
    for (int64_t p = 0; p < rows; ++p)
      for (int64_t i = 0; i < c; ++i) {
        const auto at = static_cast<size_t>(p * c + i), pair = static_cast<size_t>(pairs[static_cast<size_t>(p)]);
        dw[pair] += x[at] * dy[at];
        scaled[at] *= w[pair], d_scaled[at] *= w[pair];
        sum[pair / static_cast<size_t>(k) * static_cast<size_t>(c) + static_cast<size_t>(i)] += x[at];
      }
    on_every_isa([&](Context& ctx) {
      TestBuffer bx = to_buffer(x, dtype, {rows, c}), bp = to_ints(pairs, {rows}),
                 bw = to_buffer(w, DType::kF32, {n, k});
      scale_expert_rows(ctx, bx.tensor(), bw.tensor(), bp.tensor());
      expect_close("scaled rows", ctx.isa, bx.tensor(), scaled, row_tolerance(dtype));
      TestBuffer h = to_buffer(x, dtype, {rows, c}), dh = to_buffer(dy, dtype, {rows, c}), bdw(DType::kF32, {n, k});
      scale_expert_rows_backward(ctx, h.tensor(), dh.tensor(), bw.tensor(), bp.tensor(), 0, bdw.tensor());
      expect_close("rows before weighting", ctx.isa, h.tensor(), scaled, row_tolerance(dtype));
      expect_close("gradient of rows", ctx.isa, dh.tensor(), d_scaled, row_tolerance(dtype));
      expect_close("gradient of weights", ctx.isa, bdw.tensor(), dw, 1e-5);
      TestBuffer by = to_buffer(y, dtype, {n, c}), all = to_buffer(x, dtype, {rows, c}),
                 places = to_ints(positions, {n, k});
      add_expert_rows(ctx, all.tensor(), places.tensor(), by.tensor());
      expect_close("rows of a token added", ctx.isa, by.tensor(), sum, row_tolerance(dtype));
      TestBuffer outside = to_ints(std::vector<int32_t>(static_cast<size_t>(rows), static_cast<int32_t>(rows)), {n, k});
      CHECK_ERROR(add_expert_rows(ctx, all.tensor(), outside.tensor(), by.tensor()), ErrorCode::kInvalidArgument);
      return keep(bx, h, dh, bdw, by);
    });
  }
}

TEST(columns) {
  const int64_t n = 23, heads = 3, x_head = 11, y_head = 9, count = 5, x_first = 4, y_first = 2;
  for (DType dtype : kTypes) {
    const auto x = random_values(n * heads * x_head, dtype), y = random_values(n * heads * y_head, dtype);
    const auto shared = random_values(n * count, dtype);
    auto copied = y, spread = y;
    std::vector<double> sum(static_cast<size_t>(n * count));
    for (int64_t row = 0; row < n; ++row)
      for (int64_t h = 0; h < heads; ++h)
        for (int64_t i = 0; i < count; ++i) {
          const auto from = static_cast<size_t>((row * heads + h) * x_head + x_first + i),
                     to = static_cast<size_t>((row * heads + h) * y_head + y_first + i);
          copied[to] = x[from];
          spread[to] = shared[static_cast<size_t>(row * count + i)];
          sum[static_cast<size_t>(row * count + i)] += x[from];
        }
    on_every_isa([&](Context& ctx) {
      TestBuffer bx = to_buffer(x, dtype, {n, heads * x_head}), by = to_buffer(y, dtype, {n, heads * y_head});
      copy_head_columns(ctx, bx.tensor(), x_head, x_first, by.tensor(), y_head, y_first, count, heads);
      expect_close("copied columns", ctx.isa, by.tensor(), copied, 0.0);
      TestBuffer bs = to_buffer(shared, dtype, {n, count}), bt = to_buffer(y, dtype, {n, heads * y_head});
      copy_head_columns(ctx, bs.tensor(), 0, 0, bt.tensor(), y_head, y_first, count, heads);
      expect_close("shared columns", ctx.isa, bt.tensor(), spread, 0.0);
      TestBuffer total(dtype, {n, count});
      sum_head_columns(ctx, bx.tensor(), x_head, x_first, total.tensor(), count, heads);
      expect_close("summed columns", ctx.isa, total.tensor(), sum, row_tolerance(dtype));
      CHECK_ERROR(copy_head_columns(ctx, bx.tensor(), x_head, x_head - 1, by.tensor(), y_head, 0, count, heads),
                  ErrorCode::kShape);
      return keep(by, bt, total);
    });
  }
}

TEST(interleaved_rope) {
  for (DType dtype : kTypes)
    for (auto [d, offset, half] : {std::array<int64_t, 3>{16, 8, 4}, {6, 0, 3}, {21, 10, 5}}) {
      const int64_t n = 29, heads = 2;
      std::vector<float> frequencies;
      for (int64_t i = 0; i < half; ++i)
        frequencies.push_back(static_cast<float>(std::pow(10000.0, -double(i) / double(half))));
      std::vector<int32_t> positions;
      for (int64_t i = 0; i < n; ++i) positions.push_back(static_cast<int32_t>((i * 7) % 40));
      const auto x = random_values(n * heads * d, dtype);
      const auto y =
          reference::rope_interleaved(x, heads, static_cast<size_t>(d), static_cast<size_t>(offset),
                                      std::vector<double>(frequencies.begin(), frequencies.end()), positions);
      on_every_isa([&, d = d, offset = offset, half = half](Context& ctx) {
        TestBuffer c(DType::kF32, {40, half}), s(DType::kF32, {40, half}), p = to_ints(positions, {n});
        rope_fill_table(frequencies, 1.0f, {c.tensor(), s.tensor()});
        TestBuffer b = to_buffer(x, dtype, {n, heads * d});
        rope(ctx, b.tensor(), heads, d, {c.tensor(), s.tensor()}, p.tensor(), false, {offset, true});
        expect_close("interleaved rope", ctx.isa, b.tensor(), y, row_tolerance(dtype));
        TestBuffer back = to_buffer(values_of(b.tensor()), dtype, {n, heads * d});
        rope(ctx, back.tensor(), heads, d, {c.tensor(), s.tensor()}, p.tensor(), true,
             {offset, true});  // the adjoint is the inverse
        expect_close("interleaved rope inverse", ctx.isa, back.tensor(), x, row_tolerance(dtype));
        CHECK_ERROR(rope(ctx, b.tensor(), heads, d, {c.tensor(), s.tensor()}, p.tensor(), false, {d - half, true}),
                    ErrorCode::kShape);
        return keep(b, back);
      });
    }
}

TEST_MAIN()
