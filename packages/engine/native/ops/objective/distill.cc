#include "ops/objective/distill.h"

#include <algorithm>
#include <cmath>

#include "cpu/kernel_table.h"
#include "ops/check.h"
#include "ops/objective/logit_chunks.h"

namespace anneal {

namespace {

constexpr int64_t kRowBuffers = 3;  // per thread: teacher, student at the temperature, student at 1

// A distribution over the vocabulary: log p = scale * logits - shift where logits are given, p itself in `p`.
struct Distribution {
  const float* logits = nullptr;
  float scale = 1, shift = 0;
  float* p = nullptr;
  float log_at(int64_t j) const { return scale * logits[j] - shift; }
};

Distribution softmax_at(const RowKernels& rows, const float* logits, int64_t n, float inverse_temperature, float* out) {
  for (int64_t j = 0; j < n; ++j) out[j] = logits[j] * inverse_temperature;
  const SoftmaxRow s = rows.softmax_row(out, n, true);
  const float inverse = 1.0f / s.sum;
  for (int64_t j = 0; j < n; ++j) out[j] *= inverse;
  return {logits, inverse_temperature, s.maximum + std::log(s.sum), out};
}

// The k best, tempered and scaled to sum 1; `out` is zero elsewhere. Logs are taken from p: there are no logits.
Distribution from_best(const int32_t* ids, const float* logprobs, int64_t k, int64_t n, float inverse_temperature,
                       float* out) {
  std::fill(out, out + n, 0.0f);
  float top = -INFINITY;
  for (int64_t i = 0; i < k; ++i) top = std::max(top, logprobs[i] * inverse_temperature);
  double sum = 0;
  for (int64_t i = 0; i < k; ++i) sum += std::exp(static_cast<double>(logprobs[i] * inverse_temperature - top));
  for (int64_t i = 0; i < k; ++i)
    out[ids[i]] = static_cast<float>(std::exp(static_cast<double>(logprobs[i] * inverse_temperature - top)) / sum);
  return {nullptr, 1, 0, out};
}

float log_of(const Distribution& d, int64_t j) { return d.logits ? d.log_at(j) : std::log(d.p[j]); }

// Divergence of a row; gradient with respect to the student's tempered logits is left in `slope` (may be empty).
double diverge(const Distribution& t, const Distribution& s, int64_t n, const DistillOptions& o, float* slope) {
  double sum = 0;
  switch (o.divergence) {
    case Divergence::kForwardKl:
      for (int64_t j = 0; j < n; ++j)
        if (t.p[j] > 0) sum += static_cast<double>(t.p[j]) * (log_of(t, j) - s.log_at(j));
      if (slope)
        for (int64_t j = 0; j < n; ++j) slope[j] = s.p[j] - t.p[j];
      return sum;
    case Divergence::kReverseKl:
      for (int64_t j = 0; j < n; ++j) sum += static_cast<double>(s.p[j]) * (s.log_at(j) - t.log_at(j));
      if (slope)
        for (int64_t j = 0; j < n; ++j) slope[j] = s.p[j] * (s.log_at(j) - t.log_at(j) - static_cast<float>(sum));
      return sum;
    default: break;
  }
  const float b = o.jsd_beta;
  double from_teacher = 0, from_student = 0;
  for (int64_t j = 0; j < n; ++j) {
    const float mixed = b * t.p[j] + (1 - b) * s.p[j];
    if (mixed <= 0) continue;
    const float log_mixed = std::log(mixed);
    if (t.p[j] > 0) from_teacher += static_cast<double>(t.p[j]) * (log_of(t, j) - log_mixed);
    if (s.p[j] > 0) from_student += static_cast<double>(s.p[j]) * (s.log_at(j) - log_mixed);
  }
  if (slope)
    for (int64_t j = 0; j < n; ++j) {
      const float mixed = b * t.p[j] + (1 - b) * s.p[j];
      const float pull =
          mixed > 0 && s.p[j] > 0 ? s.log_at(j) - std::log(mixed) - static_cast<float>(from_student) : 0.0f;
      slope[j] = (1 - b) * s.p[j] * pull;
    }
  return b * from_teacher + (1 - b) * from_student;
}

void check_distill(const Tensor& hidden, const MatrixView& head, const TeacherRows& teacher, const Tensor& targets,
                   const Tensor& token_weights, const Tensor& nll, const Tensor& divergence, const Tensor& best,
                   const Tensor& d_hidden, const Tensor& d_head, const DistillOptions& o) {
  constexpr const char* kOp = "distill_head";
  const int64_t tokens = hidden.rows(), vocabulary = head.rows;
  require_float(kOp, "hidden", hidden);
  require(head.cols == hidden.cols(), ErrorCode::kShape, "head_not_fitting_rows", kOp,
          "head does not fit the hidden rows");
  require(o.temperature > 0 && o.jsd_beta > 0 && o.jsd_beta < 1, ErrorCode::kInvalidArgument,
          "distill_options_out_of_range", kOp, "temperature must be above 0 and jsd_beta between 0 and 1");
  if (teacher.hidden) {
    require(teacher.hidden.rows() == tokens && teacher.head.cols == teacher.hidden.cols() &&
                teacher.head.rows == vocabulary,
            ErrorCode::kShape, "teacher_not_fitting", kOp,
            "the teacher's rows, head or vocabulary do not fit the student's");
  } else {
    require(o.divergence != Divergence::kReverseKl, ErrorCode::kInvalidArgument, "reverse_kl_from_best", kOp,
            "no reverse KL from the best log-probabilities: all other tokens are impossible");
    require_dtype(kOp, "best_ids", teacher.best_ids, DType::kI32, "i32");
    require_dtype(kOp, "best_logprobs", teacher.best_logprobs, DType::kF32, "f32");
    require(teacher.best_ids.rows() == tokens && teacher.best_ids.cols() >= 1, ErrorCode::kShape, "best_ids_rows", kOp,
            "best_ids needs a row per token");
    require_elements(kOp, "best_logprobs", teacher.best_logprobs, teacher.best_ids.shape.elements());
    for (int64_t i = 0; i < teacher.best_ids.shape.elements(); ++i) {
      const int32_t id = teacher.best_ids.as<int32_t>()[i];
      require(id >= 0 && id < vocabulary, ErrorCode::kInvalidArgument, "best_id_outside_vocabulary", kOp,
              "best id {id} is outside the vocabulary", {{"id", id}});
    }
  }
  for (const auto& [name, tensor] : {std::pair{"nll", &nll}, std::pair{"divergence", &divergence}}) {
    require_dtype(kOp, name, *tensor, DType::kF32, "f32");
    require_elements(kOp, name, *tensor, tokens);
  }
  require_dtype(kOp, "targets", targets, DType::kI32, "i32");
  require_elements(kOp, "targets", targets, tokens);
  for (int64_t i = 0; i < tokens; ++i)
    require(targets.as<int32_t>()[i] >= 0 && targets.as<int32_t>()[i] < vocabulary, ErrorCode::kInvalidArgument,
            "a_target_outside_vocabulary", kOp, "a target is outside the vocabulary");
  if (best) require_elements(kOp, "best", best, tokens);
  if (d_hidden || d_head) require_elements(kOp, "token_weights", token_weights, tokens);
  if (d_hidden) require_matrix(kOp, "d_hidden", d_hidden, tokens, hidden.cols());
  if (d_head) require_matrix(kOp, "d_head", d_head, vocabulary, hidden.cols());
}

}  // namespace

void distill_head(Context& ctx, const Tensor& hidden, const MatrixView& head, const TeacherRows& teacher,
                  const Tensor& targets, const Tensor& token_weights, Tensor nll, Tensor divergence, Tensor best,
                  Tensor d_hidden, Tensor d_head, const DistillOptions& o) {
  check_distill(hidden, head, teacher, targets, token_weights, nll, divergence, best, d_hidden, d_head, o);
  const int64_t tokens = hidden.rows(), vocabulary = head.rows;
  if (tokens == 0) return;
  const bool backward = d_hidden || d_head;
  const RowKernels& rows = kernels(ctx.isa).rows;
  const float inverse_temperature = 1.0f / o.temperature, cap = o.student_cap, share = o.cross_entropy_weight;
  ArenaScope scope(ctx.scratch);
  const int64_t chunk = logit_chunk_tokens(o.chunk_tokens, tokens, vocabulary);
  const Tensor logits = ctx.scratch.tensor(DType::kF32, {chunk, vocabulary});
  const Tensor teacher_logits = teacher.hidden ? ctx.scratch.tensor(DType::kF32, {chunk, vocabulary}) : Tensor{};
  float* buffers =
      ctx.scratch.allocate_array<float>(static_cast<size_t>(ctx.pool.threads() * kRowBuffers * vocabulary));
  GemmOptions gemm;
  gemm.precision = o.precision;
  for (int64_t begin = 0; begin < tokens; begin += chunk) {
    const int64_t count = std::min(chunk, tokens - begin);
    Tensor part = rows_of(logits, 0, count);
    const Tensor x = rows_of(hidden, begin, count);
    gemm.accumulate = false;
    gemm_abt(ctx, x, head, part, gemm);
    if (teacher.hidden)
      gemm_abt(ctx, rows_of(teacher.hidden, begin, count), teacher.head, rows_of(teacher_logits, 0, count), gemm);
    ctx.pool.parallel_for(count, [&](int64_t i, int worker) {
      const int64_t token = begin + i;
      float* row = part.f32() + i * vocabulary;
      float* buffer = buffers + worker * kRowBuffers * vocabulary;
      if (cap > 0) rows.soft_cap(row, vocabulary, cap);
      Distribution t;
      if (teacher.hidden) {
        float* theirs = const_cast<float*>(teacher_logits.f32()) + i * vocabulary;
        if (o.teacher_cap > 0) rows.soft_cap(theirs, vocabulary, o.teacher_cap);
        t = softmax_at(rows, theirs, vocabulary, inverse_temperature, buffer);
      } else {
        const int64_t k = teacher.best_ids.cols();
        t = from_best(teacher.best_ids.as<int32_t>() + token * k, teacher.best_logprobs.f32() + token * k, k,
                      vocabulary, inverse_temperature, buffer);
      }
      const Distribution s = softmax_at(rows, row, vocabulary, inverse_temperature, buffer + vocabulary);
      float* slope = buffer + 2 * vocabulary;
      divergence.f32()[token] = static_cast<float>(diverge(t, s, vocabulary, o, backward ? slope : nullptr));
      const SoftmaxRow at_one = rows.softmax_row(row, vocabulary, false);
      const int32_t target = targets.as<int32_t>()[token];
      nll.f32()[token] = at_one.maximum - row[target] + std::log(at_one.sum);
      if (best) best.as<int32_t>()[token] = at_one.argmax;
      if (!backward) return;
      const float weight = token_weights.f32()[token];
      const float through = weight * (1 - share) * inverse_temperature;
      // The student's tempered probabilities have done their work: their buffer takes those at temperature 1.
      const Distribution plain = share > 0 ? softmax_at(rows, row, vocabulary, 1.0f, buffer + vocabulary) : s;
      for (int64_t j = 0; j < vocabulary; ++j) {
        float d = through * slope[j] + (share > 0 ? weight * share * plain.p[j] : 0.0f);
        if (j == target) d -= weight * share;
        const float ratio = cap > 0 ? row[j] / cap : 0.0f;
        row[j] = d * (1 - ratio * ratio);
      }
    });
    if (d_hidden) gemm_ab(ctx, part, head, rows_of(d_hidden, begin, count), gemm);
    if (d_head) {
      gemm.accumulate = true;
      gemm_atb(ctx, part, x, d_head, gemm);
    }
  }
}

size_t distill_scratch_bytes(const Context& ctx, const DistillOptions& o, int64_t supervised_tokens, int64_t channels,
                             int64_t teacher_channels, int64_t vocabulary) {
  const int64_t chunk = logit_chunk_tokens(o.chunk_tokens, supervised_tokens, vocabulary);
  const size_t products =
      std::max({gemm_scratch_bytes(ctx, o.precision, chunk, vocabulary, channels),
                gemm_scratch_bytes(ctx, o.precision, chunk, vocabulary, std::max<int64_t>(teacher_channels, 1)),
                gemm_scratch_bytes(ctx, o.precision, chunk, channels, vocabulary),
                gemm_scratch_bytes(ctx, o.precision, vocabulary, channels, chunk)});
  const int64_t logit_rows = chunk * (teacher_channels > 0 ? 2 : 1) + ctx.pool.threads() * kRowBuffers;
  return static_cast<size_t>(logit_rows * vocabulary * 4) + products + 4 * kAlignment;
}

}  // namespace anneal
