// Q4_K: 256 weights in 144 bytes: half d, half dmin, 12 bytes of 6-bit scales and minima, 128 bytes of nibbles; of
// every 32 bytes, low nibbles are one group of 32 and high nibbles the next. value = d x scale x code - dmin x minimum.
#include "quant/types/expand.h"
#include "quant/types/k_affine.h"
#include "quant/types/k_scales.h"

namespace anneal::ANNEAL_QUANT_ISA {

namespace {

struct Q4_KBlocks {
  static constexpr int64_t kElements = 256, kBytes = 144, kGroup = 64;
  using Head = KScales;
  static ANNEAL_INLINE Head head(const void*, const uint8_t* p) { return k_scales(p); }
  template <DType Round>
  static ANNEAL_INLINE void expand(const Head& head, const uint8_t* p, int pair, Vf (&w)[kGroup / kLanes]) {
    const LevelPair levels = affine_level_pair<Round>(head.scale + 2 * pair, head.minimum + 2 * pair);
    for (int v = 0; v < kGroup / kLanes; ++v)
      w[v] = look_up(v * kLanes < 32 ? levels.first : levels.second, nibbles(p + 16 + 32 * pair, 32, v));
  }
};

}  // namespace

void dequantise_q4_k(const void* blocks, float* out, int64_t n) { read_blocks<Q4_KBlocks>(nullptr, blocks, out, n); }
void dot_q4_k(const BlockDotArgs& args) { dot_blocks<Q4_KBlocks>(args); }

void quantise_q4_k(const float* values, void* blocks, int64_t n, const float* importance) {
  uint8_t* p = static_cast<uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 256, p += 144) {
    const AffineBlock block =
        quantise_affine_block(values + i, importance ? importance + i : nullptr, 15.0f, -1.0f, 20);
    store_u16(p, block.d);
    store_u16(p + 2, block.dmin);
    pack_k_scales(block.scales, block.minima, p + 4);
    for (int pair = 0; pair < 4; ++pair)
      for (int j = 0; j < 32; ++j)
        p[16 + 32 * pair + j] = static_cast<uint8_t>(block.codes[64 * pair + j] | block.codes[64 * pair + 32 + j] << 4);
  }
}

}  // namespace anneal::ANNEAL_QUANT_ISA
