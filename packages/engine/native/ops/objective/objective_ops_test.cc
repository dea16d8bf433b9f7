// Losses over the head against scalar definitions, gradients against complex step, on every ISA with 1 and 2 threads.
#include <functional>
#include <vector>

#include "core/buffer.h"
#include "ops/embedding/embedding_noise.h"
#include "ops/objective/cross_entropy.h"
#include "ops/objective/distill.h"
#include "ops/sampling.h"
#include "reference/objectives.h"
#include "test_support/check.h"

using namespace anneal;

namespace {

constexpr int64_t kTokens = 9, kChannels = 14, kTeacherChannels = 10, kVocabulary = 43, kBest = 5;

std::vector<double> random_values(int64_t n, uint32_t op, double scale) {
  const RandomStream stream{11, 0, op};
  std::vector<double> v(n);
  for (int64_t i = 0; i < n; ++i) v[i] = static_cast<float>((stream.uniform(i) * 2 - 1) * scale);
  return v;
}

Buffer to_buffer(const std::vector<double>& v, const Shape& shape) {
  Buffer b(DType::kF32, shape);
  for (size_t i = 0; i < v.size(); ++i) b.tensor().f32()[i] = static_cast<float>(v[i]);
  return b;
}

void expect_close(const char* what, const Tensor& got, const std::vector<double>& want, double allowed) {
  const double error = test::relative_error(got.f32(), want.data(), want.size());
  if (!(error <= allowed)) test::fail(what, 0, "error " + std::to_string(error));
}

// The body returns the numbers that must not depend on the threads.
void on_every_isa(const std::function<std::vector<float>(Context&)>& body) {
  for (Isa isa : available_isas()) {
    std::vector<float> first;
    for (int threads : {1, 2}) {
      ThreadPool pool(threads);
      Arena arena(size_t{64} << 20);
      Context ctx{pool, arena, isa};
      const std::vector<float> out = body(ctx);
      if (threads == 1) first = out;
      CHECK(out == first);
      CHECK_EQ(arena.used_bytes(), 0u);
    }
  }
}

struct Inputs {
  std::vector<double> hidden = random_values(kTokens * kChannels, 1, 1),
                      head = random_values(kVocabulary * kChannels, 2, 1);
  std::vector<double> weights = random_values(kTokens, 3, 1);
  std::vector<int32_t> targets;
  Buffer bh = to_buffer(hidden, {kTokens, kChannels}), bw = to_buffer(head, {kVocabulary, kChannels});
  Buffer tw = to_buffer(weights, {kTokens}), t{DType::kI32, {kTokens}};
  Inputs() {
    for (int64_t i = 0; i < kTokens; ++i) {
      targets.push_back(static_cast<int32_t>((i * 17 + 5) % kVocabulary));
      t.tensor().as<int32_t>()[i] = targets.back();
    }
  }
};

struct Outputs {
  Buffer nll{DType::kF32, {kTokens}}, extra{DType::kF32, {kTokens}}, best{DType::kI32, {kTokens}};
  Buffer d_hidden{DType::kF32, {kTokens, kChannels}}, d_head{DType::kF32, {kVocabulary, kChannels}};
  std::vector<float> all() const {
    std::vector<float> v;
    for (const Buffer* b : {&nll, &extra, &d_hidden, &d_head})
      v.insert(v.end(), b->tensor().f32(), b->tensor().f32() + b->tensor().shape.elements());
    return v;
  }
};

std::vector<double> sum_of(const Tensor& a, const Tensor& b, double fa, double fb) {
  std::vector<double> v;
  for (int64_t i = 0; i < a.shape.elements(); ++i) v.push_back(fa * a.f32()[i] + fb * b.f32()[i]);
  return v;
}

void expect_sums(const char* what, const std::vector<double>& got, const std::vector<double>& want, double allowed) {
  for (size_t i = 0; i < want.size(); ++i)
    if (!(std::fabs(got[i] - want[i]) <= allowed))
      test::fail(what, 0, std::to_string(got[i]) + " is not " + std::to_string(want[i]));
}

}  // namespace

TEST(cross_entropy_with_smoothing_and_z_loss) {
  const Inputs in;
  for (double cap : {0.0, 2.0})
    for (auto [smoothing, z] : {std::pair{0.1, 0.0}, {0.0, 0.01}, {0.2, 0.003}}) {
      const auto f = [&](const auto& x) {
        return reference::smoothed_cross_entropy(x[0], x[1], in.targets, cap, smoothing, z);
      };
      const auto want = f(std::vector<std::vector<double>>{in.hidden, in.head});
      const auto dh = reference::complex_step(f, {in.hidden, in.head}, 0, in.weights);
      const auto dw = reference::complex_step(f, {in.hidden, in.head}, 1, in.weights);
      CrossEntropyOptions o;
      o.logit_soft_cap = static_cast<float>(cap), o.chunk_tokens = 4;
      o.label_smoothing = static_cast<float>(smoothing), o.z_loss = static_cast<float>(z);
      on_every_isa([&](Context& ctx) {
        Outputs out;
        cross_entropy_head(ctx, in.bh.tensor(), in.bw.tensor(), in.t.tensor(), in.tw.tensor(), out.nll.tensor(),
                           out.extra.tensor(), out.best.tensor(), out.d_hidden.tensor(), out.d_head.tensor(), o);
        expect_sums("loss", sum_of(out.nll.tensor(), out.extra.tensor(), 1, 1), want, 2e-5);
        expect_close("d_hidden", out.d_hidden.tensor(), dh, 1e-5);
        expect_close("d_head", out.d_head.tensor(), dw, 1e-5);
        return out.all();
      });
    }
}

TEST(distillation_from_a_teacher) {
  const Inputs in;
  const auto theirs = random_values(kTokens * kTeacherChannels, 4, 1),
             their_head = random_values(kVocabulary * kTeacherChannels, 5, 1);
  const Buffer bt = to_buffer(theirs, {kTokens, kTeacherChannels}),
               btw = to_buffer(their_head, {kVocabulary, kTeacherChannels});
  for (double cap : {0.0, 3.0})
    for (double temperature : {1.0, 0.7})
      for (auto [name, kind] : {std::pair{"forward", Divergence::kForwardKl},
                                {"reverse", Divergence::kReverseKl},
                                {"jsd", Divergence::kJensenShannon}})
        for (double share : {0.0, 0.4}) {
          std::vector<double> p = reference::head_logits(theirs, their_head, kTokens, cap);
          for (double& l : p) l /= temperature;
          for (int64_t i = 0; i < kTokens; ++i) {
            const double log_z = reference::log_sum(p.data() + i * kVocabulary, kVocabulary);
            for (int64_t j = 0; j < kVocabulary; ++j) p[i * kVocabulary + j] = std::exp(p[i * kVocabulary + j] - log_z);
          }
          const auto f = [&](const auto& x) {
            return reference::distillation(x[0], x[1], in.targets, p, name, temperature, 0.3, share, cap);
          };
          const auto want = f(std::vector<std::vector<double>>{in.hidden, in.head});
          const auto dh = reference::complex_step(f, {in.hidden, in.head}, 0, in.weights);
          const auto dw = reference::complex_step(f, {in.hidden, in.head}, 1, in.weights);
          DistillOptions o;
          o.divergence = kind, o.temperature = static_cast<float>(temperature), o.jsd_beta = 0.3f;
          o.cross_entropy_weight = static_cast<float>(share), o.chunk_tokens = 4;
          o.student_cap = o.teacher_cap = static_cast<float>(cap);
          on_every_isa([&](Context& ctx) {
            Outputs out;
            distill_head(ctx, in.bh.tensor(), in.bw.tensor(), {bt.tensor(), btw.tensor(), {}, {}}, in.t.tensor(),
                         in.tw.tensor(), out.nll.tensor(), out.extra.tensor(), out.best.tensor(), out.d_hidden.tensor(),
                         out.d_head.tensor(), o);
            expect_sums(
                name, sum_of(out.nll.tensor(), out.extra.tensor(), o.cross_entropy_weight, 1 - o.cross_entropy_weight),
                want, 2e-5);
            expect_close("d_hidden", out.d_hidden.tensor(), dh, 2e-5);
            expect_close("d_head", out.d_head.tensor(), dw, 2e-5);
            CHECK(ctx.scratch.peak_bytes() <=
                  distill_scratch_bytes(ctx, o, kTokens, kChannels, kTeacherChannels, kVocabulary));
            return out.all();
          });
        }
}

TEST(distillation_from_the_best_log_probabilities) {
  const Inputs in;
  Buffer ids(DType::kI32, {kTokens, kBest}), logprobs(DType::kF32, {kTokens, kBest});
  const double temperature = 1.5;
  std::vector<double> p(kTokens * kVocabulary, 0.0);
  for (int64_t i = 0; i < kTokens; ++i) {
    double sum = 0;
    for (int64_t k = 0; k < kBest; ++k) {
      const int32_t id = static_cast<int32_t>((i * 5 + k * 7) % kVocabulary);
      ids.tensor().as<int32_t>()[i * kBest + k] = id;
      logprobs.tensor().f32()[i * kBest + k] = static_cast<float>(-0.3 - k * 0.9);
      sum += p[i * kVocabulary + id] = std::exp((-0.3 - k * 0.9) / temperature);
    }
    for (int64_t j = 0; j < kVocabulary; ++j) p[i * kVocabulary + j] /= sum;
  }
  for (auto [name, kind] : {std::pair{"forward", Divergence::kForwardKl}, {"jsd", Divergence::kJensenShannon}}) {
    const auto f = [&](const auto& x) {
      return reference::distillation(x[0], x[1], in.targets, p, name, temperature, 0.5, 0.25, 0);
    };
    const auto want = f(std::vector<std::vector<double>>{in.hidden, in.head});
    const auto dh = reference::complex_step(f, {in.hidden, in.head}, 0, in.weights);
    DistillOptions o;
    o.divergence = kind, o.temperature = static_cast<float>(temperature), o.cross_entropy_weight = 0.25f;
    on_every_isa([&](Context& ctx) {
      Outputs out;
      const TeacherRows teacher{{}, {}, ids.tensor(), logprobs.tensor()};
      distill_head(ctx, in.bh.tensor(), in.bw.tensor(), teacher, in.t.tensor(), in.tw.tensor(), out.nll.tensor(),
                   out.extra.tensor(), {}, out.d_hidden.tensor(), out.d_head.tensor(), o);
      expect_sums(name, sum_of(out.nll.tensor(), out.extra.tensor(), 0.25, 0.75), want, 2e-5);
      expect_close("d_hidden", out.d_hidden.tensor(), dh, 2e-5);
      DistillOptions reverse = o;
      reverse.divergence = Divergence::kReverseKl;
      CHECK_ERROR(distill_head(ctx, in.bh.tensor(), in.bw.tensor(), teacher, in.t.tensor(), {}, out.nll.tensor(),
                               out.extra.tensor(), {}, {}, {}, reverse),
                  ErrorCode::kInvalidArgument);
      return out.all();
    });
  }
}

TEST(embedding_noise) {
  const int64_t n = 40, c = 16;
  Buffer offsets(DType::kI32, {3});
  const int32_t at[] = {0, 10, 40};
  std::memcpy(offsets.data(), at, sizeof at);
  on_every_isa([&](Context& ctx) {
    Buffer x(DType::kF32, {n, c});
    add_embedding_noise(ctx, x.tensor(), offsets.tensor(), 5.0f, {1, 2, 3});
    for (int s = 0; s < 2; ++s) {
      const double bound = 5.0 / std::sqrt((at[s + 1] - at[s]) * static_cast<double>(c));
      double squares = 0, largest = 0;
      for (int64_t i = at[s] * c; i < at[s + 1] * c; ++i) {
        const double v = x.tensor().f32()[i];
        squares += v * v;
        largest = std::fmax(largest, std::fabs(v));
      }
      const double count = (at[s + 1] - at[s]) * static_cast<double>(c);
      CHECK(largest <= bound && largest > 0.95 * bound);
      CHECK_NEAR(squares / count, bound * bound / 3, 0.15 * bound * bound / 3);  // variance of a uniform
    }
    return std::vector<float>(x.tensor().f32(), x.tensor().f32() + n * c);
  });
}

TEST(best_log_probabilities) {
  for (const auto& [n, v] : {std::pair<int64_t, int64_t>{37, 211}, {1, 1}, {5, 20000}}) {
    auto values = random_values(n * v, 9, 4.0);
    if (v > 8) values[7] = values[3] = 30.0;  // a tie: the lower id goes first
    for (const int64_t k : {int64_t{1}, std::min<int64_t>(8, v), std::min<int64_t>(211, v)}) {
      on_every_isa([&, n = n, v = v](Context& ctx) {
        Buffer logits = to_buffer(values, {n, v}), ids(DType::kI32, {n, k}), logprobs(DType::kF32, {n, k});
        best_log_probabilities(ctx, logits.tensor(), ids.tensor(), logprobs.tensor());
        for (int64_t row = 0; row < n; ++row) {
          const Tensor one{logits.tensor().f32() + row * v, DType::kF32, {v}};
          const std::vector<TopEntry> want = top_log_probabilities(ctx, one, static_cast<int32_t>(k));
          for (int64_t j = 0; j < k; ++j) {
            CHECK_EQ(ids.tensor().as<int32_t>()[row * k + j], want[static_cast<size_t>(j)].token);
            CHECK_EQ(logprobs.tensor().f32()[row * k + j], want[static_cast<size_t>(j)].log_probability);
          }
        }
        Buffer wide(DType::kI32, {n, v + 1}), too(DType::kF32, {n, v + 1});
        CHECK_ERROR(best_log_probabilities(ctx, logits.tensor(), wide.tensor(), too.tensor()),
                    ErrorCode::kInvalidArgument);
        const float* out = logprobs.tensor().f32();
        return std::vector<float>(out, out + n * k);
      });
    }
  }
}

TEST_MAIN()
