#include "models/gguf/common_gguf.h"

#include <array>
#include <utility>

#include "core/error.h"
#include "models/gguf/gguf_rope.h"

namespace anneal {
namespace {

constexpr std::array<std::pair<const char*, const char*>, 3> kGlobalNames = {{
    {"model.embed_tokens.", "token_embd."},
    {"model.norm.", "output_norm."},
    {"lm_head.", "output."},
}};

constexpr std::array<std::pair<const char*, const char*>, 13> kLayerNames = {{
    {"input_layernorm.", "attn_norm."},
    {"self_attn.q_proj.", "attn_q."},
    {"self_attn.k_proj.", "attn_k."},
    {"self_attn.v_proj.", "attn_v."},
    {"self_attn.o_proj.", "attn_output."},
    {"post_attention_layernorm.", "ffn_norm."},
    {"mlp.gate_proj.", "ffn_gate."},
    {"mlp.up_proj.", "ffn_up."},
    {"mlp.down_proj.", "ffn_down."},
    {"self_attn.q_norm.", "attn_q_norm."},
    {"self_attn.k_norm.", "attn_k_norm."},
    {"self_attn.qkv_proj.", "attn_qkv."},
    {"mlp.gate_up_proj.", "ffn_up."},
}};

bool starts_with(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

constexpr std::array<std::pair<const char*, const char*>, 3> kExpertParts = {{
    {"gate_proj.weight", "ffn_gate"},
    {"up_proj.weight", "ffn_up"},
    {"down_proj.weight", "ffn_down"},
}};

}  // namespace

ModelConfig read_stream_gguf(const GgufFile& file, const std::string& architecture) {
  const std::string a = architecture + ".";
  ModelConfig c;
  c.hidden_size = file.get_int(a + "embedding_length");
  c.layers = file.get_int(a + "block_count");
  c.heads = file.get_int(a + "attention.head_count");
  if (c.heads < 1)
    throw Error(ErrorCode::kFormat, "field_below_minimum", file.path(), "{field} must be at least {minimum}",
                {{"field", "attention.head_count"}, {"minimum", 1}});
  c.kv_heads = file.get_int_or(a + "attention.head_count_kv", c.heads);
  // Mixtures of experts in every layer need no width of a plain feed-forward.
  const GgufValue* of_experts = file.find(a + "expert_feed_forward_length");
  c.ffn_size = of_experts
                   ? file.get_int_or(a + "feed_forward_length", of_experts->as_int(a + "expert_feed_forward_length"))
                   : file.get_int(a + "feed_forward_length");
  c.context_length = file.get_int(a + "context_length");
  c.norm_epsilon = static_cast<float>(file.get_number(a + "attention.layer_norm_rms_epsilon"));
  const GgufTensor& embedding = file.tensor("token_embd.weight");
  if (embedding.shape.rank != 2)
    throw Error(ErrorCode::kShape, "tensor_shape", file.path(), "{tensor} has shape {shape}",
                {{"tensor", "token_embd.weight"}, {"shape", embedding.shape.to_string()}});
  c.vocab_size = embedding.shape[0];
  c.tied_head = file.find_tensor("output.weight") == nullptr;
  return c;
}

ModelConfig read_common_gguf(const GgufFile& file, const std::string& architecture) {
  const std::string a = architecture + ".";
  ModelConfig c = read_stream_gguf(file, architecture);
  c.head_size = file.get_int_or(a + "attention.key_length", c.hidden_size / c.heads);
  if (file.get_int_or(a + "attention.value_length", c.head_size) != c.head_size)
    throw Error(ErrorCode::kUnsupported, "other_than_not_supported", file.path(),
                "{field} other than {only} is not supported",
                {{"field", "attention.value_length"}, {"only", "key_length"}});
  const int64_t rotated = file.get_int_or(a + "rope.dimension_count", c.head_size);
  if (rotated != c.head_size && architecture != "phi3")
    throw Error(ErrorCode::kUnsupported, "other_than_not_supported", file.path(),
                "{field} other than {only} is not supported",
                {{"field", "rope.dimension_count"}, {"only", "the head size"}});
  if (rotated != c.head_size) c.rotary_size = rotated;
  c.qkv_bias = file.find_tensor("blk.0.attn_q.bias") != nullptr;
  c.output_bias = file.find_tensor("blk.0.attn_output.bias") != nullptr;
  c.mlp_bias = file.find_tensor("blk.0.ffn_gate.bias") != nullptr;
  read_rope_gguf(file, architecture, c);
  return c;
}

LayerName layer_name(const std::string& hf_name) {
  const std::string prefix = "model.layers.";
  const size_t dot = starts_with(hf_name, prefix) ? hf_name.find('.', prefix.size()) : std::string::npos;
  if (dot == std::string::npos) return {};
  return {"blk." + hf_name.substr(prefix.size(), dot - prefix.size()) + ".", hf_name.substr(dot + 1)};
}

std::string common_gguf_name(const std::string& hf_name) {
  for (const auto& [hf, gguf] : kGlobalNames)
    if (starts_with(hf_name, hf)) return gguf + hf_name.substr(std::string(hf).size());
  const LayerName name = layer_name(hf_name);
  for (const auto& [hf, gguf] : kLayerNames)
    if (starts_with(name.rest, hf)) return name.block + gguf + name.rest.substr(std::string(hf).size());
  return "";
}

GgufPlace llama_gguf_place(const ModelConfig& config, const std::string& hf_name) {
  GgufPlace place{.tensor = common_gguf_name(hf_name)};
  const std::string rest = layer_name(hf_name).rest;
  if (starts_with(rest, "self_attn.q_proj.") || starts_with(rest, "self_attn.k_proj."))
    place.pairs = {config.head_size, 0, config.head_size};
  return place;
}

GgufPlace moe_gguf_place(const ModelConfig& config, const std::string& hf_name) {
  const auto [block, rest] = layer_name(hf_name);
  GgufPlace place;
  if (rest == "mlp.gate.weight") place.tensor = block + "ffn_gate_inp.weight";
  if (rest == "mlp.gate.e_score_correction_bias") place.tensor = block + "exp_probs_b.bias";
  const std::string shared = "mlp.shared_experts.", experts = "mlp.experts.";
  for (const auto& [hf, gguf] : kExpertParts) {
    if (starts_with(rest, shared) && rest.substr(shared.size()) == hf) place.tensor = block + gguf + "_shexp.weight";
    const size_t dot = starts_with(rest, experts) ? rest.find('.', experts.size()) : std::string::npos;
    if (dot == std::string::npos || rest.substr(dot + 1) != hf) continue;
    place.tensor = block + gguf + "_exps.weight";
    place.expert = std::stoll(rest.substr(experts.size()));
    place.experts = config.moe.experts;
  }
  if (place.tensor.empty()) place.tensor = common_gguf_name(hf_name);
  return place;
}

void refuse_gguf(const char* reason, const std::string& field, const char* pattern, ErrorArgs args) {
  throw Error(ErrorCode::kUnsupported, "gguf_would_differ", "exportGguf",
              "{field}: {problem}; export a merged folder instead",
              {{"field", field}, {"problem", Cause{reason, pattern, std::move(args)}}});
}

void refuse_windows(const ModelConfig& c, const char* architecture) {
  for (int64_t i = 0; i < c.layers; ++i)
    if (c.slides(i))
      refuse_gguf("gguf_no_window", "sliding_window",
                  "llama.cpp runs {architecture} without the window of layer {layer}",
                  {{"architecture", architecture}, {"layer", i}});
}

}  // namespace anneal
