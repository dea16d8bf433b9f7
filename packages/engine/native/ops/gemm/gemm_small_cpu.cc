#include <algorithm>

#include "core/bf16.h"
#include "ops/check.h"
#include "ops/gemm/gemm_cpu.h"

namespace anneal {

namespace {

// Rows of A are padded to whole vectors of the widest ISA.
constexpr int64_t kPadding = 16;
// Columns of one tile, and weight bytes of one task: enough to be worth a hand-over, and many tasks in a layer.
constexpr int64_t kTileColumns = 32;
constexpr int64_t kTaskBytes = int64_t{128} << 10;
// Rows of a block weight that are taken at once: the sums of all lanes stay in the L1, and dequantised rows in a
// fraction of an L2.
constexpr int64_t kCodecRows = 8;
// The kernel asks for the lines of as many rows ahead: behind a thread's dequantised rows they must not be another
// thread's.
constexpr int64_t kRowsAhead = 4;
constexpr int64_t kMostLanes = 16;

int64_t padded(int64_t k) { return (k + kPadding - 1) / kPadding * kPadding; }

DType rounding_of(GemmPrecision precision) {
  return precision == GemmPrecision::kBF16  ? DType::kBF16
         : precision == GemmPrecision::kF16 ? DType::kF16
                                            : DType::kF32;
}

// A's rows times `factor` in f32, rounded to the type of the product's operands.
const float* prepare_rows(Context& ctx, const MatrixView& a, float factor, DType round) {
  const int64_t stride = padded(a.cols), source_stride = a.row_stride ? a.row_stride : a.cols;
  float* rows = ctx.scratch.allocate_array<float>(std::max<int64_t>(1, a.rows * stride));
  const auto move = kernels(ctx.isa).rows.move;
  uint16_t halves[256];
  for (int64_t i = 0; i < a.rows; ++i) {
    float* out = rows + i * stride;
    for (int64_t k = 0; k < a.cols; k += 256) {
      const int64_t n = std::min<int64_t>(256, a.cols - k);
      const ConstRef source{a.data, a.dtype};
      const Ref target{out, DType::kF32};
      if (round == DType::kBF16) {
        move(source, i * source_stride + k, {halves, DType::kBF16}, 0, n, factor, false);
        move({halves, DType::kBF16}, 0, target, k, n, 1.0f, false);
      } else {
        move(source, i * source_stride + k, target, k, n, factor, false);
        if (round == DType::kF16)
          for (int64_t e = 0; e < n; ++e) out[k + e] = to_f32(to_f16(out[k + e]));
      }
    }
    std::fill(out + a.cols, out + stride, 0.0f);
  }
  return rows;
}

DotSegment segment(Context& ctx, const MatrixView& a, const MatrixView& b, float factor, DType round) {
  return {prepare_rows(ctx, a, factor, round),  padded(a.cols), b.data, b.dtype,
          b.row_stride ? b.row_stride : b.cols, a.cols};
}

}  // namespace

bool gemm_is_small(const GemmProblem& p) { return p.m <= kSmallRows && !p.a_by_columns && p.b_by_rows; }

void gemm_small_cpu(Context& ctx, const GemmProblem& p) {
  if (p.m == 0 || p.n == 0) return;
  const GemmOptions& o = *p.options;
  const KernelTable& table = kernels(ctx.isa);
  ArenaScope scope(ctx.scratch);
  const DType round = rounding_of(o.precision);
  DotRowsArgs args{};
  args.rows = p.m;
  args.round_weights = round;
  args.segments[args.segment_count++] = segment(ctx, p.a, p.b, o.alpha, round);
  if (o.low_rank_a && o.low_rank_a.cols > 0)
    args.segments[args.segment_count++] = segment(ctx, o.low_rank_a, o.low_rank_b, o.low_rank_scale, round);

  const BlockCodec* codec = p.b.codec;
  // (Weights rounded to f16 are too rare in decoding for code of their own in every type.)
  const BlockDot dot = codec && round != DType::kF16 ? codec->dots.of(ctx.isa) : nullptr;
  const int64_t row_bytes = codec ? codec->bytes(p.k) : 0, dequantised_row = padded(p.k);
  const int64_t dequantised_rows = kCodecRows + kRowsAhead;
  float* dequantised = codec && !dot
                           ? ctx.scratch.allocate_array<float>(ctx.pool.threads() * dequantised_rows * dequantised_row)
                           : nullptr;
  // Rows [j, j + columns) of a block weight, expanded in registers or dequantised: the bits are those of dense rows of
  // the same values.
  const auto dot_blocks = [&](DotRowsArgs mine, int64_t j, int64_t columns, float* buffer) {
    alignas(64) float sums[kSmallRows * kCodecRows * kMostLanes];
    float* out = mine.out;
    const DotSegment base = mine.segments[0], low = mine.segments[1];
    for (int64_t c = 0; c < columns; c += kCodecRows) {
      const int64_t some = std::min(kCodecRows, columns - c);
      const std::byte* blocks = static_cast<const std::byte*>(p.b.data) + (j + c) * row_bytes;
      mine.segment_count = 0;
      if (dot) {
        dot({base.a, base.a_stride, p.m, p.k, codec->context, blocks, row_bytes, some, round, sums});
        mine.start = sums;
        mine.start_columns = some;
      } else {
        for (int64_t row = 0; row < some; ++row)
          codec->read(blocks + row * row_bytes, buffer + row * dequantised_row, p.k);
        mine.segments[mine.segment_count++] = {base.a, base.a_stride, buffer, DType::kF32, dequantised_row, p.k};
      }
      if (args.segment_count > 1) {
        const int64_t bytes = low.b_stride * (low.b_dtype == DType::kF32 ? 4 : 2);
        mine.segments[mine.segment_count] = low;
        mine.segments[mine.segment_count++].b = static_cast<const std::byte*>(low.b) + (j + c) * bytes;
      }
      mine.out = out + c;
      table.dot_rows(mine, 0, some);
    }
  };

  const int64_t element = p.c.dtype == DType::kF32 ? 4 : 2;
  const int64_t column_bytes = std::max<int64_t>(1, p.k) * (p.b.dtype == DType::kF32 ? 4 : 2);
  const int64_t grain = std::max<int64_t>(1, kTaskBytes / column_bytes / kTileColumns) * kTileColumns;
  ctx.pool.parallel_for((p.n + grain - 1) / grain, [&](int64_t task, int worker) {
    const int64_t begin = task * grain, end = std::min(p.n, begin + grain);
    alignas(64) float tile[kSmallRows * kTileColumns], before[kSmallRows * kTileColumns];
    for (int64_t j = begin; j < end; j += kTileColumns) {
      const int columns = static_cast<int>(std::min(kTileColumns, end - j)), rows = static_cast<int>(p.m);
      DotRowsArgs mine = args;
      mine.out = tile;
      mine.out_stride = kTileColumns;
      if (codec) dot_blocks(mine, j, columns, dequantised + (dot ? 0 : worker * dequantised_rows * dequantised_row));
      else table.dot_rows(mine, j, j + columns);
      TileStore store{};
      store.c = static_cast<std::byte*>(p.c.data) + j * element;
      store.dtype = p.c.dtype;
      store.ldc = p.n;
      if (o.accumulate || o.start) {
        TileStore from = store;
        if (o.start) {
          from.c = static_cast<std::byte*>(o.start.data) + j * (o.start.dtype == DType::kF32 ? 4 : 2);
          from.dtype = o.start.dtype;
        }
        table.load_tile(from, before, kTileColumns, rows, columns);
        for (int i = 0; i < rows; ++i)
          for (int c = 0; c < columns; ++c) tile[i * kTileColumns + c] += before[i * kTileColumns + c];
      }
      if (o.bias) {
        store.bias = static_cast<const std::byte*>(o.bias.data) + j * (o.bias.dtype == DType::kF32 ? 4 : 2);
        store.bias_dtype = o.bias.dtype;
      }
      if (o.residual) {
        store.residual = static_cast<const std::byte*>(o.residual.data) + j * (o.residual.dtype == DType::kF32 ? 4 : 2);
        store.residual_dtype = o.residual.dtype;
      }
      table.store_tile(store, tile, kTileColumns, rows, columns);
    }
  });
}

size_t gemm_small_scratch_bytes(const Context& ctx, int64_t m, int64_t k, int64_t r) {
  const int64_t dequantised = ctx.pool.threads() * (kCodecRows + kRowsAhead) * padded(k);
  return static_cast<size_t>((m * (padded(k) + padded(r)) + dequantised) * 4 + 256);
}

}  // namespace anneal
