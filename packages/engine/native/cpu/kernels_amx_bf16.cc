#define ANNEAL_ISA_NS isa_amx_bf16
#include "cpu/impl/table.h"

namespace anneal {
const KernelTable& kernels_amx_bf16() { return isa_amx_bf16::table(Isa::kAmxBf16); }
}  // namespace anneal
