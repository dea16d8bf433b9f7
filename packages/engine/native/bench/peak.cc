#include "bench/peak.h"

#include <chrono>
#include <vector>

namespace anneal {

std::vector<Peak> peaks_of([[maybe_unused]] Isa isa, [[maybe_unused]] bool bf16) {
#if defined(ANNEAL_X86)
  switch (isa) {
    case Isa::kGeneric: break;
    case Isa::kAvx2: return {{"FMA", fma_loop_avx2}};
    case Isa::kAvx512: return {{"FMA", fma_loop_avx512}};
    case Isa::kAvx512Bf16:
      if (bf16) return {{"VDPBF16PS", bf16_loop_avx512}};
      return {{"FMA", fma_loop_avx512}};
    case Isa::kAmxBf16:
      if (bf16) return {{"VDPBF16PS", bf16_loop_avx512}, {"TDPBF16PS", bf16_loop_amx}};
      return {{"FMA", fma_loop_avx512}};
  }
#endif
  return {};
}

double measure_peak(ThreadPool& pool, PeakLoop loop, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
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
