// The frozen-base functions of one ISA.
#include "quant/frozen_functions.h"

namespace anneal::ANNEAL_QUANT_ISA {

extern const FrozenFunctions kFrozenFunctions;
const FrozenFunctions kFrozenFunctions = {dequantise_int8, quantise_int8, dot_int8,
                                          dequantise_nf4,  quantise_nf4,  dot_nf4};

}  // namespace anneal::ANNEAL_QUANT_ISA
