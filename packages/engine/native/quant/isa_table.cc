// The table of one ISA: layouts and row functions of all types, in the same order for every ISA.
#include "quant/row_functions.h"

namespace anneal::ANNEAL_QUANT_ISA {

const QuantType kQuantTypes[] = {
    {DType::kF32, "F32", 0, 1, 4, dequantise_f32, quantise_f32, nullptr},
    {DType::kF16, "F16", 1, 1, 2, dequantise_f16, quantise_f16, nullptr},
    {DType::kBF16, "BF16", 30, 1, 2, dequantise_bf16, quantise_bf16, nullptr},
    {DType::kQ4_0, "Q4_0", 2, 32, 18, dequantise_q4_0, quantise_q4_0, dot_q4_0},
    {DType::kQ4_1, "Q4_1", 3, 32, 20, dequantise_q4_1, quantise_q4_1, dot_q4_1},
    {DType::kQ5_0, "Q5_0", 6, 32, 22, dequantise_q5_0, quantise_q5_0, nullptr},
    {DType::kQ5_1, "Q5_1", 7, 32, 24, dequantise_q5_1, quantise_q5_1, nullptr},
    {DType::kQ8_0, "Q8_0", 8, 32, 34, dequantise_q8_0, quantise_q8_0, dot_q8_0},
    {DType::kQ2_K, "Q2_K", 10, 256, 84, dequantise_q2_k, nullptr, nullptr},
    {DType::kQ3_K, "Q3_K", 11, 256, 110, dequantise_q3_k, nullptr, nullptr},
    {DType::kQ4_K, "Q4_K", 12, 256, 144, dequantise_q4_k, quantise_q4_k, dot_q4_k},
    {DType::kQ5_K, "Q5_K", 13, 256, 176, dequantise_q5_k, quantise_q5_k, dot_q5_k},
    {DType::kQ6_K, "Q6_K", 14, 256, 210, dequantise_q6_k, quantise_q6_k, dot_q6_k},
    {DType::kIQ4_NL, "IQ4_NL", 20, 32, 18, dequantise_iq4_nl, nullptr, nullptr},
    {DType::kIQ4_XS, "IQ4_XS", 23, 256, 136, dequantise_iq4_xs, nullptr, nullptr},
    {DType::kMXFP4, "MXFP4", 39, 32, 17, dequantise_mxfp4, quantise_mxfp4, nullptr},
};
const int kQuantTypeCount = sizeof(kQuantTypes) / sizeof(kQuantTypes[0]);

}  // namespace anneal::ANNEAL_QUANT_ISA
