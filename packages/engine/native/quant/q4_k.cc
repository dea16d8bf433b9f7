// Q4_K: 256 weights in 144 bytes: half d, half dmin, 12 bytes of 6-bit scales and minima, 128 bytes of nibbles; of every
// 32 bytes, low nibbles are one group of 32 and high nibbles the next. value = d x scale x code - dmin x minimum.
#include "quant/block_bits.h"
#include "quant/k_affine.h"
#include "quant/k_scales.h"
#include "quant/row_functions.h"

namespace anneal::ANNEAL_QUANT_ISA {

void dequantise_q4_k(const void* blocks, float* __restrict out, int64_t n) {
  const uint8_t* p = static_cast<const uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 256, p += 144, out += 256) {
    const float d = load_half(p), dmin = load_half(p + 2);
    uint8_t scales[8], minima[8];
    unpack_k_scales(p + 4, scales, minima);
    for (int pair = 0; pair < 4; ++pair) {
      const uint8_t* q = p + 16 + 32 * pair;
      float* o = out + 64 * pair;
      const float d0 = d * static_cast<float>(scales[2 * pair]), m0 = dmin * static_cast<float>(minima[2 * pair]);
      const float d1 = d * static_cast<float>(scales[2 * pair + 1]), m1 = dmin * static_cast<float>(minima[2 * pair + 1]);
      for (int j = 0; j < 32; ++j) o[j] = d0 * static_cast<float>(q[j] & 15) - m0;
      for (int j = 0; j < 32; ++j) o[j + 32] = d1 * static_cast<float>(q[j] >> 4) - m1;
    }
  }
}

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
