// What the CUDA backend can run: launchers over the argument structs of cpu/row_kernels.h, behind one table, because
// the backend is a library of its own (anneal_cuda.so) that is opened only where a driver is. Every pointer inside the
// arguments is device memory. Sizes and types are checked by the ops.
#pragma once
#include "cpu/row_kernels.h"
#include "cuda/stream.h"

namespace anneal {

struct EmbeddingArgs {
  const int32_t* tokens;  // (rows)
  ConstRef table;         // (vocabulary, channels) of forward
  Ref y;                  // (rows, channels) of forward
  ConstRef dy;            // (rows, channels) of backward
  float* dtable;          // added to
  int64_t rows, channels, vocabulary;
  float scale;
};

struct RowMoveArgs {
  ConstRef x;
  Ref y;
  const int32_t* rows;  // of x (gather) or of y (scatter)
  int64_t count, channels, limit;
  bool accumulate;  // scatter only
};

struct DropoutArgs {
  ConstRef x;
  Ref y;
  int64_t elements;
  uint64_t seed;
  uint32_t op, step, threshold;
  float scale;
  bool accumulate;
};

struct AdamWTargetArgs {
  AdamWArgs rule;    // master: the f32 weights, or null
  Ref bf16_weights;  // rounded stochastically, or null
  Ref copy;          // of f32 weights, or null
  int64_t elements;
  uint64_t seed;  // of the rounding
  uint32_t op, step;
};

// Rows of logits become the gradient where token_weights is given; they are left as exponentials or capped otherwise.
struct CrossEntropyArgs {
  float* logits;  // (rows, vocabulary)
  const int32_t* targets;
  const float* token_weights;  // null: no gradient
  float* nll;
  float* penalty;  // or null
  int32_t* best;   // or null
  int64_t rows, vocabulary;
  float cap, smoothing, z_loss;
};

// Element (row, k) of an operand: data[row * row_stride + k * k_stride].
struct CudaMatrix {
  ConstRef data;
  int64_t rows, k, row_stride, k_stride;
};
enum class CudaOperands : int32_t { kF32, kBf16, kF16 };  // what operands are rounded to; sums are f32

// C (m,n) = alpha * A . B^T + low_rank_scale * low_rank_a . low_rank_b^T + start + bias + residual
struct CudaGemmArgs {
  CudaMatrix a, b, low_rank_a, low_rank_b;
  int64_t m, n;
  bool low_rank;
  float alpha, low_rank_scale;
  ConstRef start, bias, residual;  // or null
  Ref c;
  CudaOperands operands;
};

struct CudaKernels {
  uint32_t version;
  void (*synchronise)(cuda::Stream&);
  void (*zero)(cuda::Stream&, void* data, size_t bytes);
  // y = (accumulate ? y : 0) + scale * x
  void (*move)(cuda::Stream&, ConstRef x, Ref y, int64_t elements, float scale, bool accumulate);
  void (*soft_cap)(cuda::Stream&, float* y, int64_t elements, float cap);
  void (*gather_rows)(cuda::Stream&, const RowMoveArgs&);
  void (*scatter_rows)(cuda::Stream&, const RowMoveArgs&);
  // y (channels) += column sums of x (rows, channels); partial holds ceil(rows / 64) * channels floats.
  void (*add_column_sums)(cuda::Stream&, ConstRef x, float* y, int64_t rows, int64_t channels, float* partial);
  // word: 4 bytes of device memory.
  bool (*all_finite)(cuda::Stream&, ConstRef x, int64_t elements, void* word);
  void (*rms_norm)(cuda::Stream&, const RmsNormArgs&, int64_t rows);
  // args.dweight: the whole gradient (channels); partial as of add_column_sums, needed with it.
  void (*rms_norm_backward)(cuda::Stream&, const RmsNormBackwardArgs&, int64_t rows, float* partial);
  void (*rope)(cuda::Stream&, const RopeArgs&, int64_t rows, int64_t table_rows);
  void (*gated)(cuda::Stream&, const GatedArgs&, int64_t elements);
  void (*gated_backward)(cuda::Stream&, const GatedArgs&, int64_t elements);
  void (*dropout)(cuda::Stream&, const DropoutArgs&);
  void (*embedding_forward)(cuda::Stream&, const EmbeddingArgs&);
  void (*embedding_backward)(cuda::Stream&, const EmbeddingArgs&);
  void (*adamw)(cuda::Stream&, const AdamWTargetArgs&);
  // partial: ceil(elements / 16384) doubles of device memory, summed on the host in order.
  double (*sum_of_squares)(cuda::Stream&, const float* x, int64_t elements, double* partial);
  void (*cross_entropy)(cuda::Stream&, const CrossEntropyArgs&);
  void (*gemm)(cuda::Stream&, const CudaGemmArgs&);
};

constexpr uint32_t kCudaKernelsVersion = 1;

// What a Context holds to run its ops on a GPU.
struct CudaBackend {
  const CudaKernels& kernels;
  cuda::Stream& stream;
};

// Of the library that this is linked into.
const CudaKernels& cuda_kernels();

}  // namespace anneal
