// A few rows of activations against rows of blocks, which are expanded in registers. Sums run lane by lane as in
// dot_rows.h, so that an element has the bits of a dense weight of the same values. For translation units without
// contraction of their own: the one product that is fused with its addition says so.
//
// A type describes its blocks (see quant/):
//   kElements, kBytes of a block; kGroup elements that are expanded at once, a multiple of 16
//   Head: what the groups of a block share; Head head(const void* context, const uint8_t* block)
//   expand<Round>(const Head&, const uint8_t* block, int group, Vf (&w)[kGroup / kLanes]): the group's weights in order
#pragma once
#include "cpu/block_dot.h"
#include "cpu/impl/weight_value.h"

namespace anneal::ANNEAL_ISA_NS {

// a * b + c as this ISA's kernels compute it.
ANNEAL_INLINE Vf multiply_add(Vf a, Vf b, Vf c) {
#if defined(__AVX512F__)
  return reinterpret_cast<Vf>(
      _mm512_fmadd_ps(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b), reinterpret_cast<__m512>(c)));
#elif defined(__FMA__)
  return reinterpret_cast<Vf>(
      _mm256_fmadd_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b), reinterpret_cast<__m256>(c)));
#elif defined(__FP_FAST_FMAF)
  for (int i = 0; i < kLanes; ++i) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return c;
#else
  return a * b + c;
#endif
}

template <class Blocks, DType Round, int Rows, int Columns>
__attribute__((noinline)) void dot_block_tile(const BlockDotArgs& d, int64_t row, int64_t column) {
  constexpr int kVectors = Blocks::kGroup / kLanes, kGroups = Blocks::kElements / Blocks::kGroup;
  const float* a = d.a + row * d.a_stride;
  const uint8_t* block = static_cast<const uint8_t*>(d.blocks) + column * d.row_bytes;
  Vf sums[Rows][Columns] = {};
  for (int64_t at = 0; at < d.k; at += Blocks::kElements, block += Blocks::kBytes) {
    typename Blocks::Head heads[Columns];
#pragma GCC unroll 4
    for (int j = 0; j < Columns; ++j) {
      // The weight's rows follow each other in memory: the next ones come while these are multiplied. (A hint: past the
      // end it does nothing.)
      for (int64_t line = 0; line < Blocks::kBytes; line += 64)
        __builtin_prefetch(block + (j + Columns) * d.row_bytes + line);
      heads[j] = Blocks::head(d.context, block + j * d.row_bytes);
    }
    for (int group = 0; group < kGroups; ++group) {
      const float* x = a + at + group * Blocks::kGroup;
#pragma GCC unroll 4
      for (int j = 0; j < Columns; ++j) {
        Vf w[kVectors];
        Blocks::template expand<Round>(heads[j], block + j * d.row_bytes, group, w);
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v)
#pragma GCC unroll 4
          for (int i = 0; i < Rows; ++i)
            sums[i][j] = multiply_add(load(x + i * d.a_stride + v * kLanes), w[v], sums[i][j]);
      }
    }
  }
  for (int i = 0; i < Rows; ++i)
    for (int j = 0; j < Columns; ++j) store(d.sums + ((row + i) * d.columns + column + j) * kLanes, sums[i][j]);
}

// A single row takes four columns at once, so that the additions do not wait for each other; more rows share what was
// expanded.
template <class Blocks, DType Round>
inline void dot_blocks_rounded(const BlockDotArgs& d) {
  int64_t column = 0;
  if (d.rows == 1)
    for (; column + 4 <= d.columns; column += 4) dot_block_tile<Blocks, Round, 1, 4>(d, 0, column);
  for (; column + 2 <= d.columns; column += 2) {
    int64_t row = 0;
    for (; row + 4 <= d.rows; row += 4) dot_block_tile<Blocks, Round, 4, 2>(d, row, column);
    for (; row + 2 <= d.rows; row += 2) dot_block_tile<Blocks, Round, 2, 2>(d, row, column);
    for (; row < d.rows; ++row)
      for (int64_t j = column; j < column + 2; ++j) dot_block_tile<Blocks, Round, 1, 1>(d, row, j);
  }
  for (; column < d.columns; ++column)
    for (int64_t row = 0; row < d.rows; ++row) dot_block_tile<Blocks, Round, 1, 1>(d, row, column);
}

template <class Blocks>
inline void dot_blocks(const BlockDotArgs& d) {
  d.round_weights == DType::kBF16 ? dot_blocks_rounded<Blocks, DType::kBF16>(d)
                                  : dot_blocks_rounded<Blocks, DType::kF32>(d);
}

// `elements` values as the file means them.
template <class Blocks>
inline void read_blocks(const void* context, const void* blocks, float* __restrict out, int64_t elements) {
  constexpr int kVectors = Blocks::kGroup / kLanes, kGroups = Blocks::kElements / Blocks::kGroup;
  const uint8_t* block = static_cast<const uint8_t*>(blocks);
  for (int64_t at = 0; at < elements; at += Blocks::kElements, block += Blocks::kBytes) {
    const typename Blocks::Head head = Blocks::head(context, block);
    for (int group = 0; group < kGroups; ++group, out += Blocks::kGroup) {
      Vf w[kVectors];
      Blocks::template expand<DType::kF32>(head, block, group, w);
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) store(out + v * kLanes, w[v]);
    }
  }
}

}  // namespace anneal::ANNEAL_ISA_NS
