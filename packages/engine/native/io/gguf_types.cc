// Which tensor type a file type gives each tensor: the mixture rules of llama.cpp's quantiser.
#include <cstring>

#include "io/gguf_export.h"
#include "quant/quant.h"

namespace anneal {
namespace {

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

bool ends_with(const std::string& text, const char* tail) {
  const size_t n = std::strlen(tail);
  return text.size() >= n && text.compare(text.size() - n, n, tail) == 0;
}

// Layer number of "blk.N.", -1 for other names.
int64_t layer_of(const std::string& name) {
  if (name.compare(0, 4, "blk.") != 0) return -1;
  int64_t layer = 0;
  size_t i = 4;
  for (; i < name.size() && name[i] >= '0' && name[i] <= '9' && i < 12; ++i) layer = layer * 10 + (name[i] - '0');
  return i > 4 ? layer : -1;
}

// The first and last eighth of the layers, and every third between, are worth more bits.
bool use_more_bits(int64_t layer, int64_t layers) {
  return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

// Rows that are no multiple of 256 take the next wider type with blocks of 32; rows that are no multiple of 32 stay
// F16.
DType fit_row(DType dtype, int64_t row) {
  if (row % quant_type(dtype).block_elements == 0) return dtype;
  if (row % 32 != 0) return DType::kF16;
  return dtype == DType::kQ4_K ? DType::kQ5_0 : dtype == DType::kQ5_K ? DType::kQ5_1 : DType::kQ8_0;
}

// `usual` for most tensors; the head, fused attention and (in the M mixtures) some values and down projections get more
// bits.
DType mixture(DType usual, bool medium, const std::string& name, const Shape& shape, int64_t block_count,
              bool tied_head) {
  if (name == "output.weight" || (tied_head && name == "token_embd.weight"))
    return shape[-1] % 256 == 0 ? DType::kQ6_K : DType::kQ8_0;
  if (!medium) return usual;
  const int64_t layer = layer_of(name);
  const bool generous = layer >= 0 && use_more_bits(layer, block_count);
  if (contains(name, "attn_qkv.weight")) return usual == DType::kQ4_K ? DType::kQ5_K : DType::kQ6_K;
  if (generous && (contains(name, "attn_v.weight") || contains(name, "ffn_down"))) return DType::kQ6_K;
  return usual;
}

}  // namespace

GgufFileType parse_gguf_file_type(const std::string& name) {
  if (name == "F32") return GgufFileType::kF32;
  if (name == "F16") return GgufFileType::kF16;
  if (name == "BF16") return GgufFileType::kBF16;
  if (name == "Q8_0") return GgufFileType::kQ8_0;
  if (name == "Q4_0") return GgufFileType::kQ4_0;
  if (name == "Q4_K_M") return GgufFileType::kQ4_K_M;
  if (name == "Q5_K_M") return GgufFileType::kQ5_K_M;
  if (name == "Q6_K") return GgufFileType::kQ6_K;
  throw Error(
      ErrorCode::kInvalidArgument, "must_be_one_of", "type", "must be one of {expected}, found {found}",
      {{"expected", "F32, F16, BF16, Q8_0, Q4_0, Q4_K_M, Q5_K_M, Q6_K"}, {"found", "\"" + name.substr(0, 40) + "\""}});
}

DType gguf_tensor_type(GgufFileType type, const std::string& name, const Shape& shape, int64_t block_count,
                       bool tied_head) {
  // Vectors, norms and routers are small and sensitive: llama.cpp keeps them in F32.
  if (type == GgufFileType::kF32 || shape.rank < 2 || !ends_with(name, ".weight") || contains(name, "_norm.weight") ||
      contains(name, "ffn_gate_inp.weight"))
    return DType::kF32;
  const auto mixed = [&](DType usual, bool medium) {
    return fit_row(mixture(usual, medium, name, shape, block_count, tied_head), shape[-1]);
  };
  switch (type) {
    case GgufFileType::kF32: return DType::kF32;
    case GgufFileType::kF16: return DType::kF16;
    case GgufFileType::kBF16: return DType::kBF16;
    case GgufFileType::kQ8_0: return fit_row(DType::kQ8_0, shape[-1]);
    case GgufFileType::kQ4_0: return mixed(DType::kQ4_0, false);
    case GgufFileType::kQ4_K_M: return mixed(DType::kQ4_K, true);
    case GgufFileType::kQ5_K_M: return mixed(DType::kQ5_K, true);
    case GgufFileType::kQ6_K: return mixed(DType::kQ6_K, false);
  }
  throw Error(ErrorCode::kInternal, "gguf_file_type_unknown", name, "unknown file type");
}

}  // namespace anneal
