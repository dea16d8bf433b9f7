// Q3_K: 256 weights in 110 bytes: 32 bytes of third bits, 64 bytes of 2-bit codes (as in Q2_K), 12 bytes of sixteen
// 6-bit scales, half d. value = d x (scale - 32) x (code - (third bit ? 0 : 4)). Read only.
#include "quant/row_functions.h"
#include "quant/types/block_bits.h"

namespace anneal::ANNEAL_QUANT_ISA {

void dequantise_q3_k(const void* blocks, float* out, int64_t n) {
  const uint8_t* p = static_cast<const uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 256, p += 110, out += 256) {
    const uint8_t* third = p;
    const uint8_t* packed = p + 96;
    const float d = load_half(p + 108);
    for (int group = 0; group < 16; ++group) {
      // Low four bits: bytes 0..7, low nibbles then high; upper two: bytes 8..11, two bits for every fourth group.
      const int low = (packed[group % 8] >> (4 * (group / 8))) & 15;
      const int high = (packed[8 + group % 4] >> (2 * (group / 4))) & 3;
      const float dl = d * static_cast<float>((low | high << 4) - 32);
      const int offset = 16 * (group % 2);
      const uint8_t* q = p + 32 + 32 * (group / 8) + offset;
      const int shift = 2 * ((group % 8) / 2);
      const int bit = group / 2;
      for (int j = 0; j < 16; ++j) {
        const int code = ((q[j] >> shift) & 3) - (((third[offset + j] >> bit) & 1) ? 0 : 4);
        out[16 * group + j] = dl * static_cast<float>(code);
      }
    }
  }
}

}  // namespace anneal::ANNEAL_QUANT_ISA
