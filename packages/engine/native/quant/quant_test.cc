// Every type against gguf-py's numbers, every ISA against the portable one, and the errors of the searching quantisers.
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "io/json.h"
#include "io/safetensors.h"
#include "quant/quant.h"
#include "test_support/check.h"

using namespace anneal;

namespace anneal {
namespace generic {
extern const QuantType kQuantTypes[];
}
namespace avx2 {
extern const QuantType kQuantTypes[];
}
namespace avx512 {
extern const QuantType kQuantTypes[];
}
}  // namespace anneal

namespace {

struct Random {
  uint64_t state = 88172645463325252ull;
  uint64_t next() {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  float normal() {
    return static_cast<float>(std::sqrt(-2.0 * std::log(uniform() + 1e-300)) * std::cos(6.283185307179586 * uniform()));
  }
};

struct IsaTable {
  const char* name;
  const QuantType* table;
};

std::vector<IsaTable> isas() {
  std::vector<IsaTable> all = {{"generic", generic::kQuantTypes}};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c")) all.push_back({"avx2", avx2::kQuantTypes});
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
    all.push_back({"avx512", avx512::kQuantTypes});
#endif
  return all;
}

size_t row_bytes(const QuantType& type, int64_t n) {
  return static_cast<size_t>(n / type.block_elements * type.block_bytes);
}

double rmse(const QuantType& type, const std::vector<float>& w) {
  const int64_t n = static_cast<int64_t>(w.size());
  std::vector<uint8_t> blocks(row_bytes(type, n));
  std::vector<float> back(w.size());
  quantise_rows(type.dtype, w.data(), blocks.data(), 1, n);
  dequantise_rows(type.dtype, blocks.data(), back.data(), 1, n);
  double sum = 0;
  for (size_t i = 0; i < w.size(); ++i) sum += std::pow(static_cast<double>(back[i]) - static_cast<double>(w[i]), 2);
  return std::sqrt(sum / static_cast<double>(n));
}

}  // namespace

TEST(goldens_bit_for_bit) {
  const std::string dir = std::string(ANNEAL_FIXTURES) + "/goldens/quant";
  const JsonValue types = read_json_file(dir + "/ggml_types.json");
  const SafetensorsFile file(dir + "/ggml_types.safetensors");
  int checked = 0;
  for (const IsaTable& isa : isas()) {
    for (const auto& [name, about] : types.as_object("types")) {
      const QuantType* found = find_quant_type(name);
      CHECK(found != nullptr);
      if (!found) continue;
      const QuantType& type = isa.table[found - &quant_type_at(0)];
      CHECK_EQ(static_cast<int64_t>(type.ggml_type), about.get_int("ggml_type", name));
      const SafetensorsEntry* bytes = file.find(name + ".bytes");
      const SafetensorsEntry* want = file.find(name + ".float32");
      const int64_t rows = want->shape[0], n = want->shape[1];
      std::vector<float> got(static_cast<size_t>(rows * n));
      for (int64_t r = 0; r < rows; ++r)
        type.dequantise_generic(bytes->data + static_cast<size_t>(r) * row_bytes(type, n), got.data() + r * n, n);
      if (std::memcmp(got.data(), want->data, want->bytes) != 0)
        test::fail(__FILE__, __LINE__, name + " dequantised by " + isa.name + " differs from gguf-py");
      ++checked;
      if (about.get_string_or("quantised_from", "", name) != "w") continue;
      std::vector<float> w(got.size());
      file.find("w")->read_f32(w.data(), name);
      std::vector<uint8_t> packed(bytes->bytes);
      for (int64_t r = 0; r < rows; ++r)
        type.quantise(w.data() + r * n, packed.data() + static_cast<size_t>(r) * row_bytes(type, n), n, nullptr);
      if (std::memcmp(packed.data(), bytes->data, bytes->bytes) != 0)
        test::fail(__FILE__, __LINE__, name + " quantised by " + isa.name + " differs from gguf-py");
    }
  }
  CHECK(checked >= 15);
}

TEST(every_isa_gives_the_same_bits) {
  Random random;
  const int64_t n = 256 * 24;
  for (int t = 0; t < quant_type_count(); ++t) {
    const QuantType& reference = quant_type_at(t);
    std::vector<uint8_t> blocks(row_bytes(reference, n));
    for (uint8_t& b : blocks) b = static_cast<uint8_t>(random.next());
    std::vector<float> w(static_cast<size_t>(n)), weights(w.size());
    for (size_t i = 0; i < w.size(); ++i) {
      w[i] = random.normal() * static_cast<float>(std::pow(10.0, static_cast<double>(i / 256 % 9) - 5.0));
      if (i / 256 == 3) w[i] = 0.0f;
      if (i / 256 == 5) w[i] = 1.25f;
      weights[i] = static_cast<float>(random.uniform()) + 0.01f;
    }
    std::vector<float> want(w.size()), got(w.size());
    reference.dequantise_generic(blocks.data(), want.data(), n);
    std::vector<uint8_t> want_blocks(blocks.size()), got_blocks(blocks.size());
    if (reference.quantise) reference.quantise(w.data(), want_blocks.data(), n, weights.data());
    for (const IsaTable& isa : isas()) {
      isa.table[t].dequantise_generic(blocks.data(), got.data(), n);
      if (std::memcmp(got.data(), want.data(), got.size() * 4) != 0)
        test::fail(__FILE__, __LINE__, std::string(reference.name) + " dequantised by " + isa.name + " has other bits");
      if (!reference.quantise) continue;
      isa.table[t].quantise(w.data(), got_blocks.data(), n, weights.data());
      if (got_blocks != want_blocks)
        test::fail(__FILE__, __LINE__, std::string(reference.name) + " quantised by " + isa.name + " has other bits");
    }
  }
}

TEST(halves_round_to_nearest_even) {
  // All finite halves survive the round trip, and the midpoints between neighbours go to the even one.
  for (const IsaTable& isa : isas()) {
    const QuantType& f16 = isa.table[1];
    for (uint32_t h = 0; h < 0x7bff; ++h) {
      const uint16_t pair[2] = {static_cast<uint16_t>(h), static_cast<uint16_t>(h + 1)};
      float v[2];
      f16.dequantise_generic(pair, v, 2);
      const float middle = static_cast<float>((static_cast<double>(v[0]) + static_cast<double>(v[1])) / 2);
      const float in[4] = {v[0], middle, -middle, std::nextafterf(middle, v[1])};
      uint16_t out[4];
      f16.quantise(in, out, 4, nullptr);
      const uint16_t even = static_cast<uint16_t>(h & 1 ? h + 1 : h);
      CHECK(out[0] == h && out[1] == even && out[2] == (even | 0x8000) && out[3] == h + 1);
    }
    const float special[4] = {65519.0f, 65520.0f, INFINITY, NAN};
    uint16_t out[4];
    f16.quantise(special, out, 4, nullptr);
    CHECK(out[0] == 0x7bff && out[1] == 0x7c00 && out[2] == 0x7c00 && (out[3] & 0x7fff) > 0x7c00);
  }
}

TEST(k_quants_are_close) {
  Random random;
  std::vector<float> w(256 * 64);
  for (float& v : w) v = random.normal() * 0.02f;
  // Relative to the standard deviation. llama.cpp's own quantisers, measured on such weights through the library inside
  // node-llama-cpp 3.22.1: Q4_K 0.0714, Q5_K 0.0361, Q6_K 0.0178. Ours search further and must stay below.
  CHECK(rmse(quant_type(DType::kQ4_K), w) < 0.0714 * 0.02);
  CHECK(rmse(quant_type(DType::kQ5_K), w) < 0.0361 * 0.02);
  CHECK(rmse(quant_type(DType::kQ6_K), w) < 0.0178 * 0.02);
}

TEST(k_quants_hold_unusual_blocks) {
  std::vector<float> ramp(2048), outliers(2048), one(256, 1e-4f), huge(256);
  Random random;
  for (size_t i = 0; i < ramp.size(); ++i) {
    ramp[i] = -1.0f + static_cast<float>(i) / 2047.0f * 2.0f;
    outliers[i] = i % 97 == 0 ? 100.0f : random.normal();
  }
  one[5] = 1e4f;
  for (float& v : huge) v = random.normal() * 1e37f;
  // Groups whose weights are all far from zero have a step as small as their spread.
  const std::vector<float> low(ramp.begin(), ramp.begin() + 1024);
  CHECK(rmse(quant_type(DType::kQ4_K), low) < 0.0015);
  CHECK(rmse(quant_type(DType::kQ5_K), low) < 0.0008);
  // Against llama.cpp's on the whole ramp: Q5_K 0.00376, Q6_K 0.00384.
  CHECK(rmse(quant_type(DType::kQ5_K), ramp) < 0.00376);
  CHECK(rmse(quant_type(DType::kQ6_K), ramp) < 0.00384);
  CHECK(rmse(quant_type(DType::kQ5_K), outliers) < 0.51);
  // Where one weight is all there is to hold, it comes back as it was; so do equal ones.
  CHECK_NEAR(rmse(quant_type(DType::kQ6_K), one), 0.0, 2e-4);
  CHECK_NEAR(rmse(quant_type(DType::kQ6_K), std::vector<float>(256, -5.0f)), 0.0, 1e-6);
  CHECK(std::isfinite(rmse(quant_type(DType::kQ6_K), huge)));
}

TEST(odd_inputs_are_defined) {
  // Zeros, constants, tiny and huge values, NaN and infinity: no undefined behaviour (the sanitizers watch), and what
  // can be represented comes back.
  const float extremes[] = {0.0f, 1.0f, -1.0f, 1e-38f, 1e-45f, 6e4f, -3e38f, 3e38f, NAN, INFINITY, -INFINITY};
  for (int t = 0; t < quant_type_count(); ++t) {
    const QuantType& type = quant_type_at(t);
    if (!type.quantise) continue;
    for (const float a : extremes)
      for (const float b : extremes) {
        std::vector<float> w(256, a), back(256);
        for (size_t i = 0; i < w.size(); i += 3) w[i] = b;
        std::vector<uint8_t> blocks(row_bytes(type, 256));
        quantise_rows(type.dtype, w.data(), blocks.data(), 1, 256);
        dequantise_rows(type.dtype, blocks.data(), back.data(), 1, 256);
        if (a == b && (a == 0.0f || std::fabs(a) == 1.0f))
          for (const float v : back) CHECK_NEAR(static_cast<double>(v), static_cast<double>(a), 0.01);
      }
  }
}

TEST(rows_that_do_not_fit_are_refused) {
  CHECK_ERROR(quant_row_bytes(DType::kQ4_K, 128), ErrorCode::kShape);
  CHECK_ERROR(quant_row_bytes(DType::kQ4_0, -32), ErrorCode::kShape);
  CHECK_ERROR(quant_row_bytes(DType::kI32, 4), ErrorCode::kUnsupported);
  CHECK_ERROR(row_quantiser(DType::kQ2_K), ErrorCode::kUnsupported);
  CHECK_EQ(quant_row_bytes(DType::kQ6_K, 512), size_t{420});
  CHECK(find_quant_type("Q9_9") == nullptr && find_quant_type(99u) == nullptr);
}

TEST_MAIN()
