#include "ops/cuda_launchers.h"

namespace anneal {

const CudaKernels& cuda_kernels() {
  static const CudaKernels table = {
      kCudaKernelsVersion,
      cuda::synchronise,
      cuda::zero,
      cuda::move,
      cuda::soft_cap,
      cuda::gather_rows,
      cuda::scatter_rows,
      cuda::add_column_sums,
      cuda::all_finite,
      cuda::rms_norm,
      cuda::rms_norm_backward,
      cuda::rope,
      cuda::gated,
      cuda::gated_backward,
      cuda::dropout,
      cuda::embedding_forward,
      cuda::embedding_backward,
      cuda::adamw,
      cuda::sum_of_squares,
      cuda::cross_entropy,
      cuda::gemm,
  };
  return table;
}

}  // namespace anneal

// What the addon looks up behind dlopen. The version is read before anything else of the table.
extern "C" __attribute__((visibility("default"))) const anneal::CudaKernels* anneal_cuda_kernels() {
  return &anneal::cuda_kernels();
}
