// Q5_K: 256 weights in 176 bytes: as Q4_K with 32 bytes of fifth bits before the nibbles; bit g of byte j belongs to weight
// j of group g. value = d x scale x code - dmin x minimum.
#include "quant/block_bits.h"
#include "quant/k_affine.h"
#include "quant/k_scales.h"
#include "quant/row_functions.h"

namespace anneal::ANNEAL_QUANT_ISA {

void dequantise_q5_k(const void* blocks, float* __restrict out, int64_t n) {
  const uint8_t* p = static_cast<const uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 256, p += 176, out += 256) {
    const float d = load_half(p), dmin = load_half(p + 2);
    uint8_t scales[8], minima[8];
    unpack_k_scales(p + 4, scales, minima);
    const uint8_t* fifth = p + 16;
    for (int group = 0; group < 8; ++group) {
      const uint8_t* q = p + 48 + 32 * (group / 2);
      const int shift = 4 * (group % 2);
      float* o = out + 32 * group;
      const float dg = d * static_cast<float>(scales[group]), mg = dmin * static_cast<float>(minima[group]);
      for (int j = 0; j < 32; ++j)
        o[j] = dg * static_cast<float>(((q[j] >> shift) & 15) | ((fifth[j] >> group) & 1) << 4) - mg;
    }
  }
}

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
