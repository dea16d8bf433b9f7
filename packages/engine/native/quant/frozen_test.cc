// The frozen-base formats: bounds of their error, doubly quantised scales, equal bits on every ISA.
#include "quant/frozen.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "core/philox.h"
#include "test_support/check.h"

using namespace anneal;

namespace anneal {
namespace generic {
extern const FrozenFunctions kFrozenFunctions;
}
}  // namespace anneal

namespace {

std::vector<float> normal_values(size_t n) {
  const RandomStream stream{11, 0, 3};
  std::vector<float> v(n);
  for (size_t i = 0; i < n; ++i) {
    const double u = static_cast<double>(stream.uniform(2 * i)) + 1e-9,
                 w = static_cast<double>(stream.uniform(2 * i + 1));
    v[i] = static_cast<float>(0.02 * std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * w));
  }
  return v;
}

double relative_rmse(const std::vector<float>& got, const std::vector<float>& want) {
  double error = 0, size = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    error += std::pow(static_cast<double>(got[i] - want[i]), 2);
    size += std::pow(static_cast<double>(want[i]), 2);
  }
  return std::sqrt(error / size);
}

struct Nf4 {
  std::vector<uint8_t> blocks;
  std::vector<float> groups;
  Nf4Scales scales;
};

Nf4 quantise(const FrozenFunctions& f, const std::vector<float>& w) {
  const int64_t n = static_cast<int64_t>(w.size()), blocks = n / kFrozenBlock;
  Nf4 q{std::vector<uint8_t>(static_cast<size_t>(blocks * kNf4Bytes)),
        std::vector<float>(static_cast<size_t>((blocks + kNf4Group - 1) / kNf4Group)),
        {}};
  std::vector<float> largest(static_cast<size_t>(blocks));
  f.quantise_nf4(w.data(), q.blocks.data(), largest.data(), n);
  q.scales.mean = quantise_nf4_scales(largest.data(), blocks, q.blocks.data(), q.groups.data());
  q.scales.blocks = q.blocks.data();
  q.scales.groups = q.groups.data();
  return q;
}

}  // namespace

TEST(int8_is_within_half_a_step) {
  const std::vector<float> w = normal_values(64 * 40);
  std::vector<uint8_t> blocks(40 * kInt8Bytes);
  std::vector<float> back(w.size());
  frozen_functions().quantise_int8(w.data(), blocks.data(), static_cast<int64_t>(w.size()));
  frozen_functions().dequantise_int8(blocks.data(), back.data(), static_cast<int64_t>(w.size()));
  for (size_t b = 0; b < 40; ++b) {
    float largest = 0;
    for (size_t i = 64 * b; i < 64 * (b + 1); ++i) largest = std::max(largest, std::fabs(w[i]));
    for (size_t i = 64 * b; i < 64 * (b + 1); ++i) CHECK(std::fabs(back[i] - w[i]) <= largest / 127.0f * 0.5001f);
  }
}

TEST(nf4_error_is_what_the_table_allows) {
  // More than one group of scales, and a last one that is not full.
  const std::vector<float> w = normal_values(64 * 600);
  const Nf4 q = quantise(frozen_functions(), w);
  std::vector<float> back(w.size());
  frozen_functions().dequantise_nf4(&q.scales, q.blocks.data(), back.data(), static_cast<int64_t>(w.size()));
  // Normal weights in blocks of 64 with exact magnitudes lose 0.0926 (measured in float64 with the paper's table).
  const double error = relative_rmse(back, w);
  CHECK(error > 0.08 && error < 0.0935);
  // A run from the middle reads its own scales.
  std::vector<float> run(64 * 3);
  frozen_functions().dequantise_nf4(&q.scales, q.blocks.data() + 300 * kNf4Bytes, run.data(), 64 * 3);
  CHECK(std::memcmp(run.data(), back.data() + 64 * 300, run.size() * 4) == 0);
}

TEST(every_isa_gives_the_same_bits) {
  std::vector<float> w = normal_values(64 * 300);
  std::fill(w.begin(), w.begin() + 64, 0.0f);
  const Nf4 fast = quantise(frozen_functions(), w), plain = quantise(generic::kFrozenFunctions, w);
  CHECK(fast.blocks == plain.blocks && fast.groups == plain.groups);
  std::vector<float> a(w.size()), b(w.size());
  frozen_functions().dequantise_nf4(&fast.scales, fast.blocks.data(), a.data(), static_cast<int64_t>(w.size()));
  generic::kFrozenFunctions.dequantise_nf4(&plain.scales, plain.blocks.data(), b.data(),
                                           static_cast<int64_t>(w.size()));
  CHECK(std::memcmp(a.data(), b.data(), a.size() * 4) == 0);
  std::vector<uint8_t> x(300 * kInt8Bytes), y(x.size());
  frozen_functions().quantise_int8(w.data(), x.data(), static_cast<int64_t>(w.size()));
  generic::kFrozenFunctions.quantise_int8(w.data(), y.data(), static_cast<int64_t>(w.size()));
  CHECK(x == y);
}

TEST_MAIN()
