#define ANNEAL_ISA_NS isa_generic
#include "cpu/impl/table.h"

namespace anneal {
const KernelTable& kernels_generic() { return isa_generic::table(Isa::kGeneric); }
}  // namespace anneal
