// IQ4_XS: 256 weights in 136 bytes: half d, u16 of upper scale bits (2 a group), 4 bytes of lower scale nibbles, 128
// bytes: 8 groups of 32 as in IQ4_NL. value = d x (scale - 32) x table[nibble].
#include "quant/row_functions.h"
#include "quant/types/block_bits.h"
#include "quant/types/iq4_table.h"

namespace anneal::ANNEAL_QUANT_ISA {

void dequantise_iq4_xs(const void* blocks, float* out, int64_t n) {
  const uint8_t* p = static_cast<const uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 256, p += 136, out += 256) {
    const float d = load_half(p);
    const int upper = load_u16(p + 2);
    for (int group = 0; group < 8; ++group) {
      const int low = (p[4 + group / 2] >> (4 * (group % 2))) & 15;
      const int high = (upper >> (2 * group)) & 3;
      const float dl = d * static_cast<float>((low | high << 4) - 32);
      const uint8_t* q = p + 8 + 16 * group;
      float* o = out + 32 * group;
      for (int j = 0; j < 16; ++j) o[j] = dl * kIq4Table[q[j] & 15];
      for (int j = 0; j < 16; ++j) o[j + 16] = dl * kIq4Table[q[j] >> 4];
    }
  }
}

}  // namespace anneal::ANNEAL_QUANT_ISA
