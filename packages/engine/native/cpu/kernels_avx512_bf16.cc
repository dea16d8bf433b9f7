#define ANNEAL_ISA_NS isa_avx512_bf16
#include "cpu/impl/table.h"

namespace anneal {
const KernelTable& kernels_avx512_bf16() { return isa_avx512_bf16::table(Isa::kAvx512Bf16); }
}  // namespace anneal
