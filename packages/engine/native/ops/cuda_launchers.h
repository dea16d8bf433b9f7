// The launchers behind CudaKernels (ops/cuda_kernels.h), one file of kernels each; the table joins them.
#pragma once
#include "ops/cuda_kernels.h"

namespace anneal::cuda {

void move(Stream&, ConstRef x, Ref y, int64_t elements, float scale, bool accumulate);
void soft_cap(Stream&, float* y, int64_t elements, float cap);
void gather_rows(Stream&, const RowMoveArgs&);
void scatter_rows(Stream&, const RowMoveArgs&);
void add_column_sums(Stream&, ConstRef x, float* y, int64_t rows, int64_t channels, float* partial);
bool all_finite(Stream&, ConstRef x, int64_t elements, void* word);
void rms_norm(Stream&, const RmsNormArgs&, int64_t rows);
void rms_norm_backward(Stream&, const RmsNormBackwardArgs&, int64_t rows, float* partial);
void rope(Stream&, const RopeArgs&, int64_t rows, int64_t table_rows);
void gated(Stream&, const GatedArgs&, int64_t elements);
void gated_backward(Stream&, const GatedArgs&, int64_t elements);
void dropout(Stream&, const DropoutArgs&);
void embedding_forward(Stream&, const EmbeddingArgs&);
void embedding_backward(Stream&, const EmbeddingArgs&);
void adamw(Stream&, const AdamWTargetArgs&);
double sum_of_squares(Stream&, const float* x, int64_t elements, double* partial);
void cross_entropy(Stream&, const CrossEntropyArgs&);
void gemm(Stream&, const CudaGemmArgs&);

}  // namespace anneal::cuda
