#include "models/gguf/gemma_gguf.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "models/gguf/common_gguf.h"

namespace anneal {
namespace {

// llama.cpp divides scores by the root of the head size; in the largest model of each family by that of C / heads, in
// whole numbers.
double llama_cpp_scale(const ModelConfig& c, const std::string& architecture) {
  const bool largest = c.layers == (architecture == "gemma2" ? 46 : 62);
  return 1.0 / std::sqrt(static_cast<double>(largest ? c.hidden_size / c.heads : c.head_size));
}

bool is_norm(const std::string& hf_name) { return hf_name.find("norm.weight") != std::string::npos; }

}  // namespace

GgufMetadata gemma_gguf_keys(const ModelConfig& c, const char* architecture) {
  if (std::abs(c.attention_scale - llama_cpp_scale(c, architecture)) > 1e-6)
    refuse_gguf("gguf_own_score_scale", "query_pre_attn_scalar",
                "llama.cpp has a scale of scores of its own for {architecture}", {{"architecture", architecture}});
  const std::string a = std::string(architecture) + ".";
  GgufMetadata keys;
  // A window that no layer has would end llama.cpp: 0 means none.
  const bool slides = std::find(c.attention.begin(), c.attention.end(), LayerAttention::kSliding) != c.attention.end();
  keys.emplace_back(a + "attention.sliding_window", GgufValue::u32(static_cast<uint32_t>(slides ? c.window : 0)));
  // Always written: a file without them is run with Gemma 2's released values.
  if (c.attention_soft_cap > 0.0)
    keys.emplace_back(a + "attn_logit_softcapping", GgufValue::f32(static_cast<float>(c.attention_soft_cap)));
  keys.emplace_back(a + "final_logit_softcapping", GgufValue::f32(static_cast<float>(c.logit_soft_cap)));
  return keys;
}

GgufPlace gemma_gguf_place(const std::string& hf_name) {
  constexpr std::array<std::pair<const char*, const char*>, 3> kNorms = {{
      {"post_attention_layernorm.weight", "post_attention_norm.weight"},
      {"pre_feedforward_layernorm.weight", "ffn_norm.weight"},
      {"post_feedforward_layernorm.weight", "post_ffw_norm.weight"},
  }};
  GgufPlace place;
  place.tensor = common_gguf_name(hf_name);
  const auto [block, rest] = layer_name(hf_name);
  for (const auto& [hf, gguf] : kNorms)
    if (rest == hf) place.tensor = block + gguf;
  place.offset = is_norm(hf_name) ? 1.0f : 0.0f;
  return place;
}

void read_gemma_gguf(const GgufFile& file, const char* architecture, ModelConfig& c) {
  const std::string a = std::string(architecture) + ".";
  c.gelu = true;
  c.window = file.get_int_or(a + "attention.sliding_window", 4096);
  c.logit_soft_cap = file.get_number_or(a + "final_logit_softcapping", 0.0);
  c.attention_scale = llama_cpp_scale(c, architecture);
}

}  // namespace anneal
