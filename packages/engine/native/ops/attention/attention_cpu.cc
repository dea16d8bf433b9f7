#include "ops/attention/attention_cpu.h"

#include <algorithm>
#include <cmath>

#include "cpu/kernel_table.h"
#include "ops/check.h"
#include "ops/gemm/gemm_blocking.h"

namespace anneal {

namespace {

// Sequences up to this length are one task per kv head, packed inside the task; longer ones are packed first, then
// shared by many tasks.
constexpr int64_t kShortTokens = 384;
constexpr int64_t kKeyBlock = 384;          // keys per online-softmax block: one packed row of P
constexpr int64_t kBackwardKeyBlock = 128;  // keys per backward block: P and dS stay in the L2
constexpr int64_t kPanelsPerBlock = 4;      // query rows per block, in microkernel panels

// One kv head of one sequence, packed for the microkernel. "rows": keys are columns of B, units run over channels.
// "columns": channels are columns of B, units run over keys.
struct PackedKv {
  uint32_t* key_rows = nullptr;
  uint32_t* value_columns = nullptr;
  uint32_t* value_rows = nullptr;   // backward only
  uint32_t* key_columns = nullptr;  // backward only
};

// Scratch of one worker.
struct Workspace {
  PackedKv packed;     // of a short sequence
  uint32_t* query;     // packed rows of Q
  uint32_t* gradient;  // packed rows of dO
  uint32_t* left;      // packed P, dS or their transposes
  float* scores;       // (block rows, kRowUnits)
  float* dscores;
  float* output;            // (block rows, padded channels): O or dQ
  uint32_t* query_columns;  // Q and dO of a head with units over queries; backward only
  uint32_t* gradient_columns;
  float* delta;  // (tokens)
  float* dkey;   // (tokens, padded channels) of a short sequence
  float* dvalue;
};

class Attention {
 public:
  Attention(Context& ctx, const AttentionTensors& t, const AttentionOptions& o)
      : ctx_(ctx),
        t_(t),
        o_(o),
        table_(kernels(ctx.isa)),
        g_(o.bf16_products ? table_.bf16 : table_.f32),
        d_(o.head_size),
        dv_(o.value_head_size > 0 ? o.value_head_size : o.head_size),
        d_units_(ceil_div(d_, g_.unit_elements)),
        dv_units_(ceil_div(dv_, g_.unit_elements)),
        d_padded_(round_up(d_, g_.nr)),
        dv_padded_(round_up(dv_, g_.nr)),
        block_rows_(kPanelsPerBlock * g_.mr),
        group_(o.query_heads / o.kv_heads) {}

  int64_t units(int64_t tokens) const { return ceil_div(tokens, g_.unit_elements); }
  int64_t rows_size(int64_t tokens, int64_t channel_units) const {
    return round_up(tokens, g_.nr) * g_.panel_units(channel_units);
  }
  int64_t columns_size(int64_t tokens, int64_t padded) const { return g_.panel_units(units(tokens)) * padded; }

  template <class Take>
  void take_packed(PackedKv& p, int64_t tokens, bool backward, Take&& take) const {
    p.key_rows = static_cast<uint32_t*>(take(rows_size(tokens, d_units_)));
    p.value_columns = static_cast<uint32_t*>(take(columns_size(tokens, dv_padded_)));
    if (!backward) return;
    p.value_rows = static_cast<uint32_t*>(take(rows_size(tokens, dv_units_)));
    p.key_columns = static_cast<uint32_t*>(take(columns_size(tokens, d_padded_)));
  }

  // `take` hands out 4-byte elements; used for real and, with a counter, for the plan.
  template <class Take>
  Workspace take_workspace(int64_t longest, bool backward, Take&& take) const {
    const int64_t short_tokens = std::min(longest, kShortTokens);
    const int64_t widest = std::max(d_padded_, dv_padded_);
    Workspace w{};
    take_packed(w.packed, short_tokens, backward, take);
    w.query = static_cast<uint32_t*>(take(block_rows_ * kRowUnits));
    w.scores = static_cast<float*>(take(block_rows_ * kRowUnits));
    w.output = static_cast<float*>(take(block_rows_ * widest));
    w.left = static_cast<uint32_t*>(
        take(std::max(block_rows_, backward ? round_up(kBackwardKeyBlock, g_.mr) : 0) * kRowUnits));
    if (!backward) return w;
    w.gradient = static_cast<uint32_t*>(take(block_rows_ * kRowUnits));
    w.dscores = static_cast<float*>(take(block_rows_ * kRowUnits));
    w.query_columns = static_cast<uint32_t*>(take(columns_size(longest, d_padded_)));
    w.gradient_columns = static_cast<uint32_t*>(take(columns_size(longest, dv_padded_)));
    w.delta = static_cast<float*>(take(longest));
    w.dkey = static_cast<float*>(take(short_tokens * d_padded_));
    w.dvalue = static_cast<float*>(take(short_tokens * dv_padded_));
    return w;
  }

  auto take_from_scratch() const {
    return [this](int64_t n) -> void* { return ctx_.scratch.allocate_array<uint32_t>(n); };
  }

  void pack_kv(const PackedKv& p, int64_t first, int64_t tokens, int64_t kv_head, bool backward) const {
    pack_rows(t_.k, first, tokens, kv_head * d_, d_, d_units_, p.key_rows);
    pack_columns(t_.v, first, tokens, kv_head * dv_, dv_, p.value_columns);
    if (!backward) return;
    pack_rows(t_.v, first, tokens, kv_head * dv_, dv_, dv_units_, p.value_rows);
    pack_columns(t_.k, first, tokens, kv_head * d_, d_, p.key_columns);
  }

  // Queries [q_begin, q_end) of a sequence that starts at token `first`.
  void forward_head(const Workspace& w, const PackedKv& p, int64_t first, int64_t tokens, int64_t head, int64_t q_begin,
                    int64_t q_end) const {
    const TileScope tiles(g_);
    const PackSource q = source(t_.q);
    float maximum[kMaxMr], sum[kMaxMr], rescale[kMaxMr];
    for (int64_t q0 = q_begin; q0 < q_end; q0 += g_.mr) {
      const int rows = static_cast<int>(std::min<int64_t>(g_.mr, q_end - q0));
      const PackSource at{element(t_.q, (first + q0) * t_.q.cols() + head * d_), q.dtype, q.row_stride};
      g_.pack_a(at, 0, rows, 0, d_, 1.0f, w.query);
      std::fill(maximum, maximum + rows, -INFINITY);
      std::fill(sum, sum + rows, 0.0f);
      const int64_t key_end = q0 + rows;
      const int64_t key_begin = o_.window > 0 && q0 + 1 > o_.window ? (q0 + 1 - o_.window) / g_.nr * g_.nr : 0;
      bool started = false;
      for (int64_t block = key_begin / kKeyBlock * kKeyBlock; block < key_end; block += kKeyBlock) {
        const int64_t begin = std::max(block, key_begin) - block, end = std::min(kKeyBlock, key_end - block);
        for (int64_t j = begin; j < end; j += g_.nr)
          g_.tile(d_units_, w.query, p.key_rows + (block + j) * g_.panel_units(d_units_), w.scores + j, kRowUnits,
                  false, rows, g_.nr);
        const ScoreBlock scores{w.scores, kRowUnits, rows, begin, end, q0, block, o_.window, o_.scale, o_.soft_cap};
        table_.attention.softmax_block(scores, maximum, sum, rescale);
        if (started) {
          for (int i = 0; i < rows; ++i)
            if (rescale[i] != 1.0f)
              table_.rows.move({w.output + i * dv_padded_, DType::kF32}, 0, {w.output + i * dv_padded_, DType::kF32}, 0,
                               dv_padded_, rescale[i], false);
        }
        const uint32_t* left = pack_left(w.scores, begin, end - begin, rows, w.left);
        multiply_columns(left, units(end - begin), p.value_columns, g_.panel_units(units(tokens)),
                         (block + begin) / g_.unit_elements, dv_padded_, w.output, dv_padded_, started, rows);
        started = true;
      }
      for (int i = 0; i < rows; ++i) {
        const int64_t token = first + q0 + i;
        static_cast<float*>(t_.lse.data)[token * o_.query_heads + head] = maximum[i] + std::log(sum[i]);
        table_.rows.move({w.output + i * dv_padded_, DType::kF32}, 0, ref(t_.out), token * t_.out.cols() + head * dv_,
                         dv_, 1.0f / sum[i], false);
      }
    }
  }

  // Adds this head's part to dkey, dvalue (tokens, padded) and writes dq.
  void backward_head(const Workspace& w, const PackedKv& p, int64_t first, int64_t tokens, int64_t head, float* dkey,
                     float* dvalue) const {
    const TileScope tiles(g_);
    const int64_t panel_units = g_.panel_units(units(tokens));
    pack_columns(t_.q, first, tokens, head * d_, d_, w.query_columns);
    pack_columns(t_.dout, first, tokens, head * dv_, dv_, w.gradient_columns);
    for (int64_t i = 0; i < tokens; ++i) {
      const int64_t at = (first + i) * t_.out.cols() + head * dv_;
      w.delta[i] = table_.attention.dot(const_ref(t_.out), at, const_ref(t_.dout), at, dv_);
    }
    for (int64_t q0 = 0; q0 < tokens; q0 += block_rows_) {
      const int64_t rows = std::min(block_rows_, tokens - q0), key_end = q0 + rows;
      const int64_t key_begin = o_.window > 0 && q0 + 1 > o_.window ? (q0 + 1 - o_.window) / g_.nr * g_.nr : 0;
      pack_queries(t_.q, first + q0, rows, head * d_, d_, w.query);
      pack_queries(t_.dout, first + q0, rows, head * dv_, dv_, w.gradient);
      bool started = false;
      for (int64_t block = key_begin / kBackwardKeyBlock * kBackwardKeyBlock; block < key_end;
           block += kBackwardKeyBlock) {
        const int64_t begin = std::max(block, key_begin) - block, end = std::min(kBackwardKeyBlock, key_end - block);
        products(w.query, d_units_, p.key_rows, block, begin, end, q0, rows, w.scores);
        products(w.gradient, dv_units_, p.value_rows, block, begin, end, q0, rows, w.dscores);
        const ScoreBlock scores{w.scores, kRowUnits, rows, begin, end, q0, block, o_.window, o_.scale, o_.soft_cap};
        table_.attention.gradient_block(scores, w.dscores, t_.lse.f32() + (first + q0) * o_.query_heads + head,
                                        o_.query_heads, w.delta + q0);
        const int64_t keys = end - begin, key0 = block + begin, q_unit = q0 / g_.unit_elements;
        transposed_product(w, w.scores + begin, keys, rows, w.gradient_columns, panel_units, q_unit, dv_padded_,
                           dvalue + key0 * dv_padded_);
        transposed_product(w, w.dscores + begin, keys, rows, w.query_columns, panel_units, q_unit, d_padded_,
                           dkey + key0 * d_padded_);
        const uint32_t* left = pack_left(w.dscores, begin, keys, rows, w.left);
        for (int64_t i = 0; i < rows; i += g_.mr)
          multiply_columns(left + i * kRowUnits, units(keys), p.key_columns, panel_units, key0 / g_.unit_elements,
                           d_padded_, w.output + i * d_padded_, d_padded_, started,
                           static_cast<int>(std::min<int64_t>(g_.mr, rows - i)));
        started = true;
      }
      for (int64_t i = 0; i < rows; ++i)
        table_.rows.move({w.output, DType::kF32}, i * d_padded_, ref(t_.dq),
                         (first + q0 + i) * t_.dq.cols() + head * d_, d_, 1.0f, false);
    }
  }

  // One row range of dk and dv from f32 sums.
  void store_kv(const float* dkey, const float* dvalue, int64_t token, int64_t kv_head) const {
    table_.rows.move({dkey, DType::kF32}, 0, ref(t_.dk), token * t_.dk.cols() + kv_head * d_, d_, 1.0f, false);
    table_.rows.move({dvalue, DType::kF32}, 0, ref(t_.dv), token * t_.dv.cols() + kv_head * dv_, dv_, 1.0f, false);
  }

  void run(bool backward);
  size_t planned_bytes(int64_t tokens, int64_t longest) const;

 private:
  static PackSource source(const Tensor& t) { return {t.data, t.dtype, t.cols()}; }
  static const void* element(const Tensor& t, int64_t at) {
    return static_cast<const std::byte*>(t.data) + at * (t.dtype == DType::kF32 ? 4 : 2);
  }

  // Channels [c0, c0+channels) of `tokens` rows as panels of nr tokens, units over channels.
  void pack_rows(const Tensor& x, int64_t first, int64_t tokens, int64_t c0, int64_t channels, int64_t channel_units,
                 uint32_t* dst) const {
    const PackSource src{element(x, first * x.cols() + c0), x.dtype, x.cols()};
    for (int64_t j = 0; j < tokens; j += g_.nr)
      g_.pack_b(src, j, std::min<int64_t>(g_.nr, tokens - j), 0, channels, dst + j * g_.panel_units(channel_units));
  }
  // The same as panels of nr channels, units over tokens.
  void pack_columns(const Tensor& x, int64_t first, int64_t tokens, int64_t c0, int64_t channels, uint32_t* dst) const {
    const PackSource src{element(x, first * x.cols() + c0), x.dtype, x.cols()};
    for (int64_t j = 0; j < channels; j += g_.nr)
      g_.pack_b_transposed(src, j, std::min<int64_t>(g_.nr, channels - j), 0, tokens,
                           dst + j * g_.panel_units(units(tokens)));
  }
  void pack_queries(const Tensor& x, int64_t token, int64_t rows, int64_t c0, int64_t channels, uint32_t* dst) const {
    g_.pack_a({element(x, token * x.cols() + c0), x.dtype, x.cols()}, 0, rows, 0, channels, 1.0f, dst);
  }

  // Columns [begin, begin+columns) of a score buffer as packed rows.
  const uint32_t* pack_left(const float* scores, int64_t begin, int64_t columns, int64_t rows, uint32_t* dst) const {
    g_.pack_a({scores + begin, DType::kF32, kRowUnits}, 0, rows, 0, columns, 1.0f, dst);
    return dst;
  }

  // out (rows, padded) = (load ? out : 0) + left . columns, over `k_units` units from unit `unit0` of panels of
  // `panel_units`.
  void multiply_columns(const uint32_t* left, int64_t k_units, const uint32_t* columns, int64_t panel_units,
                        int64_t unit0, int64_t padded, float* out, int64_t ldo, bool load, int rows) const {
    for (int64_t j = 0; j < padded; j += g_.nr)
      g_.tile(k_units, left, columns + j * panel_units + unit0 * g_.nr, out + j, ldo, load, rows, g_.nr);
  }

  // Score products of a block of queries; a panel of rows skips the key panels that all its queries are blind to.
  void products(const uint32_t* left, int64_t channel_units, const uint32_t* packed_rows, int64_t block, int64_t begin,
                int64_t end, int64_t q0, int64_t rows, float* out) const {
    for (int64_t i = 0; i < rows; i += g_.mr) {
      const int panel = static_cast<int>(std::min<int64_t>(g_.mr, rows - i));
      const int64_t seen = std::min(end, q0 + i + panel - block);
      for (int64_t j = begin; j < seen; j += g_.nr)
        g_.tile(channel_units, left + i * kRowUnits, packed_rows + (block + j) * g_.panel_units(channel_units),
                out + i * kRowUnits + j, kRowUnits, false, panel, g_.nr);
    }
  }

  // acc (keys, padded) += scores^T (keys, rows) . columns.
  void transposed_product(const Workspace& w, const float* scores, int64_t keys, int64_t rows, const uint32_t* columns,
                          int64_t panel_units, int64_t unit0, int64_t padded, float* acc) const {
    g_.pack_a_transposed({scores, DType::kF32, kRowUnits}, 0, keys, 0, rows, 1.0f, w.left);
    for (int64_t i = 0; i < keys; i += g_.mr)
      multiply_columns(w.left + i * kRowUnits, units(rows), columns, panel_units, unit0, padded, acc + i * padded,
                       padded, true, static_cast<int>(std::min<int64_t>(g_.mr, keys - i)));
  }

  void run_short(int64_t first, int64_t tokens, int64_t kv_head, const Workspace& w, bool backward) const {
    pack_kv(w.packed, first, tokens, kv_head, backward);
    if (backward) {
      std::fill(w.dkey, w.dkey + tokens * d_padded_, 0.0f);
      std::fill(w.dvalue, w.dvalue + tokens * dv_padded_, 0.0f);
    }
    for (int64_t head = kv_head * group_; head < (kv_head + 1) * group_; ++head) {
      if (backward) {
        backward_head(w, w.packed, first, tokens, head, w.dkey, w.dvalue);
      } else {
        forward_head(w, w.packed, first, tokens, head, 0, tokens);
      }
    }
    for (int64_t i = 0; backward && i < tokens; ++i)
      store_kv(w.dkey + i * d_padded_, w.dvalue + i * dv_padded_, first + i, kv_head);
  }

  void run_long(int64_t first, int64_t tokens, const Workspace* workspaces, bool backward) const;

  Context& ctx_;
  const AttentionTensors& t_;
  const AttentionOptions& o_;
  const KernelTable& table_;
  const GemmKernels& g_;
  int64_t d_, dv_, d_units_, dv_units_, d_padded_, dv_padded_, block_rows_, group_;
};

void Attention::run_long(int64_t first, int64_t tokens, const Workspace* workspaces, bool backward) const {
  ArenaScope scope(ctx_.scratch);
  PackedKv* packed = ctx_.scratch.allocate_array<PackedKv>(o_.kv_heads);
  for (int64_t h = 0; h < o_.kv_heads; ++h) take_packed(packed[h] = {}, tokens, backward, take_from_scratch());
  ctx_.pool.parallel_for(o_.kv_heads, [&](int64_t h) { pack_kv(packed[h], first, tokens, h, backward); });
  if (!backward) {
    // The last blocks see the most keys: start with them, so that the threads end together.
    const int64_t blocks = ceil_div(tokens, block_rows_);
    ctx_.pool.parallel_for(blocks * o_.query_heads, [&](int64_t task, int worker) {
      const int64_t head = task % o_.query_heads, q0 = (blocks - 1 - task / o_.query_heads) * block_rows_;
      forward_head(workspaces[worker], packed[head / group_], first, tokens, head, q0,
                   std::min(q0 + block_rows_, tokens));
    });
    return;
  }
  // Every query head sums its own dk and dv; the heads of a group are then joined in order.
  float* dkey = ctx_.scratch.allocate_array<float>(o_.query_heads * tokens * d_padded_);
  float* dvalue = ctx_.scratch.allocate_array<float>(o_.query_heads * tokens * dv_padded_);
  ctx_.pool.parallel_for(o_.query_heads, [&](int64_t head, int worker) {
    float* dk = dkey + head * tokens * d_padded_;
    float* dv = dvalue + head * tokens * dv_padded_;
    std::fill(dk, dk + tokens * d_padded_, 0.0f);
    std::fill(dv, dv + tokens * dv_padded_, 0.0f);
    backward_head(workspaces[worker], packed[head / group_], first, tokens, head, dk, dv);
  });
  parallel_ranges(ctx_, tokens, 64, [&](int64_t begin, int64_t end) {
    for (int64_t h = 0; h < o_.kv_heads; ++h)
      for (int64_t i = begin; i < end; ++i) {
        float* dk = dkey + (h * group_ * tokens + i) * d_padded_;
        float* dv = dvalue + (h * group_ * tokens + i) * dv_padded_;
        for (int64_t other = 1; other < group_; ++other) {
          table_.rows.move({dk + other * tokens * d_padded_, DType::kF32}, 0, {dk, DType::kF32}, 0, d_, 1.0f, true);
          table_.rows.move({dv + other * tokens * dv_padded_, DType::kF32}, 0, {dv, DType::kF32}, 0, dv_, 1.0f, true);
        }
        store_kv(dk, dv, first + i, h);
      }
  });
}

void Attention::run(bool backward) {
  const int32_t* offsets = t_.offsets.as<int32_t>();
  const int64_t sequences = t_.offsets.shape.elements() - 1;
  int64_t longest = 0;
  for (int64_t s = 0; s < sequences; ++s) longest = std::max<int64_t>(longest, offsets[s + 1] - offsets[s]);
  if (longest == 0) return;
  ArenaScope scope(ctx_.scratch);
  Workspace* workspaces = ctx_.scratch.allocate_array<Workspace>(ctx_.pool.threads());
  for (int i = 0; i < ctx_.pool.threads(); ++i) workspaces[i] = take_workspace(longest, backward, take_from_scratch());
  ctx_.pool.parallel_for(sequences * o_.kv_heads, [&](int64_t task, int worker) {
    const int64_t s = task / o_.kv_heads, tokens = offsets[s + 1] - offsets[s];
    if (tokens > 0 && tokens <= kShortTokens)
      run_short(offsets[s], tokens, task % o_.kv_heads, workspaces[worker], backward);
  });
  for (int64_t s = 0; s < sequences; ++s)
    if (offsets[s + 1] - offsets[s] > kShortTokens)
      run_long(offsets[s], offsets[s + 1] - offsets[s], workspaces, backward);
}

size_t Attention::planned_bytes(int64_t tokens, int64_t longest) const {
  const int64_t n = std::min(tokens, longest);
  int64_t bytes = 0;
  const auto count = [&](int64_t elements) -> void* {
    bytes += round_up(elements * 4, static_cast<int64_t>(kAlignment)) + static_cast<int64_t>(kAlignment);
    return nullptr;
  };
  for (int i = 0; i < ctx_.pool.threads(); ++i) take_workspace(n, true, count);
  count(ctx_.pool.threads() * static_cast<int64_t>(sizeof(Workspace)));
  if (n > kShortTokens) {
    for (int64_t h = 0; h < o_.kv_heads; ++h) {
      PackedKv p;
      take_packed(p, n, true, count);
    }
    count(o_.kv_heads * static_cast<int64_t>(sizeof(PackedKv)));
    count(o_.query_heads * n * d_padded_);
    count(o_.query_heads * n * dv_padded_);
  }
  return static_cast<size_t>(bytes);
}

}  // namespace

void attention_forward_cpu(Context& ctx, const AttentionTensors& tensors, const AttentionOptions& options) {
  Attention(ctx, tensors, options).run(false);
}

void attention_backward_cpu(Context& ctx, const AttentionTensors& tensors, const AttentionOptions& options) {
  Attention(ctx, tensors, options).run(true);
}

size_t attention_scratch_bytes_cpu(const Context& ctx, const AttentionOptions& options, int64_t tokens,
                                   int64_t longest) {
  const AttentionTensors none;
  return Attention(const_cast<Context&>(ctx), none, options).planned_bytes(tokens, longest);
}

}  // namespace anneal
