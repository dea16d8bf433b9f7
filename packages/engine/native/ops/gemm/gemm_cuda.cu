// Products on the device. 16-bit operands: tiles of 64 x 64 by four warps on tensor cores (mma.sync, so that one kernel
// serves every target). f32: the same tiles by plain multiply-adds, since the tensor cores' f32 keeps ten bits only.
// Every element of C is one sum over k in increasing order of 16s; the low-rank part is a second pass of the same tile.
#include "cuda/launch.cuh"
#include "cuda/mma.cuh"
#include "ops/cuda_launchers.h"

namespace anneal::cuda {

namespace {

constexpr int kTile = 64, kStep = 32;
constexpr int kThreads = 128;
// Rows of 80 bytes: a multiple of 16 for ldmatrix, and eight rows fall on different banks.
constexpr int kPitch = kStep + 8;

// Rows [row0, row0 + 64) and k [k0, k0 + 32) of an operand, as T, zeros beyond its edge. Neighbouring threads read
// neighbouring addresses, whichever way the operand lies.
template <class T>
__device__ inline void fill_tile(T* tile, int pitch, const CudaMatrix& m, int64_t row0, int64_t k0) {
  for (int i = static_cast<int>(threadIdx.x); i < kTile * kStep; i += kThreads) {
    const bool k_inner = m.k_stride == 1;
    const int row = k_inner ? i / kStep : i % kTile, k = k_inner ? i % kStep : i / kTile;
    float v = 0;
    if (row0 + row < m.rows && k0 + k < m.k)
      v = load<1>(m.data.data, m.data.dtype, (row0 + row) * m.row_stride + (k0 + k) * m.k_stride).v[0];
    tile[row * pitch + k] = rounded<T>(v);
  }
}

__device__ inline float finished(const CudaGemmArgs& a, int64_t row, int64_t column, float v) {
  const int64_t at = row * a.n + column;
  if (a.start.data) v += load<1>(a.start.data, a.start.dtype, at).v[0];
  if (a.bias.data) v += load<1>(a.bias.data, a.bias.dtype, column).v[0];
  if (a.residual.data) v += load<1>(a.residual.data, a.residual.dtype, at).v[0];
  return v;
}

// Each warp takes 32 x 32 of the tile: two fragments of rows by four of columns.
template <class T>
__global__ void __launch_bounds__(kThreads) gemm_mma_kernel(CudaGemmArgs a) {
  ANNEAL_SHARED(T, tile_a, kTile * kPitch);
  ANNEAL_SHARED(T, tile_b, kTile * kPitch);
  const int64_t row0 = int64_t{blockIdx.y} * kTile, column0 = int64_t{blockIdx.x} * kTile;
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int warp_row = warp / 2 * 32, warp_column = warp % 2 * 32;
  float total[2][4][4] = {};
  for (int part = 0; part < (a.low_rank ? 2 : 1); ++part) {
    const CudaMatrix& ma = part ? a.low_rank_a : a.a;
    const CudaMatrix& mb = part ? a.low_rank_b : a.b;
    float sum[2][4][4] = {};
    for (int64_t k0 = 0; k0 < ma.k; k0 += kStep) {
      __syncthreads();  // the tile before is read
      fill_tile(tile_a, kPitch, ma, row0, k0);
      fill_tile(tile_b, kPitch, mb, column0, k0);
      __syncthreads();
      for (int k = 0; k < kStep; k += 16) {
        uint32_t fa[2][4], fb[2][4];
        for (int i = 0; i < 2; ++i)
          ldmatrix_x4(fa[i], tile_a + (warp_row + 16 * i + lane % 16) * kPitch + k + lane / 16 * 8);
        for (int i = 0; i < 2; ++i)
          ldmatrix_x4(fb[i],
                      tile_b + (warp_column + 16 * i + lane / 16 * 8 + lane % 8) * kPitch + k + lane / 8 % 2 * 8);
        for (int i = 0; i < 2; ++i)
          for (int j = 0; j < 4; ++j) {
            const uint32_t b[2] = {fb[j / 2][j % 2 * 2], fb[j / 2][j % 2 * 2 + 1]};
            mma_16816<T>(sum[i][j], fa[i], b);
          }
      }
    }
    const float scale = part ? a.low_rank_scale : a.alpha;
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < 4; ++j)
        for (int e = 0; e < 4; ++e) total[i][j][e] += scale * sum[i][j][e];
  }
#pragma unroll
  for (int i = 0; i < 2; ++i)
#pragma unroll
    for (int j = 0; j < 4; ++j)
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const int64_t row = row0 + warp_row + 16 * i + lane / 4 + e / 2 * 8;
        const int64_t column = column0 + warp_column + 8 * j + lane % 4 * 2 + e % 2;
        if (row < a.m && column < a.n)
          store<1>(a.c.data, a.c.dtype, row * a.n + column, {{finished(a, row, column, total[i][j][e])}});
      }
}

// Threads of 16 x 8, each 4 rows by 8 columns.
__global__ void __launch_bounds__(kThreads) gemm_f32_kernel(CudaGemmArgs a) {
  constexpr int kPitchF32 = kStep + 1;
  ANNEAL_SHARED(float, tile_a, kTile* kPitchF32);
  ANNEAL_SHARED(float, tile_b, kTile* kPitchF32);
  const int64_t row0 = int64_t{blockIdx.y} * kTile, column0 = int64_t{blockIdx.x} * kTile;
  const int my_row = static_cast<int>(threadIdx.x) / 8, my_column = static_cast<int>(threadIdx.x) % 8;
  float total[4][8] = {};
  for (int part = 0; part < (a.low_rank ? 2 : 1); ++part) {
    const CudaMatrix& ma = part ? a.low_rank_a : a.a;
    const CudaMatrix& mb = part ? a.low_rank_b : a.b;
    float sum[4][8] = {};
    for (int64_t k0 = 0; k0 < ma.k; k0 += kStep) {
      __syncthreads();
      fill_tile(tile_a, kPitchF32, ma, row0, k0);
      fill_tile(tile_b, kPitchF32, mb, column0, k0);
      __syncthreads();
      for (int k = 0; k < kStep; ++k) {
        float x[4], y[8];
        for (int i = 0; i < 4; ++i) x[i] = tile_a[(my_row + 16 * i) * kPitchF32 + k];
        for (int j = 0; j < 8; ++j) y[j] = tile_b[(my_column + 8 * j) * kPitchF32 + k];
        for (int i = 0; i < 4; ++i)
          for (int j = 0; j < 8; ++j) sum[i][j] += x[i] * y[j];
      }
    }
    const float scale = part ? a.low_rank_scale : a.alpha;
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < 8; ++j) total[i][j] += scale * sum[i][j];
  }
#pragma unroll
  for (int i = 0; i < 4; ++i)
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      const int64_t row = row0 + my_row + 16 * i, column = column0 + my_column + 8 * j;
      if (row < a.m && column < a.n)
        store<1>(a.c.data, a.c.dtype, row * a.n + column, {{finished(a, row, column, total[i][j])}});
    }
}

}  // namespace

void gemm(Stream& stream, const CudaGemmArgs& a) {
  if (a.m == 0 || a.n == 0) return;
  // Rows of C lie in the grid's second dimension, which takes 65535 tiles: 4 million tokens.
  const dim3 grid(blocks_for<kTile>(a.n), blocks_for<kTile>(a.m));
  switch (a.operands) {
    case CudaOperands::kBf16: ANNEAL_RUN(stream, (gemm_mma_kernel<bf16>), grid, kThreads, 0, a); break;
    case CudaOperands::kF16: ANNEAL_RUN(stream, (gemm_mma_kernel<f16>), grid, kThreads, 0, a); break;
    case CudaOperands::kF32: ANNEAL_RUN(stream, gemm_f32_kernel, grid, kThreads, 0, a); break;
  }
}

}  // namespace anneal::cuda
