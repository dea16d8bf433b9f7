#include "ops/gemm/gemm_blocking.h"

#include <unistd.h>

#include <algorithm>

namespace anneal {

namespace {

constexpr int64_t kPassUnits = 4 * kBlockUnits;
constexpr int64_t kPanelBytes = int64_t{4} << 20;  // packed B of one column block stays in the last-level cache
constexpr int64_t kRowsBytes = int64_t{8} << 20;   // packed A of one row block
constexpr int64_t kFewPanels = 4;
constexpr int64_t kTaskRows = 128;  // more rows only make the sums of a task larger

// A core's own cache: half a MiB where the system does not tell.
int64_t l2_bytes() {
#if defined(_SC_LEVEL2_CACHE_SIZE)
  static const int64_t told = sysconf(_SC_LEVEL2_CACHE_SIZE);
#else
  constexpr int64_t told = 0;
#endif
  return told <= 0 ? int64_t{512} << 10 : std::clamp(told, int64_t{256} << 10, int64_t{2} << 20);
}

int64_t packed_row_bytes(int64_t units) { return ceil_div(units, kBlockUnits) * kRowUnits * 4; }
int64_t few_rows(const GemmKernels& g) { return round_up(56, g.mr); }

}  // namespace

int64_t gemm_pass_elements(const GemmKernels& g, int64_t k) {
  const int64_t most = kPassUnits * g.unit_elements;
  const int64_t passes = std::max<int64_t>(1, ceil_div(k, most));
  return std::clamp(round_up(ceil_div(k, passes), kCodecColumns), kCodecColumns, most);
}

GemmBlocking gemm_blocking(const GemmKernels& g, int64_t m, int64_t n, int64_t units, int64_t columns_step,
                           int threads) {
  GemmBlocking b{};
  const int64_t l2 = l2_bytes(), panel_bytes = units * g.nr * 4;
  b.row_bytes = packed_row_bytes(units);
  b.n_block = std::min(round_up(n, columns_step),
                       std::max(columns_step, kPanelBytes / (units * 4) / columns_step * columns_step));
  b.few = b.n_block >= n && n <= kFewPanels * g.nr;
  if (b.few) {
    b.m_block = b.task_rows = few_rows(g);
    b.task_panels = ceil_div(n, g.nr);
    return b;
  }
  const int64_t step_bytes = std::min(units, kBlockUnits) * 4;
  b.task_rows =
      std::min(std::clamp(l2 / 16 / step_bytes / g.mr, int64_t{1}, kTaskRows / g.mr) * g.mr, round_up(m, g.mr));
  b.m_block =
      std::min(round_up(m, g.mr), std::max<int64_t>(b.task_rows, kRowsBytes / b.row_bytes / b.task_rows * b.task_rows));
  // What is packed again for every block of the other: the cheaper order.
  const int64_t again_b = (ceil_div(m, b.m_block) - 1) * n,
                again_a = b.m_block >= m ? 0 : (ceil_div(n, b.n_block) - 1) * m;
  b.rows_outside = again_b < again_a;
  // Panels and sums within the L2, and enough tasks that the last ones finish together.
  const int64_t panels = ceil_div(std::min(n, b.n_block), g.nr),
                row_tasks = ceil_div(std::min(m, b.m_block), b.task_rows);
  const int64_t groups = std::clamp<int64_t>(ceil_div(threads > 1 ? 8 * threads : 1, row_tasks), 1, panels);
  b.task_panels = std::min({l2 / 2 / panel_bytes, l2 / 4 / (b.task_rows * g.nr * 4), ceil_div(panels, groups)});
  b.task_panels = std::max<int64_t>(1, b.task_panels);
  return b;
}

size_t gemm_blocking_bytes(const GemmKernels& g, int64_t m, int64_t n, int64_t units, int threads) {
  const int64_t row_bytes = packed_row_bytes(units), rows = round_up(m, g.mr), l2 = l2_bytes();
  const int64_t b = std::min(round_up(n, kCodecColumns) * units * 4, std::max(kPanelBytes, kCodecColumns * units * 4));
  const int64_t few = n <= kFewPanels * g.nr ? threads * few_rows(g) * (row_bytes + kFewPanels * g.nr * 4) : 0;
  const int64_t a = std::min(rows * row_bytes, std::max(kRowsBytes, round_up(kTaskRows, g.mr) * row_bytes));
  const int64_t sums =
      threads * std::min(rows * round_up(n, g.nr) * 4, std::max(l2 / 4, round_up(kTaskRows, g.mr) * g.nr * 4));
  return static_cast<size_t>(b + std::max(few, a + sums) + kRowUnits * 4);
}

}  // namespace anneal
