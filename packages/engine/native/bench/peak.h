// How many floating point operations per second the processor can do when nothing else is in the way: registers only.
#pragma once
#include <cstdint>
#include <vector>

#include "core/thread_pool.h"
#include "cpu/isa.h"

namespace anneal {

// One thread's work: `rounds` rounds of independent multiply-adds; returns the floating point operations done.
using PeakLoop = double (*)(int64_t rounds);

double fma_loop_avx2(int64_t rounds);
double fma_loop_avx512(int64_t rounds);
double bf16_loop_avx512(int64_t rounds);  // VDPBF16PS
double bf16_loop_amx(int64_t rounds);     // TDPBF16PS; rounds a multiple of 4

struct Peak {
  const char* of;  // the instruction
  PeakLoop loop;
};
// What products of this precision are measured by on the ISA, the fastest last; none where vectors are the compiler's
// own business (generic). Without an instruction of its own bf16 is widened as panels are packed: FMA is then its
// measure.
std::vector<Peak> peaks_of(Isa isa, bool bf16);

// GFLOP/s of all threads of the pool together, over about `seconds`.
double measure_peak(ThreadPool& pool, PeakLoop loop, double seconds);

}  // namespace anneal
