// Every optimizer against torch's numbers where torch has it, and against a plain loop; 8-bit moments against their
// stated error; stochastic rounding against its mean. The same bits on any number of threads.
#include <functional>
#include <vector>

#include "core/buffer.h"
#include "ops/optimizer/adafactor.h"
#include "ops/optimizer/adamw.h"
#include "ops/optimizer/gradient_norm.h"
#include "ops/optimizer/lion.h"
#include "ops/optimizer/sgd.h"
#include "test_support/check.h"

using namespace anneal;

namespace {

constexpr int kSteps = 3;

float start_weight(int64_t i) { return static_cast<float>((i * 37 + 11) % 19 - 9) / 10.0f; }
float gradient_at(int64_t i, int step) { return static_cast<float>((i * 53 + 7 * (step - 1) + 5) % 23 - 11) / 8.0f; }

struct Problem {
  Problem(const Shape& shape, DType weights = DType::kF32)
      : n(shape.elements()), w(weights, shape), g(DType::kF32, shape), copy(DType::kF16, shape) {
    for (int64_t i = 0; i < n; ++i) {
      if (weights == DType::kF32) w.tensor().f32()[i] = start_weight(i);
      else w.tensor().as<bf16>()[i] = to_bf16(start_weight(i));
    }
  }
  void set_gradient(int step) {
    for (int64_t i = 0; i < n; ++i) g.tensor().f32()[i] = gradient_at(i, step);
  }
  UpdateTarget target(bool with_copy = false) { return {w.tensor(), with_copy ? copy.tensor() : Tensor{}, {3, 0, 0}}; }
  int64_t n;
  Buffer w, g, copy;
};

Buffer zeros(const Shape& shape) { return Buffer(DType::kF32, shape); }

// Runs `body` on every ISA with 1 and 2 threads; the weights must come out the same for any number of threads.
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

std::vector<float> floats(const Tensor& t) { return {t.f32(), t.f32() + t.shape.elements()}; }

void expect(const std::vector<float>& got, const std::vector<double>& want, double allowed) {
  CHECK_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) CHECK_NEAR(got[i], want[i], allowed);
}

}  // namespace

TEST(adamw_is_torchs) {
  const std::vector<double> torch = {0.260537565,  0.008199532,  -0.04203145,  -0.006857244,
                                     -0.163770261, -0.311468106, -0.282374882, -0.484720326,
                                     -0.707079418, -0.770886386, -0.741850841, -0.986844502};
  on_every_isa([&](Context& ctx) {
    Problem p({12});
    Buffer m = zeros({12}), v = zeros({12});
    AdamWOptions o;
    o.learning_rate = 0.05f, o.beta2 = 0.99, o.weight_decay = 0.1f;
    for (o.step = 1; o.step <= kSteps; ++o.step) {
      p.set_gradient(static_cast<int>(o.step));
      adamw(ctx, p.target(true), p.g.tensor(), m.tensor(), v.tensor(), o);
    }
    expect(floats(p.w.tensor()), torch, 2e-7);
    for (int64_t i = 0; i < 12; ++i) CHECK_EQ(p.copy.tensor().as<f16>()[i].bits, to_f16(p.w.tensor().f32()[i]).bits);
    return floats(p.w.tensor());
  });
}

TEST(adamw_over_many_chunks_with_a_bf16_copy) {
  const int64_t n = 40001;
  std::vector<double> w(n), m(n), v(n);
  for (int64_t i = 0; i < n; ++i) w[i] = start_weight(i);
  for (int step = 1; step <= kSteps; ++step)
    for (int64_t i = 0; i < n; ++i) {
      const double g = 0.5 * gradient_at(i, step);
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.999 * v[i] + 0.001 * g * g;
      w[i] *= 1 - 1e-2 * 0.1;
      w[i] -= 1e-2 / (1 - std::pow(0.9, step)) * m[i] / (std::sqrt(v[i]) / std::sqrt(1 - std::pow(0.999, step)) + 1e-8);
    }
  on_every_isa([&](Context& ctx) {
    Problem p({n});
    Buffer bm = zeros({n}), bv = zeros({n}), copy(DType::kBF16, {n});
    AdamWOptions o;
    o.learning_rate = 1e-2f, o.weight_decay = 0.1f, o.gradient_scale = 0.5f;
    for (o.step = 1; o.step <= kSteps; ++o.step) {
      p.set_gradient(static_cast<int>(o.step));
      adamw(ctx, {p.w.tensor(), copy.tensor(), {}}, p.g.tensor(), bm.tensor(), bv.tensor(), o);
    }
    expect(floats(p.w.tensor()), w, 1e-6);
    for (int64_t i = 0; i < n; ++i) CHECK_EQ(copy.tensor().as<bf16>()[i].bits, to_bf16(p.w.tensor().f32()[i]).bits);
    return floats(p.w.tensor());
  });
}

TEST(gradient_norm) {
  const int64_t n = 40001;
  Problem p({n});
  p.set_gradient(1);
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) squares += std::pow(gradient_at(i, 1), 2);
  on_every_isa([&](Context& ctx) {
    const double norm = gradient_norm(ctx, {p.g.tensor(), p.g.tensor()});
    CHECK_NEAR(norm, std::sqrt(2 * squares), 1e-9 * norm);
    Buffer broken = zeros({9});
    broken.tensor().f32()[7] = NAN;
    CHECK(std::isnan(gradient_norm(ctx, {p.g.tensor(), broken.tensor()})));
    return std::vector<float>{static_cast<float>(norm)};
  });
}

TEST(sgd_is_torchs) {
  const std::vector<double> nesterov = {0.207233736,  0.035239675,  -0.022911574, 0.018948577,
                                        -0.153045484, -0.211196733, -0.169336582, -0.614455644,
                                        -0.786449705, -0.844600954, -0.802740803, -0.974734864};
  const std::vector<double> heavy_ball = {0.23975, 0.0380625,  -0.03425,  0.009875,   -0.1918125, -0.264125,
                                          -0.22,   -0.5654375, -0.767125, -0.8394375, -0.7953125, -0.997};
  on_every_isa([&](Context& ctx) {
    Problem a({12}), b({12}), plain({12});
    Buffer ma = zeros({12}), mb = zeros({12});
    for (int step = 1; step <= kSteps; ++step) {
      for (Problem* p : {&a, &b, &plain}) p->set_gradient(step);
      sgd(ctx, a.target(), a.g.tensor(), ma.tensor(), {0.05f, 0.9f, true, 0.1f, 1.0f});
      sgd(ctx, b.target(), b.g.tensor(), mb.tensor(), {0.05f, 0.9f, false, 0.0f, 1.0f});
      sgd(ctx, plain.target(), plain.g.tensor(), {}, {0.05f, 0.0f, false, 0.0f, 0.5f});
    }
    expect(floats(a.w.tensor()), nesterov, 3e-7);
    expect(floats(b.w.tensor()), heavy_ball, 3e-7);
    for (int64_t i = 0; i < 12; ++i) {
      double w = start_weight(i);
      for (int step = 1; step <= kSteps; ++step) w -= 0.05 * 0.5 * gradient_at(i, step);
      CHECK_NEAR(plain.w.tensor().f32()[i], w, 3e-7);
    }
    CHECK_ERROR(sgd(ctx, a.target(), a.g.tensor(), {}, {0.05f, 0.9f, false, 0.0f, 1.0f}), ErrorCode::kInvalidArgument);
    return floats(a.w.tensor());
  });
}

TEST(adafactor_is_torchs) {
  const std::vector<double> matrix = {0.196745777,  0.098957826,  0.012761493,  -0.079114303,
                                      -0.182234904, -0.272872595, -0.365356414, -0.534023499,
                                      -0.636269108, -0.71826847,  -0.814726127, -0.908005876};
  const std::vector<double> vector = {0.185328133,  0.071444454,  0.004177398,  -0.097301248,
                                      -0.174015475, -0.284671128, -0.38151536,  -0.538619948,
                                      -0.639046653, -0.717147626, -0.823864743, -0.931779403};
  on_every_isa([&](Context& ctx) {
    Problem a({3, 4}), b({12});
    Buffer rows = zeros({3}), columns = zeros({4}), variance = zeros({12});
    AdafactorOptions o;
    o.learning_rate = 0.05f;
    for (o.step = 1; o.step <= kSteps; ++o.step) {
      a.set_gradient(static_cast<int>(o.step)), b.set_gradient(static_cast<int>(o.step));
      o.weight_decay = 0.1f;
      adafactor(ctx, a.target(), a.g.tensor(), rows.tensor(), columns.tensor(), {}, o);
      o.weight_decay = 0.0f;
      adafactor(ctx, b.target(), b.g.tensor(), {}, {}, variance.tensor(), o);
    }
    expect(floats(a.w.tensor()), matrix, 5e-7);
    expect(floats(b.w.tensor()), vector, 5e-7);
    // A gradient of zeros, as A of a fresh adapter has it in its first step, changes nothing and divides by nothing.
    Problem still({3, 4});
    for (int64_t i = 0; i < 12; ++i) still.g.tensor().f32()[i] = 0;
    Buffer r2 = zeros({3}), c2 = zeros({4});
    o.step = 1;
    adafactor(ctx, still.target(), still.g.tensor(), r2.tensor(), c2.tensor(), {}, o);
    for (int64_t i = 0; i < 12; ++i) CHECK_EQ(still.w.tensor().f32()[i], start_weight(i));
    return floats(a.w.tensor());
  });
}

TEST(adafactor_over_many_chunks) {
  const int64_t r = 190, c = 211;
  on_every_isa([&](Context& ctx) {
    Problem p({r, c});
    p.set_gradient(2);
    Buffer rows = zeros({r}), columns = zeros({c});
    AdafactorOptions o;
    o.learning_rate = 0.01f;
    adafactor(ctx, p.target(), p.g.tensor(), rows.tensor(), columns.tensor(), {}, o);
    double row = 0, column = 0;
    for (int64_t j = 0; j < c; ++j) row += std::pow(gradient_at(5 * c + j, 2), 2) / c;
    for (int64_t i = 0; i < r; ++i) column += std::pow(gradient_at(i * c + 200, 2), 2) / r;
    CHECK_NEAR(rows.tensor().f32()[5], row, 1e-6);
    CHECK_NEAR(columns.tensor().f32()[200], column, 1e-6);
    return floats(p.w.tensor());
  });
}

TEST(lion_is_the_papers) {
  const int64_t n = 20000;
  on_every_isa([&](Context& ctx) {
    Problem p({n});
    Buffer m = zeros({n});
    for (int step = 1; step <= kSteps; ++step) {
      p.set_gradient(step);
      lion(ctx, p.target(), p.g.tensor(), m.tensor(), {0.01f, 0.9, 0.99, 0.1f, 1.0f});
    }
    for (int64_t i = 0; i < n; i += 7) {
      double w = start_weight(i), momentum = 0;
      for (int step = 1; step <= kSteps; ++step) {
        const double g = gradient_at(i, step), blend = 0.9 * momentum + 0.1 * g;
        w -= 0.01 * ((blend > 1e-9) - (blend < -1e-9) + 0.1 * w);
        momentum = 0.99 * momentum + 0.01 * g;
        if (std::fabs(blend) < 1e-6 && blend != 0) momentum = NAN;  // a tie that f32 may decide otherwise
      }
      if (!std::isnan(momentum)) CHECK_NEAR(p.w.tensor().f32()[i], w, 1e-6);
    }
    return floats(p.w.tensor());
  });
}

TEST(eight_bit_moments_keep_their_stated_error) {
  for (bool has_sign : {true, false}) {
    std::vector<float> x, back(kMomentBlock);
    for (int64_t i = 0; i < kMomentBlock; ++i) {
      const float size = static_cast<float>(std::pow(10.0, -6.5 * i / (kMomentBlock - 1))) * 3.0f;
      x.push_back(has_sign && i % 2 ? -size : size);
    }
    std::vector<uint8_t> codes(kMomentBlock);
    float scale = 0;
    encode_moments(x.data(), kMomentBlock, has_sign, codes.data(), &scale);
    decode_moments(codes.data(), kMomentBlock, has_sign, scale, back.data());
    CHECK_EQ(scale, 3.0f);
    CHECK_EQ(back[0], 3.0f);
    for (int64_t i = 0; i < kMomentBlock; ++i) {
      const double size = std::fabs(x[i]) / 3.0;
      // Half of the spacing in the decade of x (0.1 to 1 times 10^(decade - 6)), of which the widest gap lies at a
      // decade's lower end.
      const int decade = std::max(0, 6 - static_cast<int>(std::floor(-std::log10(size) + 1e-9)));
      const double spacing = 0.9 * std::pow(10.0, decade - 6) / ((has_sign ? 1 : 2) << decade);
      const double lower = decade > 0 ? 0.9 * std::pow(10.0, decade - 7) / ((has_sign ? 1 : 2) << (decade - 1)) : 1e-6;
      CHECK(std::fabs(back[i] - x[i]) <= 3.0 * (0.5 * std::max(spacing, lower) + 1e-7) || decade == 0);
      CHECK(has_sign || back[i] > 0);
    }
  }
  std::vector<float> none(kMomentBlock, 0.0f), back(kMomentBlock, 1.0f);
  std::vector<uint8_t> codes(kMomentBlock);
  float scale = 1;
  encode_moments(none.data(), kMomentBlock, true, codes.data(), &scale);
  decode_moments(codes.data(), kMomentBlock, true, scale, back.data());
  CHECK(back == none);
}

TEST(adamw_8bit_follows_adamw) {
  const int64_t n = 40001, blocks = (n + kMomentBlock - 1) / kMomentBlock;
  on_every_isa([&](Context& ctx) {
    Problem exact({n}), coded({n});
    Buffer m = zeros({n}), v = zeros({n}), ms = zeros({blocks}), vs = zeros({blocks});
    std::vector<uint8_t> mc(n, 0), vc(n, 0);
    const Tensor mct{mc.data(), DType::kU8, {n}}, vct{vc.data(), DType::kU8, {n}};
    AdamWOptions o;
    o.learning_rate = 1e-2f;
    for (o.step = 1; o.step <= 20; ++o.step) {
      exact.set_gradient(static_cast<int>(o.step)), coded.set_gradient(static_cast<int>(o.step));
      adamw(ctx, exact.target(), exact.g.tensor(), m.tensor(), v.tensor(), o);
      adamw_8bit(ctx, coded.target(), coded.g.tensor(), {mct, vct, ms.tensor(), vs.tensor()}, o);
    }
    double difference = 0, moved = 0;
    for (int64_t i = 0; i < n; ++i) {
      difference += std::pow(exact.w.tensor().f32()[i] - coded.w.tensor().f32()[i], 2);
      moved += std::pow(exact.w.tensor().f32()[i] - start_weight(i), 2);
    }
    CHECK(std::sqrt(difference / moved) < 0.03);
    CHECK(difference > 0);
    return floats(coded.w.tensor());
  });
}

TEST(stochastic_rounding_keeps_the_mean) {
  const int64_t n = 40000;
  on_every_isa([&](Context& ctx) {
    Problem p({n}, DType::kBF16);
    for (int64_t i = 0; i < n; ++i) p.w.tensor().as<bf16>()[i] = to_bf16(1.0f), p.g.tensor().f32()[i] = 1.0f;
    // Each step moves by 1/2048: a quarter of half a bf16 step below 1, which rounding to nearest would lose every
    // time.
    UpdateTarget target = p.target();
    for (uint32_t step = 0; step < 8; ++step) {
      target.rounding.step = step;
      sgd(ctx, target, p.g.tensor(), {}, {1.0f / 2048, 0.0f, false, 0.0f, 1.0f});
    }
    double sum = 0;
    std::vector<float> out;
    for (int64_t i = 0; i < n; ++i) out.push_back(to_f32(p.w.tensor().as<bf16>()[i])), sum += out.back();
    // Standard error of the mean: at most 8 steps of variance (2^-8)^2 / 4 over n.
    CHECK_NEAR(sum / n, 1.0 - 8.0 / 2048, 5 * std::sqrt(8.0) / 512 / std::sqrt(n));
    return out;
  });
  // The largest finite value does not become infinite; infinity and NaN stay what they are.
  const float largest = to_f32(bf16{0x7f7f});
  CHECK_EQ(round_stochastically(largest * 1.003f, 0xffffu).bits, 0x7f7f);
  CHECK_EQ(round_stochastically(INFINITY, 0xffffu).bits, 0x7f80);
  CHECK(std::isnan(to_f32(round_stochastically(NAN, 0xffffu))));
}

TEST_MAIN()
