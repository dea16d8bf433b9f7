// Registry of GGUF tensor types and the choice of the fastest row functions.
#include "quant/quant.h"

#include <string>

#include "core/checked.h"

namespace anneal {

namespace generic {
extern const QuantType kQuantTypes[];
extern const int kQuantTypeCount;
}  // namespace generic
#if defined(__x86_64__)
namespace avx2 {
extern const QuantType kQuantTypes[];
}
namespace avx512 {
extern const QuantType kQuantTypes[];
}
namespace avx512_bf16 {
extern const QuantType kQuantTypes[];
}
#endif

namespace {

const QuantType* fastest_table() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("f16c"))
    return avx512::kQuantTypes;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c")) return avx2::kQuantTypes;
#endif
  return generic::kQuantTypes;
}

const QuantType* fastest() {
  static const QuantType* const table = fastest_table();
  return table;
}

int index_of(DType dtype) {
  for (int i = 0; i < generic::kQuantTypeCount; ++i)
    if (generic::kQuantTypes[i].dtype == dtype) return i;
  throw Error(ErrorCode::kUnsupported, "not_gguf_tensor_type", "quant", "this element type is not a GGUF tensor type");
}

void check_row(const QuantType& type, int64_t rows, int64_t n) {
  if (rows < 0 || n < 0 || n % type.block_elements != 0)
    throw Error(ErrorCode::kShape, "rows_not_blocks", type.name,
                "rows of {elements} elements are no multiple of the block of {block}",
                {{"elements", n}, {"block", type.block_elements}});
}

}  // namespace

const QuantType& quant_type(DType dtype) { return generic::kQuantTypes[index_of(dtype)]; }

const QuantType* find_quant_type(uint32_t ggml_type) {
  for (int i = 0; i < generic::kQuantTypeCount; ++i)
    if (generic::kQuantTypes[i].ggml_type == ggml_type) return &generic::kQuantTypes[i];
  return nullptr;
}

const QuantType* find_quant_type(std::string_view name) {
  for (int i = 0; i < generic::kQuantTypeCount; ++i)
    if (name == generic::kQuantTypes[i].name) return &generic::kQuantTypes[i];
  return nullptr;
}

int quant_type_count() { return generic::kQuantTypeCount; }

const QuantType& quant_type_at(int index) {
  if (index < 0 || index >= generic::kQuantTypeCount)
    throw Error(ErrorCode::kInvalidArgument, "type_index_out_of_range", "quant", "type index {index} is out of range",
                {{"index", index}});
  return generic::kQuantTypes[index];
}

size_t quant_row_bytes(DType dtype, int64_t n) {
  const QuantType& type = quant_type(dtype);
  check_row(type, 1, n);
  return static_cast<size_t>(
      checked_mul(static_cast<uint64_t>(n / type.block_elements), static_cast<uint64_t>(type.block_bytes), type.name));
}

RowDequantiser row_dequantiser(DType dtype) { return fastest()[index_of(dtype)].dequantise_generic; }

BlockDots block_dots(DType dtype) {
  const int i = index_of(dtype);
  BlockDots dots;
  dots.generic = generic::kQuantTypes[i].dot;
#if defined(__x86_64__)
  dots.avx2 = avx2::kQuantTypes[i].dot;
  dots.avx512 = avx512::kQuantTypes[i].dot;
  dots.avx512_bf16 = avx512_bf16::kQuantTypes[i].dot;
#endif
  return dots;
}

RowQuantiser row_quantiser(DType dtype) {
  const QuantType& type = fastest()[index_of(dtype)];
  if (!type.quantise)
    throw Error(ErrorCode::kUnsupported, "type_not_quantised_to", type.name,
                "this engine reads the type but does not quantise to it");
  return type.quantise;
}

void dequantise_rows(DType dtype, const void* blocks, float* out, int64_t rows, int64_t n) {
  const QuantType& type = quant_type(dtype);
  check_row(type, rows, n);
  const size_t row_bytes = quant_row_bytes(dtype, n);
  const RowDequantiser row = row_dequantiser(dtype);
  for (int64_t r = 0; r < rows; ++r)
    row(static_cast<const uint8_t*>(blocks) + static_cast<size_t>(r) * row_bytes, out + r * n, n);
}

void quantise_rows(DType dtype, const float* values, void* blocks, int64_t rows, int64_t n) {
  const QuantType& type = quant_type(dtype);
  check_row(type, rows, n);
  const size_t row_bytes = quant_row_bytes(dtype, n);
  const RowQuantiser row = row_quantiser(dtype);
  for (int64_t r = 0; r < rows; ++r)
    row(values + r * n, static_cast<uint8_t*>(blocks) + static_cast<size_t>(r) * row_bytes, n, nullptr);
}

}  // namespace anneal
