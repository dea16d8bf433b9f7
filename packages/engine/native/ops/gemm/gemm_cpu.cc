#include "ops/gemm/gemm_cpu.h"

#include <algorithm>

#include "ops/gemm/gemm_blocking.h"

namespace anneal {

namespace {

// A run of k: elements [k0, k0+k) of an operand, packed from unit `unit` of the pass on.
struct Segment {
  const MatrixView* a;
  const MatrixView* b;
  float alpha;
  int64_t k0, k, unit, units;
};

struct Pass {
  Segment segments[2];
  int segment_count = 0;
  int64_t units = 0;      // of a packed panel
  bool load = false;      // sums start from `init` instead of zero
  Tensor init, dest;      // (m,n); init only when load
  bool epilogue = false;  // bias and residual belong to the last pass
};

const GemmKernels& kernels_of(const KernelTable& table, GemmPrecision precision) {
  switch (precision) {
    case GemmPrecision::kBF16: return table.bf16;
    case GemmPrecision::kF16: return table.f16;
    default: return table.f32;
  }
}

int64_t element_bytes(DType d) { return d == DType::kF32 ? 4 : 2; }

class Driver {
 public:
  Driver(Context& ctx, const GemmProblem& p)
      : ctx_(ctx), p_(p), table_(kernels(ctx.isa)), g_(kernels_of(table_, p.options->precision)) {}

  void run() {
    const GemmOptions& o = *p_.options;
    const int64_t pass_k = gemm_pass_elements(g_, p_.k);
    const int64_t passes = std::max<int64_t>(1, ceil_div(p_.k, pass_k));
    ArenaScope scope(ctx_.scratch);
    Tensor partial = p_.c;
    if (passes > 1 && p_.c.dtype != DType::kF32) partial = ctx_.scratch.tensor(DType::kF32, {p_.m, p_.n});
    for (int64_t i = 0; i < passes; ++i) {
      Pass pass;
      const int64_t k0 = i * pass_k, k = std::min(pass_k, p_.k - k0);
      if (k > 0) add_segment(pass, {&p_.a, &p_.b, o.alpha, k0, k, 0, 0});
      const bool last = i + 1 == passes;
      if (last && o.low_rank_a && o.low_rank_a.cols > 0)
        add_segment(pass, {&o.low_rank_a, &o.low_rank_b, o.low_rank_scale, 0, o.low_rank_a.cols, 0, 0});
      pass.load = i > 0 || o.accumulate || o.start;
      pass.init = i > 0 ? partial : o.start ? o.start : p_.c;
      pass.dest = last ? p_.c : partial;
      pass.epilogue = last;
      run_pass(pass);
    }
  }

 private:
  void add_segment(Pass& pass, Segment s) {
    // Sums must not depend on whether the low-rank part comes in the same call: adapters side by side add it in one of
    // its own.
    s.unit = pass.units;
    s.units = ceil_div(s.k, g_.unit_elements);
    pass.segments[pass.segment_count++] = s;
    pass.units = s.unit + g_.panel_units(s.units);
  }

  static PackSource source(const MatrixView& v) { return {v.data, v.dtype, v.row_stride ? v.row_stride : v.cols}; }

  // Packs rows [i0, i0+rows) of every segment into a block laid out [block of units][block_rows][kRowUnits]; dst is the
  // first of these rows. block_rows is a multiple of mr.
  void pack_rows(const Pass& pass, int64_t i0, int64_t rows, uint32_t* dst, int64_t block_rows) const {
    for (int s = 0; s < pass.segment_count; ++s) {
      const Segment& seg = pass.segments[s];
      const PackSource src = source(*seg.a);
      const auto pack = p_.a_by_columns ? g_.pack_a_transposed : g_.pack_a;
      for (int64_t done = 0; done < seg.k;) {
        const int64_t unit = seg.unit + done / g_.unit_elements;
        const int64_t room = (kBlockUnits - unit % kBlockUnits) * g_.unit_elements;
        const int64_t k = std::min(room, seg.k - done);
        pack(src, i0, rows, seg.k0 + done, k, seg.alpha,
             dst + (unit / kBlockUnits * block_rows) * kRowUnits + unit % kBlockUnits * g_.a_unit_stride);
        done += k;
      }
    }
  }

  // Packs columns [j0, j0+columns) into panels of nr, each panel [unit][nr] over all units of the pass. j0 is a
  // multiple of nr.
  void pack_columns(const Pass& pass, int64_t j0, int64_t columns, uint32_t* dst, float* dequantised) const {
    const int64_t panel_units = pass.units * g_.nr;
    for (int s = 0; s < pass.segment_count; ++s) {
      const Segment& seg = pass.segments[s];
      if (seg.b->codec) {
        pack_codec_columns(pass, seg, j0, columns, dst, dequantised);
        continue;
      }
      const PackSource src = source(*seg.b);
      const auto pack = p_.b_by_rows ? g_.pack_b : g_.pack_b_transposed;
      for (int64_t j = 0; j < columns; j += g_.nr) {
        pack(src, j0 + j, std::min<int64_t>(g_.nr, columns - j), seg.k0, seg.k,
             dst + j / g_.nr * panel_units + seg.unit * g_.nr);
      }
    }
  }

  void pack_codec_columns(const Pass& pass, const Segment& seg, int64_t j0, int64_t columns, uint32_t* dst,
                          float* dequantised) const {
    const BlockCodec& codec = *seg.b->codec;
    const int64_t row_bytes = codec.bytes(seg.b->cols);
    const std::byte* base = static_cast<const std::byte*>(seg.b->data);
    const int64_t panel_units = pass.units * g_.nr;
    if (p_.b_by_rows) {
      // dequantised: (nr, kCodecColumns). Passes are whole numbers of 256 elements, so runs start on a block.
      for (int64_t j = 0; j < columns; j += g_.nr) {
        const int64_t jj = std::min<int64_t>(g_.nr, columns - j);
        for (int64_t k0 = 0; k0 < seg.k; k0 += kCodecColumns) {
          const int64_t k = std::min(kCodecColumns, seg.k - k0);
          for (int64_t row = 0; row < jj; ++row)
            codec.read(base + (j0 + j + row) * row_bytes + codec.bytes(seg.k0 + k0), dequantised + row * kCodecColumns,
                       k);
          g_.pack_b({dequantised, DType::kF32, kCodecColumns}, 0, jj, 0, k,
                    dst + j / g_.nr * panel_units + (seg.unit + k0 / g_.unit_elements) * g_.nr);
        }
      }
      return;
    }
    // dequantised: (kMaxNr rows of k, kCodecColumns); the caller's column runs start on a block and rows are whole
    // blocks.
    for (int64_t k0 = 0; k0 < seg.k; k0 += kMaxNr) {
      const int64_t k = std::min<int64_t>(kMaxNr, seg.k - k0);
      for (int64_t row = 0; row < k; ++row)
        codec.read(base + (seg.k0 + k0 + row) * row_bytes + codec.bytes(j0), dequantised + row * kCodecColumns,
                   columns);
      for (int64_t j = 0; j < columns; j += g_.nr)
        g_.pack_b_transposed({dequantised, DType::kF32, kCodecColumns}, j, std::min<int64_t>(g_.nr, columns - j), 0, k,
                             dst + j / g_.nr * panel_units + (seg.unit + k0 / g_.unit_elements) * g_.nr);
    }
  }

  // Rows [row_begin, row_end) of the packed block `a` (its row 0 is row i0 of C) against panels [first, last): a step
  // of k at a time, so that the rows of a tile stay in the L1 and the panels in the L2. `sums` has room for the task's
  // part of C.
  void run_task(const Pass& pass, const uint32_t* a, int64_t block_rows, int64_t row_begin, int64_t row_end, int64_t i0,
                const uint32_t* panels, int64_t first, int64_t last, int64_t j0, float* sums) const {
    const GemmOptions& o = *p_.options;
    const int64_t i = i0 + row_begin, j = j0 + first * g_.nr;
    const int rows = static_cast<int>(row_end - row_begin);
    const int columns = static_cast<int>(std::min((last - first) * g_.nr, p_.n - j));
    const bool extras = pass.epilogue && (o.bias || o.residual);
    const bool same = !pass.load || pass.init.data == pass.dest.data;
    const bool direct = pass.dest.dtype == DType::kF32 && !extras && same && columns % table_.lanes == 0;
    float* c = sums;
    int64_t ldc = (last - first) * g_.nr;
    if (direct) {
      c = static_cast<float*>(pass.dest.data) + i * p_.n + j;
      ldc = p_.n;
    } else if (pass.load) {
      table_.load_tile(tile_store(pass.init, i, j, false), c, ldc, rows, columns);
    }
    for (int s = 0; s < pass.segment_count; ++s) {
      const int64_t end = pass.segments[s].unit + pass.segments[s].units;
      for (int64_t unit = pass.segments[s].unit, units = 0; unit < end; unit += units) {
        units = std::min(kBlockUnits - unit % kBlockUnits, end - unit);
        const uint32_t* step_a =
            a + unit / kBlockUnits * block_rows * kRowUnits + unit % kBlockUnits * g_.a_unit_stride;
        for (int row = 0; row < rows; row += g_.mr) {
          const int some = std::min(g_.mr, rows - row);
          for (int column = 0; column < columns; column += g_.nr) {
            g_.tile(units, step_a + (row_begin + row) * kRowUnits,
                    panels + (first + column / g_.nr) * pass.units * g_.nr + unit * g_.nr, c + row * ldc + column, ldc,
                    pass.load || unit > 0, some, std::min(g_.nr, columns - column));
          }
        }
      }
    }
    if (pass.units == 0 && !pass.load)
      for (int row = 0; row < rows; ++row) std::fill(c + row * ldc, c + row * ldc + columns, 0.0f);
    if (!direct) table_.store_tile(tile_store(pass.dest, i, j, pass.epilogue), c, ldc, rows, columns);
  }

  TileStore tile_store(const Tensor& c, int64_t i, int64_t j, bool epilogue) const {
    const GemmOptions& o = *p_.options;
    TileStore s{};
    s.c = static_cast<std::byte*>(const_cast<void*>(c.data)) + (i * p_.n + j) * element_bytes(c.dtype);
    s.dtype = c.dtype;
    s.ldc = p_.n;
    if (epilogue && o.bias) {
      s.bias = static_cast<const std::byte*>(o.bias.data) + j * element_bytes(o.bias.dtype);
      s.bias_dtype = o.bias.dtype;
    }
    if (epilogue && o.residual) {
      s.residual = static_cast<const std::byte*>(o.residual.data) + (i * p_.n + j) * element_bytes(o.residual.dtype);
      s.residual_dtype = o.residual.dtype;
    }
    return s;
  }

  void run_pass(const Pass& pass) {
    ArenaScope scope(ctx_.scratch);
    const int threads = ctx_.pool.threads();
    const int64_t units = std::max<int64_t>(pass.units, 1);
    const bool codec = p_.b.codec != nullptr;
    // Block types fill whole runs of 256 columns at once when k runs down the rows.
    const int64_t columns_step = codec && !p_.b_by_rows ? kCodecColumns : g_.nr;
    const GemmBlocking blocking = gemm_blocking(g_, p_.m, p_.n, units, columns_step, threads);
    const int64_t m_block = blocking.m_block, n_block = blocking.n_block, row_words = blocking.row_bytes / 4;

    uint32_t* packed_b = ctx_.scratch.allocate_array<uint32_t>(n_block * units);
    uint32_t* packed_a =
        ctx_.scratch.allocate_array<uint32_t>((blocking.few ? threads : 1) * m_block * row_words + kRowUnits);
    float* dequantised = codec ? ctx_.scratch.allocate_array<float>(threads * kMaxNr * kCodecColumns) : nullptr;
    const int64_t task_sums = blocking.task_rows * blocking.task_panels * g_.nr;
    float* sums = ctx_.scratch.allocate_array<float>(threads * task_sums);

    const auto pack_b_task = [&](int64_t j0, int64_t columns, int64_t task, int worker) {
      const int64_t j = task * columns_step;
      pack_columns(pass, j0 + j, std::min(columns_step, columns - j), packed_b + j * pass.units,
                   codec ? dequantised + worker * kMaxNr * kCodecColumns : nullptr);
    };
    if (blocking.few) {
      ctx_.pool.parallel_for(ceil_div(p_.n, columns_step),
                             [&](int64_t task, int worker) { pack_b_task(0, p_.n, task, worker); });
      ctx_.pool.parallel_for(ceil_div(p_.m, m_block), [&](int64_t task, int worker) {
        const int64_t i0 = task * m_block, rows = std::min(m_block, p_.m - i0);
        uint32_t* a = packed_a + worker * m_block * row_words;
        pack_rows(pass, i0, rows, a, m_block);
        const TileScope tiles(g_);
        run_task(pass, a, m_block, 0, rows, i0, packed_b, 0, ceil_div(p_.n, g_.nr), 0, sums + worker * task_sums);
      });
      return;
    }
    const int64_t m_blocks = ceil_div(p_.m, m_block), n_blocks = ceil_div(p_.n, n_block);
    int64_t packed_m = -1, packed_n = -1;  // the blocks that are packed
    for (int64_t step = 0; step < m_blocks * n_blocks; ++step) {
      const int64_t mb = blocking.rows_outside ? step / n_blocks : step % m_blocks;
      const int64_t nb = blocking.rows_outside ? step % n_blocks : step / m_blocks;
      const int64_t i0 = mb * m_block, rows = std::min(m_block, p_.m - i0), block_rows = round_up(rows, g_.mr);
      const int64_t j0 = nb * n_block, columns = std::min(n_block, p_.n - j0);
      const int64_t a_tasks = mb == packed_m ? 0 : ceil_div(rows, g_.mr);
      const int64_t b_tasks = nb == packed_n ? 0 : ceil_div(columns, columns_step);
      ctx_.pool.parallel_for(a_tasks + b_tasks, [&](int64_t task, int worker) {
        if (task < b_tasks) return pack_b_task(j0, columns, task, worker);
        const int64_t i = (task - b_tasks) * g_.mr;
        pack_rows(pass, i0 + i, std::min<int64_t>(g_.mr, rows - i), packed_a + i * kRowUnits, block_rows);
      });
      packed_m = mb;
      packed_n = nb;
      // A group of panels meets all row tasks one after the other.
      const int64_t panels = ceil_div(columns, g_.nr);
      const int64_t row_tasks = ceil_div(rows, blocking.task_rows), groups = ceil_div(panels, blocking.task_panels);
      const int64_t group = ceil_div(panels, groups);
      ctx_.pool.parallel_for(row_tasks * groups, [&](int64_t task, int worker) {
        const int64_t r = task % row_tasks * blocking.task_rows, first = task / row_tasks * group;
        if (first >= panels) return;
        const TileScope tiles(g_);
        run_task(pass, packed_a, block_rows, r, std::min(r + blocking.task_rows, rows), i0, packed_b, first,
                 std::min(first + group, panels), j0, sums + worker * task_sums);
      });
    }
  }

  Context& ctx_;
  const GemmProblem& p_;
  const KernelTable& table_;
  const GemmKernels& g_;
};

}  // namespace

void gemm_packed_cpu(Context& ctx, const GemmProblem& problem) {
  if (problem.m == 0 || problem.n == 0) return;
  Driver(ctx, problem).run();
}

size_t gemm_packed_scratch_bytes(const Context& ctx, GemmPrecision precision, int64_t m, int64_t n, int64_t k,
                                 int64_t r) {
  const GemmKernels& g = kernels_of(kernels(ctx.isa), precision);
  const int threads = ctx.pool.threads();
  const int64_t pass_k = gemm_pass_elements(g, k);
  const auto panel = [&](int64_t elements) { return g.panel_units(ceil_div(elements, g.unit_elements)); };
  const int64_t units = std::max<int64_t>(1, panel(std::min(k, pass_k)) + panel(r));
  const int64_t partial = k > pass_k ? m * n * 4 : 0;
  const int64_t dequantised = threads * kMaxNr * kCodecColumns * 4;
  return gemm_blocking_bytes(g, m, n, units, threads) + static_cast<size_t>(partial + dequantised + 1024);
}

}  // namespace anneal
