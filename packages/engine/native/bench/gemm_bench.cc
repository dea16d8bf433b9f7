// gemm_bench [THREADS]: GEMM against the measured peak of the same threads, taking turns, one JSON object a line.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "bench/peak.h"
#include "core/buffer.h"
#include "core/bf16.h"
#include "core/philox.h"
#include "ops/gemm.h"

using namespace anneal;

namespace {

constexpr int kRounds = 20;

struct Case {
  const char* name;
  int64_t m, n, k;
  void (*call)(Context&, const MatrixView&, const MatrixView&, Tensor, const GemmOptions&);
  Shape a, b;
};

Buffer random_matrix(DType dtype, const Shape& shape, uint32_t op) {
  Buffer buffer(dtype, shape);
  const RandomStream stream{3, 0, op};
  for (int64_t i = 0, n = shape.elements(); i < n; ++i) {
    const float x = stream.uniform(static_cast<uint64_t>(i)) - 0.5f;
    if (dtype == DType::kBF16) buffer.tensor().as<bf16>()[i] = to_bf16(x);
    else buffer.tensor().f32()[i] = x;
  }
  return buffer;
}

// GFLOP/s over at least a twentieth of a second: shorter than most disturbances, and many of them are taken.
double measure(Context& ctx, const Case& c, const Tensor& a, const Tensor& b, Tensor out, const GemmOptions& options) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  double seconds = 0;
  int calls = 0;
  while (seconds < 0.05) {
    c.call(ctx, a, b, out, options);
    ++calls;
    seconds = std::chrono::duration<double>(Clock::now() - start).count();
  }
  return 2.0 * static_cast<double>(c.m * c.n * c.k) * calls / seconds * 1e-9;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void run(Context& ctx, GemmPrecision precision) {
  const bool half = precision == GemmPrecision::kBF16;
  const std::vector<Peak> peaks = peaks_of(ctx.isa, half);
  const DType dtype = half ? DType::kBF16 : DType::kF32;
  // Shapes of one micro-batch through a 0.5B model's layers: forward, gradient of the input, gradient of the weight.
  const Case cases[] = {{"forward 1024 x 4864 x 896", 1024, 4864, 896, gemm_abt, {1024, 896}, {4864, 896}},
                        {"backward dX 1024 x 896 x 4864", 1024, 896, 4864, gemm_ab, {1024, 4864}, {4864, 896}},
                        {"backward dW 4864 x 896 x 1024", 4864, 896, 1024, gemm_atb, {1024, 4864}, {1024, 896}},
                        {"square 1536", 1536, 1536, 1536, gemm_abt, {1536, 1536}, {1536, 1536}}};
  uint32_t op = 0;
  for (const Case& c : cases) {
    Buffer a = random_matrix(dtype, c.a, ++op), b = random_matrix(dtype, c.b, ++op), out(DType::kF32, {c.m, c.n});
    GemmOptions options;
    options.precision = precision;
    std::vector<double> ours;
    std::vector<std::vector<double>> measured(peaks.size());
    for (int round = 0; round < kRounds; ++round) {
      ours.push_back(measure(ctx, c, a.tensor(), b.tensor(), out.tensor(), options));
      for (size_t i = 0; i < peaks.size(); ++i) measured[i].push_back(measure_peak(ctx.pool, peaks[i].loop, 0.02));
    }
    std::printf("{\"name\": \"%s\", \"dtype\": \"%s\", \"isa\": \"%s\", \"threads\": %d, \"gflops\": %.2f, \"peaks\": [", c.name,
                half ? "bf16" : "f32", isa_name(ctx.isa), ctx.pool.threads(), median(ours));
    for (size_t i = 0; i < peaks.size(); ++i)
      std::printf("%s{\"of\": \"%s\", \"gflops\": %.2f}", i ? ", " : "", peaks[i].of, median(measured[i]));
    std::printf("]}\n");
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  ThreadPool pool(argc > 1 ? std::atoi(argv[1]) : 0);
  Arena arena(size_t{256} << 20);
  Context ctx{pool, arena, best_isa()};
  run(ctx, GemmPrecision::kF32);
  run(ctx, GemmPrecision::kBF16);
  return 0;
}
