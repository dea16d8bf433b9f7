#define ANNEAL_ISA_NS isa_avx2
#include "cpu/impl/table.h"

namespace anneal {
const KernelTable& kernels_avx2() { return isa_avx2::table(Isa::kAvx2); }
}  // namespace anneal
