#include "models/common_config.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "core/error.h"

namespace anneal {
namespace {

void read_hf_rope(const JsonValue& config, RopeConfig& rope, int64_t context, const std::string& where) {
  const JsonValue* parameters = config.find("rope_parameters");
  if (!parameters || parameters->is_null()) {
    rope.theta = config.get_number_or("rope_theta", 10000.0, where);
    parameters = config.find("rope_scaling");
  } else {
    const std::string at = where + ": rope_parameters";
    rope.theta = parameters->get_number_or("rope_theta", config.get_number_or("rope_theta", 10000.0, where), at);
  }
  if (!parameters || parameters->is_null()) return;
  const std::string at = where + ": rope scaling";
  rope.type = parameters->get_string_or("rope_type", parameters->get_string_or("type", "default", at), at);
  rope.factor = parameters->get_number_or("factor", 1.0, at);
  rope.low_frequency_factor = parameters->get_number_or("low_freq_factor", 1.0, at);
  rope.high_frequency_factor = parameters->get_number_or("high_freq_factor", 4.0, at);
  rope.original_context = parameters->get_int_or("original_max_position_embeddings", context, at);
  if (rope.type != "default" && rope.type != "linear" && rope.type != "llama3")
    throw Error(ErrorCode::kUnsupported, at,
                "rope_type \"" + rope.type + "\" is not supported; supported are default, linear and llama3");
  const double partial = config.get_number_or("partial_rotary_factor", 1.0, where);
  if (partial != 1.0) throw Error(ErrorCode::kUnsupported, where, "partial_rotary_factor other than 1 is not supported");
}

// A GGUF keeps llama3 scaling as divisors; config.json wants the rule. Finds the released rule that gives the same divisors.
RopeConfig restore_rule(const ModelConfig& c) {
  RopeConfig rule = c.rope;
  if (rule.divisors.empty()) return rule;
  ModelConfig plain = c;
  plain.rope.divisors.clear();
  plain.rope.type = "default";
  const std::vector<float> base = rope_frequencies(plain), want = rope_frequencies(c);
  for (double factor : {1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0}) {
    for (int64_t context : {8192, 4096, 16384, 32768}) {
      ModelConfig scaled = plain;
      scaled.rope = {c.rope.theta, "llama3", factor, 1.0, 4.0, context, {}};
      const std::vector<float> got = rope_frequencies(scaled);
      bool same = true;
      for (size_t i = 0; i < got.size() && same; ++i) same = std::abs(got[i] - want[i]) <= 1e-5f * base[i];
      if (same) return scaled.rope;
    }
  }
  throw Error(ErrorCode::kUnsupported, "rope_freqs.weight",
              "holds divisors that no rope_type of config.json describes; export as GGUF instead");
}

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  // The shortest text that reads back the same keeps 1e-05 from becoming 1.0000000000000001e-05.
  for (int digits = 1; digits < 17; ++digits) {
    char shorter[40];
    std::snprintf(shorter, sizeof shorter, "%.*g", digits, value);
    if (std::stod(shorter) == value) return shorter;
  }
  return text;
}

constexpr std::array<std::pair<const char*, const char*>, 3> kGlobalNames = {{
    {"model.embed_tokens.", "token_embd."},
    {"model.norm.", "output_norm."},
    {"lm_head.", "output."},
}};

constexpr std::array<std::pair<const char*, const char*>, 9> kLayerNames = {{
    {"input_layernorm.", "attn_norm."},
    {"self_attn.q_proj.", "attn_q."},
    {"self_attn.k_proj.", "attn_k."},
    {"self_attn.v_proj.", "attn_v."},
    {"self_attn.o_proj.", "attn_output."},
    {"post_attention_layernorm.", "ffn_norm."},
    {"mlp.gate_proj.", "ffn_gate."},
    {"mlp.up_proj.", "ffn_up."},
    {"mlp.down_proj.", "ffn_down."},
}};

bool starts_with(const std::string& text, const std::string& prefix) { return text.compare(0, prefix.size(), prefix) == 0; }

}  // namespace

ModelConfig read_common_hf(const JsonValue& config, const std::string& where) {
  ModelConfig c;
  c.family = config.get_string("model_type", where);
  c.vocab_size = config.get_int("vocab_size", where);
  c.hidden_size = config.get_int("hidden_size", where);
  c.layers = config.get_int("num_hidden_layers", where);
  c.heads = config.get_int("num_attention_heads", where);
  c.kv_heads = config.get_int_or("num_key_value_heads", c.heads, where);
  if (c.heads < 1) throw Error(ErrorCode::kFormat, where, "num_attention_heads must be at least 1");
  c.head_size = config.get_int_or("head_dim", c.hidden_size / c.heads, where);
  c.ffn_size = config.get_int("intermediate_size", where);
  c.context_length = config.get_int_or("max_position_embeddings", 2048, where);
  c.norm_epsilon = static_cast<float>(config.get_number_or("rms_norm_eps", 1e-6, where));
  c.tied_head = config.get_bool_or("tie_word_embeddings", false, where);
  const std::string activation = config.get_string_or("hidden_act", "silu", where);
  if (activation != "silu")
    throw Error(ErrorCode::kUnsupported, where, "hidden_act \"" + activation + "\" is not supported; supported is silu");
  read_hf_rope(config, c.rope, c.context_length, where);
  return c;
}

ModelConfig read_common_gguf(const GgufFile& file, const std::string& architecture) {
  const std::string a = architecture + ".";
  ModelConfig c;
  c.hidden_size = file.get_int(a + "embedding_length");
  c.layers = file.get_int(a + "block_count");
  c.heads = file.get_int(a + "attention.head_count");
  if (c.heads < 1) throw Error(ErrorCode::kFormat, file.path(), "attention.head_count must be at least 1");
  c.kv_heads = file.get_int_or(a + "attention.head_count_kv", c.heads);
  c.head_size = file.get_int_or(a + "attention.key_length", c.hidden_size / c.heads);
  if (file.get_int_or(a + "attention.value_length", c.head_size) != c.head_size)
    throw Error(ErrorCode::kUnsupported, file.path(), "attention.value_length other than key_length is not supported");
  if (file.get_int_or(a + "rope.dimension_count", c.head_size) != c.head_size)
    throw Error(ErrorCode::kUnsupported, file.path(), "rope.dimension_count other than the head size is not supported");
  c.ffn_size = file.get_int(a + "feed_forward_length");
  c.context_length = file.get_int(a + "context_length");
  c.norm_epsilon = static_cast<float>(file.get_number_or(a + "attention.layer_norm_rms_epsilon", 1e-6));
  c.rope.theta = file.get_number_or(a + "rope.freq_base", 10000.0);
  const std::string scaling = file.get_string_or(a + "rope.scaling.type", "none");
  const double factor = file.get_number_or(a + "rope.scaling.factor", 1.0);
  if (scaling == "linear") {
    c.rope.type = "linear";
    c.rope.factor = factor;
  } else if (scaling != "none" && factor != 1.0) {
    throw Error(ErrorCode::kUnsupported, file.path(),
                "rope.scaling.type \"" + scaling + "\" is not supported; supported are none, linear and rope_freqs.weight");
  }
  const GgufTensor& embedding = file.tensor("token_embd.weight");
  if (embedding.shape.rank != 2)
    throw Error(ErrorCode::kShape, file.path(), "token_embd.weight has shape " + embedding.shape.to_string());
  c.vocab_size = embedding.shape[0];
  c.tied_head = file.find_tensor("output.weight") == nullptr;
  c.qkv_bias = file.find_tensor("blk.0.attn_q.bias") != nullptr;
  c.output_bias = file.find_tensor("blk.0.attn_output.bias") != nullptr;
  c.mlp_bias = file.find_tensor("blk.0.ffn_gate.bias") != nullptr;
  if (const GgufTensor* freqs = file.find_tensor("rope_freqs.weight")) {
    if (freqs->shape.elements() != c.head_size / 2)
      throw Error(ErrorCode::kShape, file.path(), "rope_freqs.weight must hold head_size / 2 values");
    c.rope.divisors.resize(static_cast<size_t>(c.head_size / 2));
    freqs->read_rows_f32(0, freqs->tensor(file.path()).rows(), c.rope.divisors.data(), file.path());
  }
  return c;
}

std::string common_hf_fields(const ModelConfig& c, const std::string& model_type, const std::string& class_name,
                             const std::string& dtype) {
  std::string s;
  auto field = [&](const char* key, const std::string& value) {
    s += std::string(s.empty() ? "" : ",\n") + "  \"" + key + "\": " + value;
  };
  auto integer = [](int64_t value) { return std::to_string(value); };
  auto boolean = [](bool value) { return std::string(value ? "true" : "false"); };
  field("architectures", "[" + json_quote(class_name) + "]");
  field("model_type", json_quote(model_type));
  field("dtype", json_quote(dtype));
  field("vocab_size", integer(c.vocab_size));
  field("hidden_size", integer(c.hidden_size));
  field("intermediate_size", integer(c.ffn_size));
  field("num_hidden_layers", integer(c.layers));
  field("num_attention_heads", integer(c.heads));
  field("num_key_value_heads", integer(c.kv_heads));
  field("head_dim", integer(c.head_size));
  field("hidden_act", "\"silu\"");
  field("max_position_embeddings", integer(c.context_length));
  field("rms_norm_eps", number(static_cast<double>(c.norm_epsilon)));
  field("tie_word_embeddings", boolean(c.tied_head));
  field("attention_bias", boolean(c.qkv_bias));
  field("mlp_bias", boolean(c.mlp_bias));
  const RopeConfig rule = restore_rule(c);
  field("rope_theta", number(rule.theta));
  std::string rope = "{\"rope_type\": " + json_quote(rule.type) + ", \"rope_theta\": " + number(rule.theta);
  if (rule.type != "default") rope += ", \"factor\": " + number(rule.factor);
  if (rule.type == "llama3") {
    rope += ", \"low_freq_factor\": " + number(rule.low_frequency_factor);
    rope += ", \"high_freq_factor\": " + number(rule.high_frequency_factor);
    rope += ", \"original_max_position_embeddings\": " + integer(rule.original_context);
  }
  field("rope_parameters", rope + "}");
  return s;
}

std::string common_gguf_name(const std::string& hf_name) {
  for (const auto& [hf, gguf] : kGlobalNames)
    if (starts_with(hf_name, hf)) return gguf + hf_name.substr(std::string(hf).size());
  const std::string prefix = "model.layers.";
  if (!starts_with(hf_name, prefix)) return "";
  const size_t dot = hf_name.find('.', prefix.size());
  if (dot == std::string::npos) return "";
  const std::string rest = hf_name.substr(dot + 1);
  for (const auto& [hf, gguf] : kLayerNames)
    if (starts_with(rest, hf))
      return "blk." + hf_name.substr(prefix.size(), dot - prefix.size()) + "." + gguf + rest.substr(std::string(hf).size());
  return "";
}

}  // namespace anneal
