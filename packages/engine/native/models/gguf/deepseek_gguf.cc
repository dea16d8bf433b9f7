#include "models/gguf/deepseek_gguf.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "models/gguf/common_gguf.h"
#include "models/gguf/gguf_rope.h"

namespace anneal {
namespace {

const std::string kArchitecture = "deepseek2.";
constexpr int64_t kSoftmax = 1, kSigmoid = 2;  // numbers of expert_gating_func

constexpr std::array<std::pair<const char*, const char*>, 6> kLatentNames = {{
    {"self_attn.q_a_proj.", "attn_q_a."},
    {"self_attn.q_a_layernorm.", "attn_q_a_norm."},
    {"self_attn.q_b_proj.", "attn_q_b."},
    {"self_attn.kv_a_proj_with_mqa.", "attn_kv_a_mqa."},
    {"self_attn.kv_a_layernorm.", "attn_kv_a_norm."},
    {"self_attn.kv_b_proj.", "attn_kv_b."},
}};

// Models that llama.cpp knows by their number of layers and takes to have no latent of the queries, whatever their keys
// say.
bool is_lite_for_llama_cpp(const ModelConfig& c) {
  return c.layers == 26 || c.layers == 27 || (c.layers == 48 && c.vocab_size == 128256);
}

void read_latent_sizes(const GgufFile& file, ModelConfig& c) {
  const auto number = [&](const char* key) { return file.get_int(kArchitecture + key); };
  MlaConfig& m = c.mla;
  m.kv_rank = number("attention.kv_lora_rank");
  m.rope_size = number("rope.dimension_count");
  // Files without the keys of the absorbed form hold kv_b whole and mean the heads' own sizes by the plain ones.
  const bool absorbed = file.find(kArchitecture + "attention.key_length_mla") != nullptr;
  const int64_t key = number(absorbed ? "attention.key_length_mla" : "attention.key_length");
  m.value_size = number(absorbed ? "attention.value_length_mla" : "attention.value_length");
  if (m.kv_rank < 1 || m.rope_size < 2 || key <= m.rope_size)
    throw Error(ErrorCode::kFormat, "fields_disagree", file.path(), "{fields} do not fit together",
                {{"fields", "deepseek2.attention.kv_lora_rank, rope.dimension_count and key_length_mla"}});
  m.nope_size = key - m.rope_size;
  m.q_rank = file.find_tensor("blk.0.attn_q_a.weight") ? number("attention.q_lora_rank") : 0;
  c.head_size = key;
  c.kv_heads = c.heads;
}

void read_experts(const GgufFile& file, ModelConfig& c) {
  const auto number = [&](const char* key, int64_t fallback) { return file.get_int_or(kArchitecture + key, fallback); };
  MoeConfig& m = c.moe;
  const int64_t dense = number("leading_dense_block_count", 0);
  m.experts = dense >= c.layers ? 0 : number("expert_count", 0);
  if (m.experts == 0) return;
  m.experts_per_token = file.get_int(kArchitecture + "expert_used_count");
  m.ffn_size = file.get_int(kArchitecture + "expert_feed_forward_length");
  m.shared_experts = number("expert_shared_count", 0);
  m.scale = file.get_number_or(kArchitecture + "expert_weights_scale", 1.0);
  if (m.scale == 0.0) m.scale = 1.0;  // llama.cpp's word for none
  m.normalise = file.get_bool_or(kArchitecture + "expert_weights_norm", false);
  m.sigmoid = deepseek_gguf_is_sigmoid(file);
  m.groups = std::max<int64_t>(1, number("expert_group_count", 1));
  m.topk_groups = std::max<int64_t>(1, number("expert_group_used_count", 1));
  c.sparse.assign(static_cast<size_t>(c.layers), 0);
  for (int64_t i = std::max<int64_t>(0, dense); i < c.layers; ++i) c.sparse[static_cast<size_t>(i)] = 1;
}

void check_experts(const ModelConfig& c) {
  const MoeConfig& m = c.moe;
  if (m.experts == 0)
    refuse_gguf("gguf_experts_only", "n_routed_experts", "llama.cpp reads {architecture} with experts only",
                {{"architecture", "deepseek2"}});
  if (m.shared_experts == 0)
    refuse_gguf("gguf_shared_experts_only", "n_shared_experts",
                "llama.cpp reads {architecture} with shared experts only", {{"architecture", "deepseek2"}});
  // By the best of each group and by its best two the same experts win only where no group that holds a winner can
  // lose.
  if (!m.sigmoid && m.topk_groups < m.groups && m.experts_per_token > m.topk_groups)
    refuse_gguf("gguf_ranks_groups_by_two", "topk_group",
                "llama.cpp ranks groups by their best two experts, {family} by the best one",
                {{"family", "deepseek_v2"}});
  if (m.sigmoid && m.groups > 1 && m.experts / m.groups < 2)
    refuse_gguf("gguf_ranks_groups", "n_group", "llama.cpp ranks groups by their best two experts");
}

// The latents' norms have an epsilon of their own in transformers.
void check_attention(const ModelConfig& c) {
  if (std::abs(c.norm_epsilon - 1e-6f) > 1e-9f)
    refuse_gguf("gguf_latent_norms", "rms_norm_eps", "llama.cpp runs the latents' norms with it instead of {value}",
                {{"value", "1e-6"}});
  if (c.qkv_bias)
    refuse_gguf("gguf_no_biases", "attention_bias", "llama.cpp has no biases in {architecture}",
                {{"architecture", "deepseek2"}});
  if (c.mlp_bias)
    refuse_gguf("gguf_no_biases", "mlp_bias", "llama.cpp has no biases in {architecture}",
                {{"architecture", "deepseek2"}});
  if (c.mla.q_rank && is_lite_for_llama_cpp(c))
    refuse_gguf("gguf_no_query_rank", "q_lora_rank", "llama.cpp takes a model of {layers} layers to have none",
                {{"layers", c.layers}});
}

}  // namespace

bool deepseek_gguf_is_sigmoid(const GgufFile& file) {
  const int64_t gating = file.get_int_or(kArchitecture + "expert_gating_func", 0);
  if (gating != 0) return gating == kSigmoid;
  // Converters take the kind from a field that not every config.json of V3 has; only V3 corrects its scores.
  const int64_t sparse = file.get_int_or(kArchitecture + "leading_dense_block_count", 0);
  return file.find_tensor("blk." + std::to_string(sparse) + ".exp_probs_b.bias") != nullptr;
}

ModelConfig read_deepseek_gguf(const GgufFile& file) {
  ModelConfig c = read_stream_gguf(file, "deepseek2");
  // Layers behind the last one predict further tokens: not part of the model that is served.
  c.layers -= file.get_int_or(kArchitecture + "nextn_predict_layers", 0);
  if (c.layers < 1 || c.layers > 1024)
    throw Error(ErrorCode::kFormat, "not_between", file.path(), "{field} must lie between {low} and {high}",
                {{"field", "deepseek2.block_count"}, {"low", 1}, {"high", 1024}});
  const int64_t gating = file.get_int_or(kArchitecture + "expert_gating_func", kSoftmax);
  if (gating != kSoftmax && gating != kSigmoid && gating != 0)
    throw Error(ErrorCode::kUnsupported, "not_supported_but", file.path(),
                "{setting} is not supported; supported are {supported}",
                {{"setting", "deepseek2.expert_gating_func " + std::to_string(gating)},
                 {"supported", "1 (softmax) and 2 (sigmoid)"}});
  read_latent_sizes(file, c);
  read_experts(file, c);
  read_rope_gguf(file, "deepseek2", c);
  return c;
}

GgufPlace deepseek_gguf_place(const ModelConfig& c, const std::string& hf_name) {
  const auto [block, rest] = layer_name(hf_name);
  for (const auto& [hf, gguf] : kLatentNames) {
    if (rest.compare(0, std::string(hf).size(), hf) != 0) continue;
    GgufPlace place{.tensor = block + gguf + rest.substr(std::string(hf).size())};
    const MlaConfig& m = c.mla;
    const bool of_queries = rest == "self_attn.q_b_proj.weight",
               of_keys = rest == "self_attn.kv_a_proj_with_mqa.weight";
    if (!m.interleaved && of_queries) place.pairs = {m.nope_size + m.rope_size, m.nope_size, m.rope_size};
    if (!m.interleaved && of_keys) place.pairs = {m.kv_rank + m.rope_size, m.kv_rank, m.rope_size};
    if (rest == "self_attn.kv_b_proj.weight") {
      place.joined_tensor = place.tensor;
      place.tensor = block + "attn_k_b.weight";
      place.value_tensor = block + "attn_v_b.weight";
      place.key_rows = m.nope_size;
      place.value_rows = m.value_size;
    }
    return place;
  }
  GgufPlace place = moe_gguf_place(c, hf_name);
  if (!c.mla.interleaved && rest == "self_attn.q_proj.weight")
    place.pairs = {c.mla.nope_size + c.mla.rope_size, c.mla.nope_size, c.mla.rope_size};
  return place;
}

GgufMetadata deepseek_gguf_keys(const ModelConfig& c) {
  check_experts(c);
  check_attention(c);
  GgufMetadata keys;
  const auto whole = [&](const char* key, int64_t value) {
    keys.emplace_back(kArchitecture + key, GgufValue::u32(static_cast<uint32_t>(value)));
  };
  const MlaConfig& a = c.mla;
  // Absorbed, attention has one head of keys: the latent and the rotated part that all heads share.
  whole("attention.head_count_kv", 1);
  whole("attention.key_length", a.kv_rank + a.rope_size);
  whole("attention.value_length", a.kv_rank);
  whole("attention.key_length_mla", a.nope_size + a.rope_size);
  whole("attention.value_length_mla", a.value_size);
  whole("attention.kv_lora_rank", a.kv_rank);
  whole("attention.q_lora_rank", a.q_rank);
  whole("rope.dimension_count", a.rope_size);
  const MoeConfig& m = c.moe;
  whole("leading_dense_block_count", std::count(c.sparse.begin(), c.sparse.end(), 0));
  whole("expert_count", m.experts);
  whole("expert_used_count", m.experts_per_token);
  whole("expert_feed_forward_length", m.ffn_size);
  whole("expert_shared_count", m.shared_experts);
  whole("expert_gating_func", m.sigmoid ? kSigmoid : kSoftmax);
  keys.emplace_back(kArchitecture + "expert_weights_scale", GgufValue::f32(static_cast<float>(m.scale)));
  keys.emplace_back(kArchitecture + "expert_weights_norm", GgufValue::boolean(m.normalise));
  // Groups that cut nothing off are left out; V2's would be ranked otherwise.
  if (m.sigmoid && m.groups > 1) {
    whole("expert_group_count", m.groups);
    whole("expert_group_used_count", m.topk_groups);
  }
  return keys;
}

}  // namespace anneal
