#define ANNEAL_ISA_NS isa_avx512
#include "cpu/impl/table.h"

namespace anneal {
const KernelTable& kernels_avx512() { return isa_avx512::table(Isa::kAvx512); }
}  // namespace anneal
