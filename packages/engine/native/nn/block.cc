#include "nn/block.h"

#include <algorithm>
#include <cstring>

#include "ops/elementwise.h"

namespace anneal {

std::vector<const Linear*> Block::linears() const {
  std::vector<const Linear*> all;
  const_cast<Block*>(this)->for_each_linear([&](Linear& linear) { all.push_back(&linear); });
  return all;
}

bool Block::trains() const {
  const auto all = linears();
  return std::any_of(all.begin(), all.end(), [](const Linear* l) { return l->trains(); });
}

int64_t Block::max_low_columns() const {
  int64_t widest = 0;
  for (const Linear* l : linears()) widest = std::max(widest, l->saved_columns());
  return widest;
}

bool Block::has_dropout() const {
  const auto all = linears();
  return std::any_of(all.begin(), all.end(), [](const Linear* l) { return l->has_dropout(); });
}

int64_t Block::widest_input() const {
  int64_t widest = 0;
  for (const Linear* l : linears()) widest = std::max(widest, l->in());
  return widest;
}

size_t Block::scratch_bytes(const Context& ctx, GemmPrecision precision, int64_t tokens, int64_t, bool train) const {
  size_t most = 0;
  for (const Linear* l : linears()) {
    const int64_t rank = std::max<int64_t>(l->rank(), 1);
    size_t products = gemm_scratch_bytes(ctx, precision, tokens, l->out(), l->in(), l->rank());
    const auto product = [&](int64_t m, int64_t n, int64_t k, int64_t r = 0) {
      products = std::max(products, gemm_scratch_bytes(ctx, precision, m, n, k, r));
    };
    product(tokens, rank, l->in());
    if (train) {
      product(tokens, l->in(), l->out(), l->rank());
      product(tokens, rank, l->out());
      product(tokens, l->in(), rank);
      product(l->out(), rank, tokens);
      product(rank, l->in(), tokens);
      if (l->weight().trainable) product(l->out(), l->in(), tokens);
    }
    most = std::max({most, products + l->side_by_side_bytes(tokens), l->dora_scratch_bytes(ctx)});
  }
  return most;
}

void AttentionBlock::project_output(Pass& pass, const Linear& output, const Tensor& attended, Tensor out,
                                    const Tensor& residual, const Tensor& low, const Tensor& scratch,
                                    Workspace& w) const {
  if (!pass.rows) return output.forward(pass, attended, out, residual, low, w.dropped);
  Pass own = pass_of_rows(pass);
  const Tensor wanted = first_rows(scratch, own.tokens);
  gather_rows(pass.ctx, attended, pass.rows, wanted);
  output.forward(own, wanted, out, residual, low, w.dropped);
}

void AttentionBlock::project_output_backward(Pass& pass, const Linear& output, const Tensor& attended,
                                             const Tensor& dout, Tensor dattended, const Tensor& low,
                                             const Tensor& scratch, Workspace& w) const {
  if (!pass.rows) return output.backward(pass, attended, dout, dattended, false, low, w.dlow, w.dropped);
  Pass own = pass_of_rows(pass);
  const Tensor wanted = first_rows(scratch, own.tokens);
  output.backward_input(own, dout, dattended ? wanted : Tensor{}, false, w.dlow, w.dropped);
  if (dattended) {
    fill_zero(pass.ctx, dattended);
    scatter_rows(pass.ctx, wanted, pass.rows, dattended, false);
  }
  gather_rows(pass.ctx, attended, pass.rows, wanted);
  output.backward_parameters(own, wanted, dout, low, w.dlow, w.dropped);
}

void append_to_cache(Pass& pass, int64_t layer, const Tensor& k, const Tensor& v) {
  KvCache& cache = *pass.cache;
  const int32_t* offsets = pass.offsets.as<int32_t>();
  const int32_t* slots = cache.slots.as<int32_t>();
  const int64_t sequences = pass.offsets.shape[0] - 1;
  auto copy = [&](const Tensor& to, const Tensor& from, int64_t to_row, int64_t from_row, int64_t count) {
    const size_t row_bytes = dense_bytes(from.dtype, {from.cols()});
    std::memcpy(static_cast<char*>(to.data) + static_cast<size_t>(to_row) * row_bytes,
                static_cast<const char*>(from.data) + static_cast<size_t>(from_row) * row_bytes,
                static_cast<size_t>(count) * row_bytes);
  };
  for (int64_t s = 0; s < sequences; ++s) {
    const int64_t first = offsets[s], count = offsets[s + 1] - first;
    const int64_t cached = pass.mode == PassMode::kDecode ? cache.lengths.as<int32_t>()[s] - count : 0;
    const int64_t row = slots[s] * cache.capacity + cached;
    copy(cache.keys[static_cast<size_t>(layer)], k, row, first, count);
    copy(cache.values[static_cast<size_t>(layer)], v, row, first, count);
  }
}

}  // namespace anneal
