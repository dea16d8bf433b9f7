// Q2_K: 256 weights in 84 bytes: 16 bytes (low nibble scale, high nibble min) for 16 weights each, 64 bytes of 2-bit
// codes, half d, half dmin. Codes: two halves of 128; byte l of a half holds weights l, l + 32, l + 64, l + 96 at
// shifts 0, 2, 4, 6. value = d x scale x code - dmin x min. Read only.
#include "quant/row_functions.h"
#include "quant/types/block_bits.h"

namespace anneal::ANNEAL_QUANT_ISA {

void dequantise_q2_k(const void* blocks, float* out, int64_t n) {
  const uint8_t* p = static_cast<const uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 256, p += 84, out += 256) {
    const uint8_t* scales = p;
    const float d = load_half(p + 80), dmin = load_half(p + 82);
    for (int group = 0; group < 16; ++group) {
      const float dl = d * static_cast<float>(scales[group] & 15);
      const float ml = dmin * static_cast<float>(scales[group] >> 4);
      // 8 groups a half: pairs of 16 weights share a shift.
      const uint8_t* q = p + 16 + 32 * (group / 8) + 16 * (group % 2);
      const int shift = 2 * ((group % 8) / 2);
      for (int j = 0; j < 16; ++j) out[16 * group + j] = dl * static_cast<float>((q[j] >> shift) & 3) - ml;
    }
  }
}

}  // namespace anneal::ANNEAL_QUANT_ISA
