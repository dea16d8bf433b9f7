#include "ops/attention/attention.h"

#include "cpu/kernel_table.h"
#include "ops/attention/attention_cpu.h"
#include "ops/check.h"

namespace anneal {

namespace {

int64_t value_size(const AttentionOptions& o) { return o.value_head_size > 0 ? o.value_head_size : o.head_size; }

void check_options(const char* op, const AttentionOptions& o) {
  require(o.query_heads > 0 && o.kv_heads > 0 && o.query_heads % o.kv_heads == 0, ErrorCode::kShape,
          "query_heads_not_multiple", op, "{query_heads} query heads are not a multiple of {kv_heads} kv heads",
          {{"query_heads", o.query_heads}, {"kv_heads", o.kv_heads}});
  require(o.head_size > 0 && o.head_size <= kMaxHeadSize && value_size(o) <= kMaxHeadSize, ErrorCode::kUnsupported,
          "head_size_out_of_range", op, "head size must be 1..{most}", {{"most", kMaxHeadSize}});
  require(o.window >= 0 && o.soft_cap >= 0, ErrorCode::kInvalidArgument, "window_or_cap_negative", op,
          "window and soft_cap must not be negative");
}

void check_tokens(const char* op, const AttentionTensors& t, const AttentionOptions& o) {
  check_options(op, o);
  const int64_t n = t.q.rows();
  const std::pair<const char*, const Tensor*> inputs[] = {{"q", &t.q}, {"k", &t.k}, {"v", &t.v}, {"out", &t.out}};
  for (const auto& [name, tensor] : inputs) require_float(op, name, *tensor);
  require_matrix(op, "q", t.q, n, o.query_heads * o.head_size);
  require_matrix(op, "k", t.k, n, o.kv_heads * o.head_size);
  require_matrix(op, "v", t.v, n, o.kv_heads * value_size(o));
  require_matrix(op, "out", t.out, n, o.query_heads * value_size(o));
  require_dtype(op, "lse", t.lse, DType::kF32, "f32");
  require_matrix(op, "lse", t.lse, n, o.query_heads);
  require_dtype(op, "offsets", t.offsets, DType::kI32, "i32");
  const int64_t count = t.offsets.shape.elements();
  const int32_t* offsets = t.offsets.as<int32_t>();
  require(count >= 1 && offsets[0] == 0 && offsets[count - 1] == n, ErrorCode::kInvalidArgument, "offsets_not_covering",
          op, "offsets must start at 0 and end at the number of tokens, {tokens}", {{"tokens", n}});
  for (int64_t i = 1; i < count; ++i)
    require(offsets[i] >= offsets[i - 1], ErrorCode::kInvalidArgument, "offset_decreases", op,
            "offsets[{index}] is smaller than the one before", {{"index", i}});
}

}  // namespace

void attention_forward(Context& ctx, const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& offsets,
                       Tensor out, Tensor lse, const AttentionOptions& options) {
  AttentionTensors t;
  t.q = q, t.k = k, t.v = v, t.out = out, t.lse = lse, t.offsets = offsets;
  check_tokens("attention_forward", t, options);
  attention_forward_cpu(ctx, t, options);
}

void attention_backward(Context& ctx, const Tensor& dout, const Tensor& q, const Tensor& k, const Tensor& v,
                        const Tensor& out, const Tensor& lse, const Tensor& offsets, Tensor dq, Tensor dk, Tensor dv,
                        const AttentionOptions& options) {
  constexpr const char* kOp = "attention_backward";
  AttentionTensors t{q, k, v, out, lse, offsets, dout, dq, dk, dv};
  check_tokens(kOp, t, options);
  const int64_t n = q.rows();
  const std::pair<const char*, const Tensor*> gradients[] = {{"dout", &dout}, {"dq", &dq}, {"dk", &dk}, {"dv", &dv}};
  for (const auto& [name, tensor] : gradients) require_float(kOp, name, *tensor);
  require_matrix(kOp, "dout", dout, n, out.cols());
  require_matrix(kOp, "dq", dq, n, q.cols());
  require_matrix(kOp, "dk", dk, n, k.cols());
  require_matrix(kOp, "dv", dv, n, v.cols());
  attention_backward_cpu(ctx, t, options);
}

void attention_decode(Context& ctx, const Tensor& q, const Tensor& keys, const Tensor& values, const Tensor& lengths,
                      const Tensor& slots, Tensor out, const AttentionOptions& o) {
  constexpr const char* kOp = "attention_decode";
  check_options(kOp, o);
  const int64_t batch = q.rows(), dv = value_size(o), group = o.query_heads / o.kv_heads;
  require_float(kOp, "q", q);
  require_float(kOp, "keys", keys);
  require_float(kOp, "values", values);
  require_float(kOp, "out", out);
  require_matrix(kOp, "q", q, batch, o.query_heads * o.head_size);
  require_matrix(kOp, "out", out, batch, o.query_heads * dv);
  require(keys.shape.rank == 3 && values.shape.rank == 3 && keys.shape[0] == values.shape[0] &&
              keys.shape[1] == values.shape[1] && keys.shape[2] == o.kv_heads * o.head_size &&
              values.shape[2] == o.kv_heads * dv,
          ErrorCode::kShape, "keys_values_shape", kOp, "keys {keys}, values {values} do not fit",
          {{"keys", keys.shape.to_string()}, {"values", values.shape.to_string()}});
  require_dtype(kOp, "lengths", lengths, DType::kI32, "i32");
  require_elements(kOp, "lengths", lengths, batch);
  if (slots) {
    require_dtype(kOp, "slots", slots, DType::kI32, "i32");
    require_elements(kOp, "slots", slots, batch);
  }
  const int64_t capacity = keys.shape[1];
  int64_t longest = 1;
  for (int64_t b = 0; b < batch; ++b) {
    const int32_t length = lengths.as<int32_t>()[b];
    const int64_t slot = slots ? slots.as<int32_t>()[b] : b;
    require(length >= 0 && length <= capacity && slot >= 0 && slot < keys.shape[0], ErrorCode::kInvalidArgument,
            "sequence_outside_cache", kOp, "sequence {sequence} lies outside the cache", {{"sequence", b}});
    longest = std::max<int64_t>(longest, length);
  }
  ArenaScope scope(ctx.scratch);
  const int64_t score_stride = (longest + 15) / 16 * 16;
  float* scores = ctx.scratch.allocate_array<float>(ctx.pool.threads() * score_stride);
  const auto kernel = kernels(ctx.isa).attention.decode;
  ctx.pool.parallel_for(batch * o.kv_heads, [&](int64_t task, int worker) {
    const int64_t b = task / o.kv_heads, head = task % o.kv_heads;
    const int64_t slot = slots ? slots.as<int32_t>()[b] : b;
    DecodeArgs a{};
    a.q = const_ref(q), a.keys = const_ref(keys), a.values = const_ref(values), a.out = ref(out);
    a.q_at = b * q.cols() + head * group * o.head_size;
    a.out_at = b * out.cols() + head * group * dv;
    a.key_stride = keys.shape[2], a.value_stride = values.shape[2];
    a.key_at = slot * capacity * a.key_stride + head * o.head_size;
    a.value_at = slot * capacity * a.value_stride + head * dv;
    a.group = group, a.head_size = o.head_size, a.value_head_size = dv;
    a.length = lengths.as<int32_t>()[b], a.window = o.window;
    a.scale = o.scale, a.soft_cap = o.soft_cap;
    a.scores = scores + worker * score_stride;
    kernel(a);
  });
}

size_t attention_scratch_bytes(const Context& ctx, const AttentionOptions& options, int64_t tokens,
                               int64_t longest_sequence) {
  check_options("attention_scratch_bytes", options);
  return attention_scratch_bytes_cpu(ctx, options, tokens, longest_sequence);
}

}  // namespace anneal
