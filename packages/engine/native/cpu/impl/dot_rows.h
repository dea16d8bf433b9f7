// A few rows of activations against many rows of a weight: each weight row is read once, where it lies. See
// cpu/kernel_table.h.
#pragma once
#include "cpu/impl/gemm.h"
#include "cpu/impl/weight_value.h"

namespace anneal::ANNEAL_ISA_NS {

// sums[i][j] += A rows . B rows, lane by lane: the order of an element's sum depends on k alone, not on its neighbours.
template <DType Round, int Rows, int Columns, class T>
ANNEAL_INLINE void dot_block(const float* a, int64_t a_stride, const T* b, int64_t b_stride, int64_t k,
                             Vf (&sums)[Rows][Columns]) {
  int64_t at = 0;
  for (; at + kLanes <= k; at += kLanes) {
    Vf w[Columns];
    if constexpr (Rows == 1 && Columns == 4) {
      // The weight's rows follow each other in memory: the next four come while these are multiplied. (A hint: past the
      // end it does nothing.)
#pragma GCC unroll 4
      for (int j = 0; j < Columns; ++j) __builtin_prefetch(b + (j + Columns) * b_stride + at);
    }
#pragma GCC unroll 4
    for (int j = 0; j < Columns; ++j) w[j] = weight_value<Round>(load_as<T>(b + j * b_stride + at));
#pragma GCC unroll 4
    for (int i = 0; i < Rows; ++i) {
      const Vf x = load(a + i * a_stride + at);
#pragma GCC unroll 4
      for (int j = 0; j < Columns; ++j) sums[i][j] += x * w[j];
    }
  }
  if (at == k) return;
  for (int j = 0; j < Columns; ++j) {
    const Vf w = weight_value<Round>(load_part<T>(b + j * b_stride + at, k - at));
    for (int i = 0; i < Rows; ++i) sums[i][j] += load(a + i * a_stride + at) * w;  // A is padded with zeros
  }
}

template <DType Round, int Rows, int Columns, class T>
ANNEAL_INLINE void dot_segment(const DotSegment& s, int64_t row, int64_t column, Vf (&sums)[Rows][Columns]) {
  dot_block<Round>(s.a + row * s.a_stride, s.a_stride, static_cast<const T*>(s.b) + column * s.b_stride, s.b_stride,
                   s.k, sums);
}

template <int Rows, int Columns, class T>
ANNEAL_INLINE void dot_rounded(const DotSegment& s, DType round, int64_t row, int64_t column,
                               Vf (&sums)[Rows][Columns]) {
  if (round == DType::kBF16) return dot_segment<DType::kBF16, Rows, Columns, T>(s, row, column, sums);
  if (round == DType::kF16) return dot_segment<DType::kF16, Rows, Columns, T>(s, row, column, sums);
  dot_segment<DType::kF32, Rows, Columns, T>(s, row, column, sums);
}

template <int Rows, int Columns>
ANNEAL_INLINE void dot_any(const DotSegment& s, DType round, int64_t row, int64_t column, Vf (&sums)[Rows][Columns]) {
  const DType wanted = s.b_dtype == round ? DType::kF32 : round;  // what is of the type already needs no rounding
  if (s.b_dtype == DType::kBF16) return dot_rounded<Rows, Columns, Bf16>(s, wanted, row, column, sums);
  if (s.b_dtype == DType::kF16) return dot_rounded<Rows, Columns, F16>(s, wanted, row, column, sums);
  dot_rounded<Rows, Columns, float>(s, wanted, row, column, sums);
}

template <int Rows, int Columns>
ANNEAL_INLINE void dot_tile(const DotRowsArgs& d, int64_t row, int64_t column, int64_t begin) {
  Vf sums[Rows][Columns] = {};
  if (d.start)
    for (int i = 0; i < Rows; ++i)
      for (int j = 0; j < Columns; ++j)
        sums[i][j] = load(d.start + ((row + i) * d.start_columns + column - begin + j) * kLanes);
  for (int s = 0; s < d.segment_count; ++s) dot_any(d.segments[s], d.round_weights, row, column, sums);
  for (int i = 0; i < Rows; ++i)
    for (int j = 0; j < Columns; ++j) d.out[(row + i) * d.out_stride + column - begin + j] = hsum(sums[i][j]);
}

// Columns in pairs, rows in fours; a single row takes four columns at once, so that the additions do not wait for each
// other.
inline void dot_rows(const DotRowsArgs& d, int64_t begin, int64_t end) {
  int64_t column = begin;
  if (d.rows == 1)
    for (; column + 4 <= end; column += 4) dot_tile<1, 4>(d, 0, column, begin);
  for (; column < end; column += 2) {
    const bool pair = column + 2 <= end;
    int64_t row = 0;
    for (; row + 4 <= d.rows; row += 4)
      pair ? dot_tile<4, 2>(d, row, column, begin) : dot_tile<4, 1>(d, row, column, begin);
    for (; row < d.rows; ++row) pair ? dot_tile<1, 2>(d, row, column, begin) : dot_tile<1, 1>(d, row, column, begin);
  }
}

}  // namespace anneal::ANNEAL_ISA_NS
