// Included last by every kernels_<isa>.cc: the table of this ISA.
#pragma once
#include "cpu/impl/attention.h"
#include "cpu/impl/dot_rows.h"

namespace anneal::ANNEAL_ISA_NS {

inline const KernelTable& table(Isa isa) {
  static const KernelTable all = {
      isa,
      kLanes,
      gemm_kernels<F32Units>(),
      gemm_kernels<LowUnits>(),
      gemm_kernels<HalfUnits>(),
      dot_rows,
      load_tile,
      store_tile,
      kRowKernels,
      kAttentionKernels,
  };
  return all;
}

}  // namespace anneal::ANNEAL_ISA_NS
