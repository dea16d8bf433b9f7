#include "bench/peak.h"

#include <chrono>
#include <vector>

namespace anneal {

PeakLoop fma_loop([[maybe_unused]] Isa isa) {
#if defined(ANNEAL_X86)
  if (isa == Isa::kAvx2) return fma_loop_avx2;
  if (isa == Isa::kAvx512 || isa == Isa::kAvx512Bf16 || isa == Isa::kAmxBf16) return fma_loop_avx512;
#endif
  return nullptr;
}

PeakLoop bf16_loop([[maybe_unused]] Isa isa) {
#if defined(ANNEAL_X86)
  if (isa == Isa::kAvx512Bf16) return bf16_loop_avx512;
  if (isa == Isa::kAmxBf16) return bf16_loop_amx;
#endif
  return nullptr;
}

double measure_peak(ThreadPool& pool, PeakLoop loop, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); };
  std::vector<double> done(static_cast<size_t>(pool.threads()));
  const auto start = Clock::now();
  pool.parallel_for(pool.threads(), [&](int64_t chunk) {
    double operations = 0;
    while (since(start) < seconds) operations += loop(4000);
    done[static_cast<size_t>(chunk)] = operations;
  });
  const double taken = since(start);
  double all = 0;
  for (double d : done) all += d;
  return all / taken * 1e-9;
}

}  // namespace anneal
