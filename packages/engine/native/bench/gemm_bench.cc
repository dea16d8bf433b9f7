// gemm_bench [THREADS]: first prints the cases, then answers every line "INDEX f32" or "INDEX bf16" with one turn of
// that product and of the same threads' peak in registers. JSON, one value a line.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <string>

#include "bench/peak.h"
#include "core/bf16.h"
#include "core/buffer.h"
#include "core/philox.h"
#include "ops/gemm/gemm.h"

using namespace anneal;

namespace {

struct Case {
  const char* name;
  const char* form;  // which operand is read across
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

// GFLOP/s over at least a tenth of a second, after one call that finds the other's data in the caches and sleeping
// threads.
double measure(Context& ctx, const Case& c, const Tensor& a, const Tensor& b, Tensor out, const GemmOptions& options) {
  using Clock = std::chrono::steady_clock;
  c.call(ctx, a, b, out, options);
  const auto start = Clock::now();
  double seconds = 0;
  int calls = 0;
  while (seconds < 0.1) {
    c.call(ctx, a, b, out, options);
    ++calls;
    seconds = std::chrono::duration<double>(Clock::now() - start).count();
  }
  return 2.0 * static_cast<double>(c.m * c.n * c.k) * calls / seconds * 1e-9;
}

// Shapes of one micro-batch through a 0.5B model's layers: forward, gradient of the input, gradient of the weight.
const Case kCases[] = {{"forward 1024 x 4864 x 896", "abt", 1024, 4864, 896, gemm_abt, {1024, 896}, {4864, 896}},
                       {"backward dX 1024 x 896 x 4864", "ab", 1024, 896, 4864, gemm_ab, {1024, 4864}, {4864, 896}},
                       {"backward dW 4864 x 896 x 1024", "atb", 4864, 896, 1024, gemm_atb, {1024, 4864}, {1024, 896}},
                       {"square 1536", "abt", 1536, 1536, 1536, gemm_abt, {1536, 1536}, {1536, 1536}}};

void list() {
  std::printf("[");
  for (const Case& c : kCases)
    std::printf("%s{\"name\": \"%s\", \"form\": \"%s\", \"m\": %lld, \"n\": %lld, \"k\": %lld}",
                &c == kCases ? "" : ", ", c.name, c.form, static_cast<long long>(c.m), static_cast<long long>(c.n),
                static_cast<long long>(c.k));
  std::printf("]\n");
}

// One turn: the product, then what the same threads can do in registers.
void turn(Context& ctx, const Case& c, const Tensor& a, const Tensor& b, const Tensor& out, GemmPrecision precision) {
  GemmOptions options;
  options.precision = precision;
  std::printf("{\"isa\": \"%s\", \"gflops\": %.2f, \"peaks\": [", isa_name(ctx.isa),
              measure(ctx, c, a, b, out, options));
  const char* comma = "";
  for (const Peak& peak : peaks_of(ctx.isa, precision == GemmPrecision::kBF16)) {
    std::printf("%s{\"of\": \"%s\", \"gflops\": %.2f}", comma, peak.of, measure_peak(ctx.pool, peak.loop, 0.05));
    comma = ", ";
  }
  std::printf("]}\n");
}

// Answers turns at one case in one type until another line comes, which it returns.
std::string serve(Context& ctx, const std::string& line) {
  const size_t index = std::strtoul(line.c_str(), nullptr, 10);
  if (index >= std::size(kCases)) std::exit(2);
  const Case& c = kCases[index];
  const GemmPrecision precision = line.find("bf16") == std::string::npos ? GemmPrecision::kF32 : GemmPrecision::kBF16;
  const DType dtype = precision == GemmPrecision::kBF16 ? DType::kBF16 : DType::kF32;
  Buffer a = random_matrix(dtype, c.a, 1), b = random_matrix(dtype, c.b, 2), out(DType::kF32, {c.m, c.n});
  std::string next = line;
  do {
    turn(ctx, c, a.tensor(), b.tensor(), out.tensor(), precision);
    std::fflush(stdout);
  } while (std::getline(std::cin, next) && next == line);
  return std::cin ? next : std::string();
}

}  // namespace

int main(int argc, char** argv) {
  ThreadPool pool(argc > 1 ? std::atoi(argv[1]) : 0);
  Arena arena(size_t{256} << 20);
  Context ctx{pool, arena, best_isa()};
  list();
  std::fflush(stdout);
  std::string line;
  std::getline(std::cin, line);
  while (!line.empty()) line = serve(ctx, line);
  return 0;
}
