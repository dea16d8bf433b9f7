// Matrix products. Weights stay in Hugging Face layout (out, in), one copy; panels are packed, converted or dequantised
// on the fly.
//   gemm_abt: C (M,N) = A (M,K) . B (N,K)^T    forward of a linear layer: A activations, B weight
//   gemm_ab : C (M,N) = A (M,K) . B (K,N)      dX = dY . W
//   gemm_atb: C (M,N) = A (K,M)^T . B (K,N)    dW = dY^T . X, the sum over tokens in token order
// Every element of C is one sum over k in increasing order (low-rank part last), accumulated in f32: its bits depend on
// the shapes and the precision only, not on the threads. (On a GPU C's own value is added last: chunks of k equal one
// long sum to rounding.) With M <= kSmallRows gemm_abt takes another path (its own
// fixed order).
#pragma once
#include "cpu/block_dot.h"
#include "ops/context.h"

namespace anneal {

// Reads block-quantised rows. Both functions get the address of the first block and a count that is a multiple of
// block_elements; `dequantise_in` is for tensors whose blocks need more than their own bytes (a second level of
// scales), which `context` holds.
struct BlockCodec {
  int64_t block_elements = 0;
  int64_t block_bytes = 0;
  void (*dequantise)(const void* blocks, float* out, int64_t elements) = nullptr;
  void (*dequantise_in)(const void* context, const void* blocks, float* out, int64_t elements) = nullptr;
  const void* context = nullptr;
  BlockDots dots = {};  // few rows are multiplied by the blocks where they lie; without, by rows dequantised first

  explicit operator bool() const { return dequantise || dequantise_in; }
  void read(const void* blocks, float* out, int64_t elements) const {
    dequantise ? dequantise(blocks, out, elements) : dequantise_in(context, blocks, out, elements);
  }
  // Byte `cols` elements of a row end at: a row's length, or a column's place in its row.
  int64_t bytes(int64_t cols) const { return cols / block_elements * block_bytes; }
};

// A matrix operand: f32, bf16, f16, or blocks along a row (then `codec` is set). Row stride in elements; 0 = cols
// (contiguous).
struct MatrixView {
  const void* data = nullptr;
  DType dtype = DType::kF32;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t row_stride = 0;
  const BlockCodec* codec = nullptr;

  MatrixView() = default;
  MatrixView(const Tensor& t, const BlockCodec* block_codec = nullptr)
      : data(t.data), dtype(t.dtype), rows(t.rows()), cols(t.cols()), row_stride(t.cols()), codec(block_codec) {}
  // Columns [begin, begin + count) of this matrix (not for block types).
  MatrixView columns(int64_t begin, int64_t count) const;
  explicit operator bool() const { return data != nullptr; }
};

enum class GemmPrecision {
  kF32,   // operands widened to f32, f32 FMA
  kBF16,  // operands rounded to bf16, products accumulated in f32
  kF16,   // operands rounded to f16, products accumulated in f32
};

struct GemmOptions {
  GemmPrecision precision = GemmPrecision::kF32;
  float alpha = 1.0f;  // multiplies A . B (not the low-rank part)
  bool accumulate =
      false;  // C += instead of C =; with f32 C the sum goes on from C's own value, so chunks of k equal one long sum
  // The sum goes on from this (M,N) f32 or bf16, contiguous, which may be C itself; then `accumulate` must be false.
  Tensor start;
  // bias[n] is added to every row. (N) f32 or bf16.
  Tensor bias;
  // Added elementwise after everything: (M,N) f32 or bf16, contiguous; may be C itself only through `accumulate`.
  Tensor residual;
  // Low-rank part, one more k-panel of the same pass: + low_rank_scale * low_rank_a . (low_rank_b, laid out as B is).
  //   gemm_abt: low_rank_a (M,r), low_rank_b (N,r).  gemm_ab: low_rank_a (M,r), low_rank_b (r,N).  Not for gemm_atb.
  MatrixView low_rank_a;
  MatrixView low_rank_b;
  float low_rank_scale = 1.0f;
};

// C: f32 or bf16, contiguous (M,N) (row stride = N), never overlapping A or B. Throws kShape, kInvalidArgument.
void gemm_abt(Context& ctx, const MatrixView& a, const MatrixView& b, Tensor c, const GemmOptions& options = {});
void gemm_ab(Context& ctx, const MatrixView& a, const MatrixView& b, Tensor c, const GemmOptions& options = {});
void gemm_atb(Context& ctx, const MatrixView& a, const MatrixView& b, Tensor c, const GemmOptions& options = {});

// Decode: up to this many rows, W is streamed once without packing (memory-bandwidth bound).
constexpr int64_t kSmallRows = 16;

// Upper bound of the scratch bytes of any of the three calls with these sizes (r = rank of the low-rank part, 0
// without).
size_t gemm_scratch_bytes(const Context& ctx, GemmPrecision precision, int64_t m, int64_t n, int64_t k, int64_t r = 0);

}  // namespace anneal
