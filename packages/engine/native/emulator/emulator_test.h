#pragma once
#include <cstdint>

namespace anneal::emulated {

void warp_functions(uint32_t* out);  // (9, 64)
void ldmatrix(uint32_t* out);        // (32 lanes, 4 registers straight and 4 transposed)
void block_sums(uint32_t* out);      // (256)

}  // namespace anneal::emulated
