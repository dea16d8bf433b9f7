// IQ4_NL: 32 weights in 18 bytes: half d, 16 bytes of nibbles as in Q4_0 that index a table. value = d x table[nibble].
#include "quant/row_functions.h"
#include "quant/types/block_bits.h"
#include "quant/types/iq4_table.h"

namespace anneal::ANNEAL_QUANT_ISA {

void dequantise_iq4_nl(const void* blocks, float* out, int64_t n) {
  const uint8_t* p = static_cast<const uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 32, p += 18, out += 32) {
    const float d = load_half(p);
    const uint8_t* q = p + 2;
    for (int j = 0; j < 16; ++j) out[j] = d * kIq4Table[q[j] & 15];
    for (int j = 0; j < 16; ++j) out[j + 16] = d * kIq4Table[q[j] >> 4];
  }
}

}  // namespace anneal::ANNEAL_QUANT_ISA
