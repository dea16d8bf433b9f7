// How many floating point operations per second the processor can do when nothing else is in the way: registers only.
#pragma once
#include <cstdint>

#include "core/thread_pool.h"
#include "cpu/isa.h"

namespace anneal {

// One thread's work: `rounds` rounds of independent multiply-adds; returns the floating point operations done.
using PeakLoop = double (*)(int64_t rounds);

double fma_loop_avx2(int64_t rounds);
double fma_loop_avx512(int64_t rounds);
double bf16_loop_avx512(int64_t rounds);  // VDPBF16PS
double bf16_loop_amx(int64_t rounds);     // TDPBF16PS; rounds a multiple of 4

// nullptr where the ISA has no such instruction (or its vectors are the compiler's own business: generic).
PeakLoop fma_loop(Isa isa);
PeakLoop bf16_loop(Isa isa);

// GFLOP/s of all threads of the pool together, over about `seconds`.
double measure_peak(ThreadPool& pool, PeakLoop loop, double seconds);

}  // namespace anneal
