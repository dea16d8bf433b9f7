// Q5_K: 256 weights in 176 bytes: as Q4_K with 32 bytes of fifth bits before the nibbles; bit g of byte j belongs to
// weight j of group g. value = d x scale x code - dmin x minimum.
#include "quant/types/expand.h"
#include "quant/types/k_affine.h"
#include "quant/types/k_scales.h"

namespace anneal::ANNEAL_QUANT_ISA {

namespace {

struct Q5_KBlocks {
  static constexpr int64_t kElements = 256, kBytes = 176, kGroup = 64;
  using Head = KScales;
  static ANNEAL_INLINE Head head(const void*, const uint8_t* p) { return k_scales(p); }
  template <DType Round>
  static ANNEAL_INLINE void expand(const Head& head, const uint8_t* p, int pair, Vf (&w)[kGroup / kLanes]) {
    for (int half = 0; half < 2; ++half) {
      const int group = 2 * pair + half;
      const Vf scale = splat(head.scale[group]), minimum = splat(head.minimum[group]);
      for (int v = 0; v < 32 / kLanes; ++v) {
        const Vu low = nibbles(p + 48 + 32 * pair, 32, half * 32 / kLanes + v) & 15u;
        const Vu fifth = (load_bytes(p + 16 + v * kLanes) >> group) & 1u;
        w[half * 32 / kLanes + v] =
            weight_value<Round>(scale * to_float(reinterpret_cast<Vi>(low | fifth << 4)) - minimum);
      }
    }
  }
};

}  // namespace

void dequantise_q5_k(const void* blocks, float* out, int64_t n) { read_blocks<Q5_KBlocks>(nullptr, blocks, out, n); }
void dot_q5_k(const BlockDotArgs& args) { dot_blocks<Q5_KBlocks>(args); }

void quantise_q5_k(const float* values, void* blocks, int64_t n, const float* importance) {
  uint8_t* p = static_cast<uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 256, p += 176) {
    const AffineBlock block =
        quantise_affine_block(values + i, importance ? importance + i : nullptr, 31.0f, -1.0f, 20);
    store_u16(p, block.d);
    store_u16(p + 2, block.dmin);
    pack_k_scales(block.scales, block.minima, p + 4);
    for (int j = 0; j < 32; ++j) {
      int fifth = 0;
      for (int group = 0; group < 8; ++group) fifth |= (block.codes[32 * group + j] >> 4) << group;
      p[16 + j] = static_cast<uint8_t>(fifth);
    }
    for (int pair = 0; pair < 4; ++pair)
      for (int j = 0; j < 32; ++j)
        p[48 + 32 * pair + j] =
            static_cast<uint8_t>((block.codes[64 * pair + j] & 15) | (block.codes[64 * pair + 32 + j] & 15) << 4);
  }
}

}  // namespace anneal::ANNEAL_QUANT_ISA
