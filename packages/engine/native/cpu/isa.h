// Which instruction set the kernels use. Detection lives in a translation unit of its own, compiled for the oldest
// machine.
#pragma once
#include <vector>

namespace anneal {

enum class Isa { kGeneric, kAvx2, kAvx512, kAvx512Bf16, kAmxBf16 };

const char* isa_name(Isa isa);  // "generic", "avx2", "avx512", "avx512_bf16", "amx_bf16"
// Every ISA this processor and operating system can run, slowest first; always holds kGeneric.
const std::vector<Isa>& available_isas();
Isa best_isa();
// From a name; throws kInvalidArgument for an unknown one and kUnsupported for one this machine lacks.
Isa isa_from_name(const char* name);

}  // namespace anneal
