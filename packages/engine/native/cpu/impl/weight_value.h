// A weight as the product's precision has it.
#pragma once
#include "cpu/impl/vec.h"

namespace anneal::ANNEAL_ISA_NS {

#if defined(__AVX512BF16__)
ANNEAL_INLINE Vf rounded_to_bf16(Vf v) {
  const __m256i h = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(reinterpret_cast<__m512>(v)));
  return as_float(reinterpret_cast<Vu>(_mm512_cvtepu16_epi32(h)) << 16);
}
#endif

template <DType Round>
ANNEAL_INLINE Vf weight_value(Vf v) {
#if defined(__AVX512BF16__)
  if constexpr (Round == DType::kBF16) return rounded_to_bf16(v);
#else
  if constexpr (Round == DType::kBF16) return as_float(bf16_bits(v) << 16);
#endif
  if constexpr (Round == DType::kF16) return round_to_f16(v);
  return v;
}

}  // namespace anneal::ANNEAL_ISA_NS
