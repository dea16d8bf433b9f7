#include "ops/gemm_cpu.h"

#include <algorithm>

namespace anneal {

namespace {

// Sizes of the packed working set. Results do not depend on any of them: every element is one ordered sum over k.
constexpr int64_t kPassUnits = 12 * kBlockUnits;         // k is cut into passes of at most this many units
constexpr int64_t kPanelBytes = int64_t{4} << 20;        // packed B of one column block stays in the last-level cache
constexpr int64_t kRowsBytes = int64_t{8} << 20;         // packed A of one row block
constexpr int64_t kTaskRowsBytes = int64_t{320} << 10;   // rows of A one task walks over: a third of an L2
constexpr int64_t kFewPanels = 4;                        // so narrow a C packs A inside the task
constexpr int64_t kCodecColumns = 256;                   // block types are dequantised in runs of this many elements

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

// A run of k: elements [k0, k0+k) of an operand, packed from unit `unit` of the pass on.
struct Segment {
  const MatrixView* a;
  const MatrixView* b;
  float alpha;
  int64_t k0, k, unit;
};

struct Pass {
  Segment segments[2];
  int segment_count = 0;
  int64_t units = 0;
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
      : ctx_(ctx),
        p_(p),
        table_(kernels(ctx.isa)),
        g_(kernels_of(table_, p.options->precision)) {}

  void run() {
    const GemmOptions& o = *p_.options;
    const int64_t pass_k = kPassUnits * g_.unit_elements;
    const int64_t passes = std::max<int64_t>(1, ceil_div(p_.k, pass_k));
    ArenaScope scope(ctx_.scratch);
    Tensor partial = p_.c;
    if (passes > 1 && p_.c.dtype != DType::kF32) partial = ctx_.scratch.tensor(DType::kF32, {p_.m, p_.n});
    for (int64_t i = 0; i < passes; ++i) {
      Pass pass;
      const int64_t k0 = i * pass_k, k = std::min(pass_k, p_.k - k0);
      if (k > 0) add_segment(pass, {&p_.a, &p_.b, o.alpha, k0, k, 0});
      const bool last = i + 1 == passes;
      if (last && o.low_rank_a && o.low_rank_a.cols > 0)
        add_segment(pass, {&o.low_rank_a, &o.low_rank_b, o.low_rank_scale, 0, o.low_rank_a.cols, 0});
      pass.load = i > 0 || o.accumulate || o.start;
      pass.init = i > 0 ? partial : o.start ? o.start : p_.c;
      pass.dest = last ? p_.c : partial;
      pass.epilogue = last;
      run_pass(pass);
    }
  }

 private:
  void add_segment(Pass& pass, Segment s) {
    s.unit = pass.units;
    pass.segments[pass.segment_count++] = s;
    pass.units += ceil_div(s.k, g_.unit_elements);
  }

  static PackSource source(const MatrixView& v) { return {v.data, v.dtype, v.row_stride ? v.row_stride : v.cols}; }

  // Packs rows [i0, i0+rows) of every segment into a block laid out [block of units][block_rows][kRowUnits]; dst is the first of these rows.
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
             dst + (unit / kBlockUnits * block_rows) * kRowUnits + unit % kBlockUnits);
        done += k;
      }
    }
  }

  // Packs columns [j0, j0+columns) into panels of nr, each panel [unit][nr] over all units of the pass. j0 is a multiple of nr.
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
            codec.read(base + (j0 + j + row) * row_bytes + codec.bytes(seg.k0 + k0), dequantised + row * kCodecColumns, k);
          g_.pack_b({dequantised, DType::kF32, kCodecColumns}, 0, jj, 0, k,
                    dst + j / g_.nr * panel_units + (seg.unit + k0 / g_.unit_elements) * g_.nr);
        }
      }
      return;
    }
    // dequantised: (kMaxNr rows of k, kCodecColumns); the caller's column runs start on a block and rows are whole blocks.
    for (int64_t k0 = 0; k0 < seg.k; k0 += kMaxNr) {
      const int64_t k = std::min<int64_t>(kMaxNr, seg.k - k0);
      for (int64_t row = 0; row < k; ++row)
        codec.read(base + (seg.k0 + k0 + row) * row_bytes + codec.bytes(j0), dequantised + row * kCodecColumns, columns);
      for (int64_t j = 0; j < columns; j += g_.nr)
        g_.pack_b_transposed({dequantised, DType::kF32, kCodecColumns}, j, std::min<int64_t>(g_.nr, columns - j), 0, k,
                             dst + j / g_.nr * panel_units + (seg.unit + k0 / g_.unit_elements) * g_.nr);
    }
  }

  void run_tile(const Pass& pass, const uint32_t* a, int64_t block_rows, const uint32_t* b, int64_t i, int64_t j, int rows,
                int columns) const {
    const GemmOptions& o = *p_.options;
    const bool extras = pass.epilogue && (o.bias || o.residual);
    const bool same = !pass.load || pass.init.data == pass.dest.data;
    alignas(64) float buffer[kMaxMr * kMaxNr];
    float* c = buffer;
    int64_t ldc = g_.nr;
    const bool direct = pass.dest.dtype == DType::kF32 && !extras && same && columns % table_.lanes == 0;
    if (direct) {
      c = static_cast<float*>(pass.dest.data) + i * p_.n + j;
      ldc = p_.n;
    } else if (pass.load) {
      table_.load_tile(tile_store(pass.init, i, j, false), buffer, ldc, rows, columns);
    }
    bool load = pass.load;
    for (int64_t unit = 0; unit < pass.units; unit += kBlockUnits) {
      g_.tile(std::min(kBlockUnits, pass.units - unit), a + unit / kBlockUnits * block_rows * kRowUnits, b + unit * g_.nr, c,
              ldc, load, rows, columns);
      load = true;
    }
    if (pass.units == 0 && !pass.load) std::fill(buffer, buffer + kMaxMr * kMaxNr, 0.0f);
    if (!direct || pass.units == 0) {
      if (direct && pass.load) return;
      table_.store_tile(tile_store(pass.dest, i, j, pass.epilogue), buffer, g_.nr, rows, columns);
    }
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

  // All tiles of rows [0, rows) of the packed block `a` (row i0 of C) against panels [first, last).
  void run_tiles(const Pass& pass, const uint32_t* a, int64_t block_rows, int64_t row_begin, int64_t row_end, int64_t i0,
                 const uint32_t* panels, int64_t first, int64_t last, int64_t j0) const {
    for (int64_t panel = first; panel < last; ++panel) {
      const int64_t j = j0 + panel * g_.nr;
      const int columns = static_cast<int>(std::min<int64_t>(g_.nr, p_.n - j));
      for (int64_t row = row_begin; row < row_end; row += g_.mr) {
        const int rows = static_cast<int>(std::min<int64_t>(g_.mr, row_end - row));
        run_tile(pass, a + row * kRowUnits, block_rows, panels + panel * pass.units * g_.nr, i0 + row, j, rows, columns);
      }
    }
  }

  void run_pass(const Pass& pass) {
    ArenaScope scope(ctx_.scratch);
    const int threads = ctx_.pool.threads();
    const int64_t units = std::max<int64_t>(pass.units, 1);
    const int64_t row_bytes = ceil_div(units, kBlockUnits) * kRowUnits * 4;
    const bool codec = p_.b.codec != nullptr;
    // Block types fill whole runs of 256 columns at once when k runs down the rows.
    const int64_t pack_columns_step = codec && !p_.b_by_rows ? kCodecColumns : g_.nr;
    const int64_t n_block =
        std::min(round_up(p_.n, pack_columns_step),
                 std::max(pack_columns_step, kPanelBytes / (units * 4) / pack_columns_step * pack_columns_step));
    const int64_t task_rows = std::clamp(kTaskRowsBytes / row_bytes / g_.mr, int64_t{1}, int64_t{16}) * g_.mr;
    const bool few = n_block >= p_.n && p_.n <= kFewPanels * g_.nr;
    const int64_t m_block = few ? 4 * g_.mr : std::min(round_up(p_.m, g_.mr),
                                     std::max<int64_t>(g_.mr, kRowsBytes / row_bytes / task_rows * task_rows));

    uint32_t* packed_b = ctx_.scratch.allocate_array<uint32_t>(n_block * units);
    uint32_t* packed_a =
        ctx_.scratch.allocate_array<uint32_t>((few ? threads : 1) * m_block * (row_bytes / 4) + kRowUnits);
    float* dequantised = codec ? ctx_.scratch.allocate_array<float>(threads * kMaxNr * kCodecColumns) : nullptr;

    for (int64_t j0 = 0; j0 < p_.n; j0 += n_block) {
      const int64_t columns = std::min(n_block, p_.n - j0);
      const auto pack_b_task = [&](int64_t task, int worker) {
        const int64_t j = task * pack_columns_step;
        pack_columns(pass, j0 + j, std::min(pack_columns_step, columns - j), packed_b + j * pass.units,
                     codec ? dequantised + worker * kMaxNr * kCodecColumns : nullptr);
      };
      const int64_t b_tasks = ceil_div(columns, pack_columns_step);
      const int64_t panels = ceil_div(columns, g_.nr);
      if (few) {
        ctx_.pool.parallel_for(b_tasks, pack_b_task);
        ctx_.pool.parallel_for(ceil_div(p_.m, m_block), [&](int64_t task, int worker) {
          const int64_t i0 = task * m_block, rows = std::min(m_block, p_.m - i0);
          uint32_t* a = packed_a + worker * m_block * (row_bytes / 4);
          pack_rows(pass, i0, rows, a, rows);
          run_tiles(pass, a, rows, 0, rows, i0, packed_b, 0, panels, j0);
        });
        continue;
      }
      for (int64_t i0 = 0; i0 < p_.m; i0 += m_block) {
        const int64_t rows = std::min(m_block, p_.m - i0);
        const bool only = m_block >= p_.m;
        const bool pack_a = !only || j0 == 0;
        const int64_t a_tasks = pack_a ? ceil_div(rows, g_.mr) : 0;
        const int64_t pack_tasks = i0 == 0 ? b_tasks : 0;
        ctx_.pool.parallel_for(a_tasks + pack_tasks, [&](int64_t task, int worker) {
          if (task < pack_tasks) return pack_b_task(task, worker);
          const int64_t i = (task - pack_tasks) * g_.mr;
          pack_rows(pass, i0 + i, std::min<int64_t>(g_.mr, rows - i), packed_a + i * kRowUnits, rows);
        });
        // Tasks are row blocks x groups of panels, enough of them that the last ones finish together.
        const int64_t row_tasks = ceil_div(rows, task_rows);
        const int64_t groups = std::clamp<int64_t>(ceil_div(threads > 1 ? 8 * threads : 1, row_tasks), 1, panels);
        const int64_t group = ceil_div(panels, groups);
        ctx_.pool.parallel_for(row_tasks * groups, [&](int64_t task) {
          const int64_t r = task / groups * task_rows, first = task % groups * group;
          if (first >= panels) return;
          run_tiles(pass, packed_a, rows, r, std::min(r + task_rows, rows), i0, packed_b, first,
                    std::min(first + group, panels), j0);
        });
      }
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

size_t gemm_packed_scratch_bytes(const Context& ctx, GemmPrecision precision, int64_t m, int64_t n, int64_t k, int64_t r) {
  const KernelTable& table = kernels(ctx.isa);
  const GemmKernels& g = kernels_of(table, precision);
  const int64_t pass_k = kPassUnits * g.unit_elements;
  const int64_t units = ceil_div(std::min(k, pass_k), g.unit_elements) + ceil_div(r, g.unit_elements) + 1;
  const int64_t row_bytes = ceil_div(units, kBlockUnits) * kRowUnits * 4;
  const int64_t b = std::min(round_up(n, kCodecColumns) * units * 4, std::max(kPanelBytes, kCodecColumns * units * 4));
  const int64_t a = std::min(round_up(m, g.mr) * row_bytes, std::max(kRowsBytes, g.mr * row_bytes));
  const int64_t few = ctx.pool.threads() * 4 * g.mr * row_bytes;
  const int64_t partial = k > pass_k ? m * n * 4 : 0;
  const int64_t dequantised = ctx.pool.threads() * kMaxNr * kCodecColumns * 4;
  return static_cast<size_t>(b + std::max(a, few) + partial + dequantised + kRowUnits * 4 + 1024);
}

}  // namespace anneal
