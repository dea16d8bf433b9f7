// A few rows by blocks of every type, on every ISA: the bits of the dense product with the dequantised values, and a
// plain sum in double.
#include <cstring>
#include <string>
#include <vector>

#include "core/bf16.h"
#include "core/buffer.h"
#include "core/philox.h"
#include "ops/gemm/gemm.h"
#include "quant/frozen.h"
#include "quant/quant.h"
#include "test_support/check.h"

using namespace anneal;

namespace {

constexpr int64_t kOut = 71, kIn = 512, kMostRows = 16, kRank = 3;

std::vector<float> random_values(int64_t n, uint32_t op) {
  const RandomStream stream{3, 2, op};
  std::vector<float> v(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) v[static_cast<size_t>(i)] = stream.uniform(i) * 2 - 1;
  return v;
}

// Weights of ordinary size, with rows of zeros, of tiny values (scales below a normal half) and of large ones.
std::vector<float> weights() {
  std::vector<float> w = random_values(kOut * kIn, 1);
  for (int64_t i = 0; i < kOut * kIn; ++i) {
    const int64_t row = i / kIn;
    w[static_cast<size_t>(i)] *= row == 5 ? 0.0f : row % 9 == 7 ? 1e-5f : row % 9 == 2 ? 300.0f : 0.02f;
  }
  return w;
}

struct Blocks {
  std::string name;
  std::vector<uint8_t> bytes;
  std::vector<float> groups, values;  // values: what the blocks mean
  Nf4Scales scales;
  BlockCodec codec;
};

Blocks blocks_of(const QuantType& type, const std::vector<float>& w) {
  Blocks b;
  b.name = type.name;
  b.codec = {type.block_elements,   type.block_bytes, row_dequantiser(type.dtype), nullptr, nullptr,
             block_dots(type.dtype)};
  b.bytes.resize(static_cast<size_t>(kOut) * quant_row_bytes(type.dtype, kIn));
  quantise_rows(type.dtype, w.data(), b.bytes.data(), kOut, kIn);
  return b;
}

void fill_int8(Blocks* b, const std::vector<float>& w) {
  b->name = "int8";
  b->codec = {kFrozenBlock, kInt8Bytes, frozen_functions().dequantise_int8,
              nullptr,      nullptr,    frozen_dots(DType::kInt8Block)};
  b->bytes.resize(static_cast<size_t>(kOut * kIn / kFrozenBlock * kInt8Bytes));
  frozen_functions().quantise_int8(w.data(), b->bytes.data(), kOut * kIn);
}

void fill_nf4(Blocks* b, const std::vector<float>& w) {
  constexpr int64_t kBlocks = kOut * kIn / kFrozenBlock;
  b->name = "NF4";
  b->bytes.resize(static_cast<size_t>(kBlocks * kNf4Bytes));
  b->groups.resize(static_cast<size_t>((kBlocks + kNf4Group - 1) / kNf4Group));
  std::vector<float> largest(static_cast<size_t>(kBlocks));
  frozen_functions().quantise_nf4(w.data(), b->bytes.data(), largest.data(), kOut * kIn);
  b->scales = {b->bytes.data(), b->groups.data(),
               quantise_nf4_scales(largest.data(), kBlocks, b->bytes.data(), b->groups.data())};
  b->codec = {
      kFrozenBlock, kNf4Bytes, nullptr, frozen_functions().dequantise_nf4, &b->scales, frozen_dots(DType::kNF4)};
}

float rounded(float v, GemmPrecision p) {
  return p == GemmPrecision::kBF16 ? to_f32(to_bf16(v)) : p == GemmPrecision::kF16 ? to_f32(to_f16(v)) : v;
}

std::vector<double> plain_product(const std::vector<float>& x, const std::vector<float>& w, GemmPrecision precision) {
  std::vector<double> out;
  for (int64_t i = 0; i < kMostRows; ++i)
    for (int64_t j = 0; j < kOut; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < kIn; ++k)
        sum += static_cast<double>(rounded(x[static_cast<size_t>(i * kIn + k)], precision)) *
               static_cast<double>(rounded(w[static_cast<size_t>(j * kIn + k)], precision));
      out.push_back(sum);
    }
  return out;
}

void check_blocks(Blocks& b) {
  b.values.resize(static_cast<size_t>(kOut * kIn));
  b.codec.read(b.bytes.data(), b.values.data(), kOut * kIn);
  std::vector<float> x = random_values(kMostRows * kIn, 4), la = random_values(kMostRows * kRank, 5),
                     lb = random_values(kOut * kRank, 6);
  const MatrixView dense = Tensor{b.values.data(), DType::kF32, {kOut, kIn}};
  // The element type is the codec's business: a number that means something else shows that nobody reads it.
  const MatrixView blocks(Tensor{b.bytes.data(), DType::kU8, {kOut, kIn}}, &b.codec);
  for (GemmPrecision precision : {GemmPrecision::kF32, GemmPrecision::kBF16, GemmPrecision::kF16}) {
    const std::vector<double> plain = plain_product(x, b.values, precision);
    for (Isa isa : available_isas())
      for (int threads : {1, 2}) {
        ThreadPool pool(threads);
        Arena arena(size_t{16} << 20);
        Context ctx{pool, arena, isa};
        for (int64_t m : {1, 2, 3, 4, 5, 7, 16})
          for (int64_t rank : {int64_t{0}, kRank}) {
            GemmOptions options;
            options.precision = precision;
            if (rank) {
              options.low_rank_a = Tensor{la.data(), DType::kF32, {m, rank}};
              options.low_rank_b = Tensor{lb.data(), DType::kF32, {kOut, rank}};
            }
            Buffer want(DType::kF32, {m, kOut}), got(DType::kF32, {m, kOut});
            const Tensor a{x.data(), DType::kF32, {m, kIn}};
            gemm_abt(ctx, a, dense, want.tensor(), options);
            gemm_abt(ctx, a, blocks, got.tensor(), options);
            const std::string where = b.name + " on " + isa_name(isa) + ", " + std::to_string(m) + " rows";
            if (std::memcmp(want.data(), got.data(), want.bytes()) != 0)
              test::fail(__FILE__, __LINE__, where + ": other bits than the dense product");
            if (!rank && test::relative_error(got.tensor().f32(), plain.data(), static_cast<size_t>(m * kOut)) > 1e-5)
              test::fail(__FILE__, __LINE__, where + ": not the plain sum");
            CHECK(arena.peak_bytes() <= gemm_scratch_bytes(ctx, precision, m, kOut, kIn, rank));
          }
      }
  }
}

}  // namespace

TEST(products_with_blocks_have_the_bits_of_dense_ones) {
  const std::vector<float> w = weights();
  int types = 0;
  for (int t = 0; t < quant_type_count(); ++t) {
    const QuantType& type = quant_type_at(t);
    if (type.block_elements == 1 || !type.quantise) continue;
    Blocks b = blocks_of(type, w);
    check_blocks(b);
    ++types;
  }
  CHECK(types >= 9);
  Blocks int8, nf4;
  fill_int8(&int8, w);
  check_blocks(int8);
  fill_nf4(&nf4, w);
  check_blocks(nf4);
}

TEST(the_common_types_are_multiplied_in_registers_on_every_isa) {
  std::vector<BlockDots> all = {frozen_dots(DType::kInt8Block), frozen_dots(DType::kNF4)};
  for (DType type : {DType::kQ8_0, DType::kQ4_0, DType::kQ4_1, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K})
    all.push_back(block_dots(type));
  for (const BlockDots& dots : all)
    for (Isa isa : available_isas()) CHECK(dots.of(isa) != nullptr);
  CHECK(block_dots(DType::kQ2_K).of(Isa::kGeneric) == nullptr);
  CHECK(frozen_dots(DType::kF32).of(Isa::kGeneric) == nullptr);
}

TEST_MAIN()
