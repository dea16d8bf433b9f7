#include "cpu/kernel_table.h"

namespace anneal {

const KernelTable& kernels(Isa isa) {
#if defined(ANNEAL_X86)
  switch (isa) {
    case Isa::kGeneric: return kernels_generic();
    case Isa::kAvx2: return kernels_avx2();
    case Isa::kAvx512: return kernels_avx512();
    case Isa::kAvx512Bf16: return kernels_avx512_bf16();
    case Isa::kAmxBf16: return kernels_amx_bf16();
  }
#endif
  (void)isa;
  return kernels_generic();
}

}  // namespace anneal
