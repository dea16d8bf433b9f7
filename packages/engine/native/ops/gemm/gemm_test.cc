// Every GEMM variant on every ISA of this machine, with 1 and 2 threads, against a plain sum in double.
#include "ops/gemm/gemm.h"

#include <vector>

#include "core/bf16.h"
#include "core/buffer.h"
#include "core/philox.h"
#include "test_support/check.h"

using namespace anneal;

namespace {

struct Matrix {
  Buffer buffer;
  std::vector<double> values;  // what the buffer holds, after rounding
  Tensor tensor() const { return buffer.tensor(); }
};

Matrix random_matrix(int64_t rows, int64_t cols, DType dtype, uint32_t op) {
  Matrix m{Buffer(dtype, {rows, cols}), std::vector<double>(rows * cols)};
  const RandomStream stream{7, 1, op};
  for (int64_t i = 0; i < rows * cols; ++i) {
    float v = stream.uniform(i) * 2 - 1;
    if (dtype == DType::kBF16) {
      m.tensor().as<bf16>()[i] = to_bf16(v);
      v = to_f32(to_bf16(v));
    } else if (dtype == DType::kF16) {
      m.tensor().as<f16>()[i] = to_f16(v);
      v = to_f32(to_f16(v));
    } else {
      m.tensor().f32()[i] = v;
    }
    m.values[i] = v;
  }
  return m;
}

double round_operand(double v, GemmPrecision p) {
  if (p == GemmPrecision::kF16) return to_f32(to_f16(static_cast<float>(v)));
  return p == GemmPrecision::kBF16 ? to_f32(to_bf16(static_cast<float>(v))) : v;
}

std::vector<float> read(const Tensor& t) {
  std::vector<float> out(t.shape.elements());
  for (size_t i = 0; i < out.size(); ++i) out[i] = t.dtype == DType::kF32 ? t.f32()[i] : to_f32(t.as<bf16>()[i]);
  return out;
}

struct Case {
  int64_t m, n, k, r;
  DType a = DType::kF32, b = DType::kF32, c = DType::kF32;
  bool accumulate = false, bias = false, residual = false;
};

enum class Variant { kAbt, kAb, kAtb };

void run_case(const Case& s, Variant variant, GemmPrecision precision) {
  const bool atb = variant == Variant::kAtb, abt = variant == Variant::kAbt;
  const Matrix a = atb ? random_matrix(s.k, s.m, s.a, 1) : random_matrix(s.m, s.k, s.a, 1);
  const Matrix b = abt ? random_matrix(s.n, s.k, s.b, 2) : random_matrix(s.k, s.n, s.b, 2);
  const int64_t r = atb ? 0 : s.r;
  const Matrix la = random_matrix(s.m, r, DType::kF32, 3);
  const Matrix lb = abt ? random_matrix(s.n, r, DType::kF32, 4) : random_matrix(r, s.n, DType::kF32, 4);
  const Matrix start = random_matrix(s.m, s.n, s.c, 5);
  const Matrix bias = random_matrix(1, s.n, DType::kF32, 6);
  const Matrix residual = random_matrix(s.m, s.n, DType::kBF16, 7);
  const float alpha = 0.5f, low_rank_scale = 2.0f;

  std::vector<double> want(s.m * s.n);
  for (int64_t i = 0; i < s.m; ++i)
    for (int64_t j = 0; j < s.n; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < s.k; ++k) {
        const double x = atb ? a.values[k * s.m + i] : a.values[i * s.k + k];
        const double y = abt ? b.values[j * s.k + k] : b.values[k * s.n + j];
        sum += alpha * round_operand(x, precision) * round_operand(y, precision);
      }
      for (int64_t k = 0; k < r; ++k) {
        const double y = abt ? lb.values[j * r + k] : lb.values[k * s.n + j];
        sum += low_rank_scale * round_operand(la.values[i * r + k], precision) * round_operand(y, precision);
      }
      if (s.accumulate) sum += start.values[i * s.n + j];
      if (s.bias) sum += bias.values[j];
      if (s.residual) sum += residual.values[i * s.n + j];
      want[i * s.n + j] = sum;
    }

  const double tolerance = s.c == DType::kBF16 ? 8e-3 : 1e-5;
  for (Isa isa : available_isas()) {
    std::vector<float> of_one_thread;
    for (int threads : {1, 2}) {
      ThreadPool pool(threads);
      Arena arena(size_t{256} << 20);
      Context ctx{pool, arena, isa};
      Buffer out(s.c, {s.m, s.n});
      std::memcpy(out.data(), start.buffer.data(), out.bytes());
      GemmOptions options;
      options.precision = precision;
      options.alpha = alpha;
      options.accumulate = s.accumulate;
      if (s.bias) options.bias = bias.tensor();
      if (s.residual) options.residual = residual.tensor();
      if (r) {
        options.low_rank_a = la.tensor();
        options.low_rank_b = lb.tensor();
        options.low_rank_scale = low_rank_scale;
      }
      (abt ? gemm_abt : atb ? gemm_atb : gemm_ab)(ctx, a.tensor(), b.tensor(), out.tensor(), options);
      const std::vector<float> got = read(out.tensor());
      const double error = test::relative_error(got.data(), want.data(), want.size());
      if (error > tolerance)
        test::fail(isa_name(isa), static_cast<int>(variant),
                   "m " + std::to_string(s.m) + " n " + std::to_string(s.n) + " k " + std::to_string(s.k) + " error " +
                       std::to_string(error));
      if (threads == 1) of_one_thread = got;
      CHECK(std::memcmp(got.data(), of_one_thread.data(), got.size() * 4) == 0);
      CHECK(arena.peak_bytes() <= gemm_scratch_bytes(ctx, precision, s.m, s.n, s.k, r));
      CHECK_EQ(arena.used_bytes(), 0u);
    }
  }
}

void run_shapes(Variant variant) {
  for (GemmPrecision precision : {GemmPrecision::kF32, GemmPrecision::kBF16, GemmPrecision::kF16}) {
    for (DType in : {DType::kF32, DType::kBF16, DType::kF16}) {
      run_case({1, 1, 1, 0, in, in}, variant, precision);
      run_case({3, 5, 7, 2, in, DType::kF32, DType::kBF16}, variant, precision);
      run_case({29, 67, 33, 3, in, in, DType::kF32, true, true, true}, variant, precision);
      run_case({60, 160, 131, 8, DType::kF32, in, DType::kBF16, true, true, true}, variant, precision);
    }
    for (int64_t m : {1, 2, 4, 6, 15, 16}) {  // few rows: weights are read where they lie
      run_case({m, 77, 129, 5, DType::kF32, DType::kBF16, DType::kF32, true, true, true}, variant, precision);
      run_case({m, 300, 896, 16, DType::kBF16, DType::kF32, DType::kBF16}, variant, precision);
    }
    run_case({57, 16, 401, 0}, variant, precision);
    run_case({31, 200, 900, 16, DType::kBF16, DType::kBF16}, variant, precision);
    run_case({17, 40, 9300, 4, DType::kF32, DType::kBF16, DType::kBF16, true}, variant, precision);
    run_case({300, 300, 64, 16}, variant, precision);
    run_case({5, 7, 0, 0, DType::kF32, DType::kF32, DType::kF32, true, true}, variant, precision);
    run_case({5, 7, 0, 0}, variant, precision);
  }
}

}  // namespace

TEST(gemm_abt_every_isa) { run_shapes(Variant::kAbt); }
TEST(gemm_ab_every_isa) { run_shapes(Variant::kAb); }
TEST(gemm_atb_every_isa) { run_shapes(Variant::kAtb); }

TEST(gemm_sum_over_k_goes_on) {
  // Accumulating three chunks of tokens gives the bits of one long sum in f32: accumulation equals the big batch.
  const Matrix a = random_matrix(90, 33, DType::kF32, 1), b = random_matrix(90, 65, DType::kF32, 2);
  for (Isa isa : available_isas()) {
    ThreadPool pool(2);
    Arena arena(size_t{64} << 20);
    Context ctx{pool, arena, isa};
    Buffer whole(DType::kF32, {33, 65}), chunks(DType::kF32, {33, 65});
    gemm_atb(ctx, a.tensor(), b.tensor(), whole.tensor());
    GemmOptions options;
    options.accumulate = true;
    const int64_t cuts[] = {0, 21, 50, 90};
    for (int i = 0; i < 3; ++i) {
      MatrixView x = a.tensor(), y = b.tensor();
      x.rows = y.rows = cuts[i + 1] - cuts[i];
      x.data = a.tensor().f32() + cuts[i] * 33;
      y.data = b.tensor().f32() + cuts[i] * 65;
      gemm_atb(ctx, x, y, chunks.tensor(), options);
    }
    CHECK(std::memcmp(whole.data(), chunks.data(), whole.bytes()) == 0);
  }
}

TEST(gemm_few_rows_do_not_see_each_other) {
  // A sequence decodes to the same bits alone and in a batch.
  const Matrix x = random_matrix(16, 131, DType::kF32, 1), w = random_matrix(70, 131, DType::kBF16, 2);
  for (Isa isa : available_isas()) {
    ThreadPool pool(2);
    Arena arena(size_t{64} << 20);
    Context ctx{pool, arena, isa};
    Buffer all(DType::kF32, {16, 70}), one(DType::kF32, {1, 70});
    gemm_abt(ctx, x.tensor(), w.tensor(), all.tensor());
    for (int64_t i = 0; i < 16; ++i) {
      gemm_abt(ctx, Tensor{x.tensor().f32() + i * 131, DType::kF32, {1, 131}}, w.tensor(), one.tensor());
      CHECK(std::memcmp(one.data(), all.tensor().f32() + i * 70, one.bytes()) == 0);
    }
  }
}

TEST(gemm_low_rank_part_has_the_same_bits_in_a_call_of_its_own) {
  // Adapters side by side: the base's product over all rows, then each adapter's part over its own.
  for (int64_t k : {33, 130, 352, 790})
    for (int64_t rank : {3, 8, 40}) {
      const Matrix x = random_matrix(37, k, DType::kF32, 1), w = random_matrix(70, k, DType::kF32, 2);
      const Matrix la = random_matrix(37, rank, DType::kF32, 3), lb = random_matrix(70, rank, DType::kF32, 4);
      for (Isa isa : available_isas())
        for (GemmPrecision precision : {GemmPrecision::kF32, GemmPrecision::kBF16, GemmPrecision::kF16}) {
          ThreadPool pool(2);
          Arena arena(size_t{64} << 20);
          Context ctx{pool, arena, isa};
          GemmOptions options;
          options.precision = precision;
          Buffer sums(DType::kF32, {37, 70}), apart(DType::kF32, {37, 70}), together(DType::kF32, {37, 70});
          gemm_abt(ctx, x.tensor(), w.tensor(), sums.tensor(), options);
          GemmOptions own = options;
          own.start = sums.tensor();
          gemm_abt(ctx, la.tensor(), lb.tensor(), apart.tensor(), own);
          options.low_rank_a = la.tensor();
          options.low_rank_b = lb.tensor();
          gemm_abt(ctx, x.tensor(), w.tensor(), together.tensor(), options);
          CHECK(std::memcmp(apart.data(), together.data(), apart.bytes()) == 0);
        }
    }
}

TEST(gemm_block_codec) {
  // A made-up block of 32 signed bytes after one f32 scale.
  constexpr int64_t kBlock = 32, kBytes = 4 + kBlock;
  const BlockCodec codec{kBlock, kBytes, [](const void* blocks, float* out, int64_t n) {
                           const char* p = static_cast<const char*>(blocks);
                           for (int64_t i = 0; i < n; ++i) {
                             float scale;
                             std::memcpy(&scale, p + i / kBlock * kBytes, 4);
                             out[i] = scale * static_cast<signed char>(p[i / kBlock * kBytes + 4 + i % kBlock]);
                           }
                         }};
  const int64_t out = 70, in = 544;
  std::vector<char> blocks(out * in / kBlock * kBytes);
  const RandomStream stream{9, 0, 0};
  for (int64_t i = 0; i < out * in / kBlock; ++i) {
    const float scale = 0.01f + 0.01f * stream.uniform(i);
    std::memcpy(&blocks[i * kBytes], &scale, 4);
    for (int64_t j = 0; j < kBlock; ++j)
      blocks[i * kBytes + 4 + j] = static_cast<char>(stream.bits(1000 + i * kBlock + j));
  }
  Buffer dense(DType::kF32, {out, in});
  for (int64_t i = 0; i < out; ++i)
    codec.dequantise(&blocks[i * in / kBlock * kBytes], dense.tensor().f32() + i * in, in);
  MatrixView quantised(Tensor{blocks.data(), DType::kQ8_0, {out, in}}, &codec);
  const Matrix x = random_matrix(37, in, DType::kF32, 1), dy = random_matrix(37, out, DType::kF32, 2);
  for (Isa isa : available_isas())
    for (GemmPrecision precision : {GemmPrecision::kF32, GemmPrecision::kBF16, GemmPrecision::kF16}) {
      ThreadPool pool(2);
      Arena arena(size_t{64} << 20);
      Context ctx{pool, arena, isa};
      GemmOptions options;
      options.precision = precision;
      Buffer y0(DType::kF32, {37, out}), y1(DType::kF32, {37, out}), dx0(DType::kF32, {37, in}),
          dx1(DType::kF32, {37, in});
      gemm_abt(ctx, x.tensor(), dense.tensor(), y0.tensor(), options);
      gemm_abt(ctx, x.tensor(), quantised, y1.tensor(), options);
      CHECK(std::memcmp(y0.data(), y1.data(), y0.bytes()) == 0);
      gemm_ab(ctx, dy.tensor(), dense.tensor(), dx0.tensor(), options);
      gemm_ab(ctx, dy.tensor(), quantised, dx1.tensor(), options);
      CHECK(std::memcmp(dx0.data(), dx1.data(), dx0.bytes()) == 0);
      // Few rows, with a low-rank part: blocks are dequantised beside the dense path.
      const Matrix few = random_matrix(5, in, DType::kF32, 3), la = random_matrix(5, 3, DType::kF32, 4);
      const Matrix lb = random_matrix(out, 3, DType::kF32, 5);
      options.low_rank_a = la.tensor();
      options.low_rank_b = lb.tensor();
      Buffer z0(DType::kF32, {5, out}), z1(DType::kF32, {5, out});
      gemm_abt(ctx, few.tensor(), dense.tensor(), z0.tensor(), options);
      gemm_abt(ctx, few.tensor(), quantised, z1.tensor(), options);
      CHECK(std::memcmp(z0.data(), z1.data(), z0.bytes()) == 0);
      CHECK_EQ(arena.used_bytes(), 0u);
    }
}

TEST(gemm_refuses_what_does_not_fit) {
  ThreadPool pool(1);
  Arena arena(1 << 20);
  Context ctx{pool, arena};
  const Matrix a = random_matrix(4, 6, DType::kF32, 1), b = random_matrix(5, 7, DType::kF32, 2);
  Buffer c(DType::kF32, {4, 5});
  CHECK_ERROR(gemm_abt(ctx, a.tensor(), b.tensor(), c.tensor()), ErrorCode::kShape);
  CHECK_ERROR(gemm_ab(ctx, a.tensor(), b.tensor(), c.tensor()), ErrorCode::kShape);
  CHECK_ERROR(gemm_atb(ctx, a.tensor(), b.tensor(), c.tensor()), ErrorCode::kShape);
  const Matrix fit = random_matrix(5, 6, DType::kF32, 2);
  GemmOptions options;
  options.bias = a.tensor();
  CHECK_ERROR(gemm_abt(ctx, a.tensor(), fit.tensor(), c.tensor(), options), ErrorCode::kShape);
  CHECK_ERROR(gemm_abt(ctx, a.tensor(), Tensor{c.data(), DType::kQ4_K, {5, 6}}, c.tensor()),
              ErrorCode::kInvalidArgument);
}

TEST_MAIN()
