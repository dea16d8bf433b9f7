#include "models/common_config.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/error.h"

namespace anneal {
namespace {

// The value under `key`, nullptr where it is missing or null.
const JsonValue* present(const JsonValue& object, const char* key) {
  const JsonValue* value = object.find(key);
  return value && !value->is_null() ? value : nullptr;
}

std::vector<float> read_floats(const JsonValue& object, const char* key, const std::string& where) {
  std::vector<float> values;
  const JsonValue* list = object.find(key);
  if (!list || list->is_null()) return values;
  for (size_t i = 0; i < list->as_array(where).size(); ++i)
    values.push_back(static_cast<float>(list->as_array(where)[i].as_number(where + "." + key)));
  return values;
}

// The scaling in `p`, whose theta is known already.
void read_scaling(const JsonValue& p, RopeConfig& rope, int64_t context, const std::string& at) {
  rope.type = p.get_string_or("rope_type", p.get_string_or("type", "default", at), at);
  if (rope.type == "su") rope.type = "longrope";  // its name in the first Phi-3 files
  rope.low_frequency_factor = p.get_number_or("low_freq_factor", 1.0, at);
  rope.high_frequency_factor = p.get_number_or("high_freq_factor", 4.0, at);
  rope.original_context = p.get_int_or("original_max_position_embeddings", context, at);
  const double ratio =
      rope.original_context > 0 ? static_cast<double>(context) / static_cast<double>(rope.original_context) : 1.0;
  rope.factor = p.get_number_or("factor", rope.type == "longrope" ? 0.0 : rope.type == "yarn" ? ratio : 1.0, at);
  rope.beta_fast = p.get_number_or("beta_fast", 32.0, at);
  rope.beta_slow = p.get_number_or("beta_slow", 1.0, at);
  rope.mscale = p.get_number_or("mscale", 0.0, at);
  rope.mscale_all_dim = p.get_number_or("mscale_all_dim", 0.0, at);
  rope.attention_factor = p.get_number_or("attention_factor", 0.0, at);
  rope.truncate = p.get_bool_or("truncate", true, at);
  rope.short_factor = read_floats(p, "short_factor", at);
  rope.long_factor = read_floats(p, "long_factor", at);
  for (const char* known : {"default", "linear", "dynamic", "llama3", "yarn", "longrope"})
    if (rope.type == known) return;
  throw Error(ErrorCode::kUnsupported, "not_supported_but", at, "{setting} is not supported; supported are {supported}",
              {{"setting", "rope_type \"" + rope.type + "\""},
               {"supported", "default, linear, dynamic, llama3, yarn and longrope"}});
}

void read_hf_rope(const JsonValue& config, ModelConfig& c, const HfDefaults& defaults, const std::string& where) {
  const JsonValue* parameters = present(config, "rope_scaling");
  if (!parameters) parameters = present(config, "rope_parameters");
  double partial = config.get_number_or("partial_rotary_factor", 1.0, where);
  c.rope.theta = config.get_number_or("rope_theta", defaults.theta, where);
  if (parameters) {
    const std::string at = where + ": rope scaling";
    c.rope.theta = parameters->get_number_or("rope_theta", c.rope.theta, at);
    partial = parameters->get_number_or("partial_rotary_factor", partial, at);
    read_scaling(*parameters, c.rope, c.context_length, at);
    // Phi-3 writes it beside the scaling, where transformers prefers it.
    c.rope.original_context = config.get_int_or("original_max_position_embeddings", c.rope.original_context, where);
  }
  if (!(partial > 0.0 && partial <= 1.0))
    throw Error(ErrorCode::kFormat, "not_between", where, "{field} must lie between {low} and {high}",
                {{"field", "partial_rotary_factor"}, {"low", 0}, {"high", 1}});
  if (partial == 1.0) return;
  if (defaults.rotates_part) {
    c.rotary_size = static_cast<int64_t>(static_cast<double>(c.head_size) * partial);
  } else if (c.rope.type != "default") {
    throw Error(ErrorCode::kUnsupported, "not_supported_with", where,
                "{field} is not supported with {setting}; set it to {value}",
                {{"field", "partial_rotary_factor"}, {"setting", "rope_type \"" + c.rope.type + "\""}, {"value", 1}});
  }
}

// A GGUF keeps llama3 scaling as divisors; config.json wants the rule. The released one that gives the same divisors,
// else they themselves.
RopeConfig restore_rule(const ModelConfig& c) {
  RopeConfig rule = c.rope;
  if (rule.divisors.empty()) return rule;
  ModelConfig plain = c;
  plain.rope.divisors.clear();
  plain.rope.type = "default";
  const int64_t channels = c.rotated();
  const std::vector<float> base = rope_frequencies(plain.rope, channels), want = rope_frequencies(c.rope, channels);
  for (double factor : {1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0}) {
    for (int64_t context : {8192, 4096, 16384, 32768}) {
      ModelConfig scaled = plain;
      scaled.rope.type = "llama3";
      scaled.rope.factor = factor;
      scaled.rope.original_context = context;
      const std::vector<float> got = rope_frequencies(scaled.rope, channels);
      bool same = true;
      for (size_t i = 0; i < got.size() && same; ++i) same = std::abs(got[i] - want[i]) <= 1e-5f * base[i];
      if (same) return scaled.rope;
    }
  }
  // Any divisors are factors of longrope that are the same within the original context and beyond.
  RopeConfig factors = plain.rope;
  factors.type = "longrope";
  factors.short_factor = factors.long_factor = rule.divisors;
  factors.factor = factors.attention_factor = 1.0;
  factors.original_context = c.context_length;
  return factors;
}

}  // namespace

std::string json_number(double value) {
  // The shortest text that reads back the same keeps 1e-05 from becoming 1.0000000000000001e-05.
  char text[40];
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    std::snprintf(text, sizeof text, "%.1f", value);
    return text;
  }
  for (int digits = 1; digits <= 17; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    if (std::stod(text) == value) break;
  }
  return text;
}

namespace {

std::string rope_json(const RopeConfig& r, const ModelConfig& c) {
  std::string s = "{\"rope_type\": " + json_quote(r.type) + ", \"rope_theta\": " + json_number(r.theta);
  auto field = [&](const char* key, const std::string& value) { s += std::string(", \"") + key + "\": " + value; };
  auto list = [](const std::vector<float>& values) {
    std::string text;
    for (float v : values) text += (text.empty() ? "" : ", ") + json_number(static_cast<double>(v));
    return "[" + text + "]";
  };
  if (c.rotary_size)
    field("partial_rotary_factor", json_number(static_cast<double>(c.rotary_size) / static_cast<double>(c.head_size)));
  if (r.type != "default" && r.factor > 0.0) field("factor", json_number(r.factor));
  if (r.type == "llama3") {
    field("low_freq_factor", json_number(r.low_frequency_factor));
    field("high_freq_factor", json_number(r.high_frequency_factor));
  }
  if (r.type == "yarn") {
    field("beta_fast", json_number(r.beta_fast));
    field("beta_slow", json_number(r.beta_slow));
    if (r.mscale != 0.0) field("mscale", json_number(r.mscale));
    if (r.mscale_all_dim != 0.0) field("mscale_all_dim", json_number(r.mscale_all_dim));
    if (!r.truncate) field("truncate", "false");
  }
  if (r.type == "longrope") field("short_factor", list(r.short_factor)), field("long_factor", list(r.long_factor));
  if (r.attention_factor > 0.0) field("attention_factor", json_number(r.attention_factor));
  if (r.type == "llama3" || r.type == "yarn" || r.type == "longrope")
    field("original_max_position_embeddings", std::to_string(r.original_context));
  return s + "}";
}

}  // namespace

std::string layer_types_hf_field(const ModelConfig& c) {
  std::string types;
  for (LayerAttention a : c.attention)
    types += std::string(types.empty() ? "" : ", ") +
             (a == LayerAttention::kSliding ? "\"sliding_attention\"" : "\"full_attention\"");
  return ",\n  \"layer_types\": [" + types + "]";
}

ModelConfig read_common_hf(const JsonValue& config, const std::string& where, const HfDefaults& defaults) {
  ModelConfig c;
  c.family = config.get_string("model_type", where);
  c.vocab_size = config.get_int("vocab_size", where);
  c.hidden_size = config.get_int("hidden_size", where);
  c.layers = config.get_int("num_hidden_layers", where);
  c.heads = config.get_int("num_attention_heads", where);
  c.kv_heads = config.get_int_or("num_key_value_heads", c.heads, where);
  if (c.heads < 1)
    throw Error(ErrorCode::kFormat, "field_below_minimum", where, "{field} must be at least {minimum}",
                {{"field", "num_attention_heads"}, {"minimum", 1}});
  c.head_size = config.get_int_or("head_dim", defaults.head_size ? defaults.head_size : c.hidden_size / c.heads, where);
  c.ffn_size = config.get_int("intermediate_size", where);
  c.context_length = config.get_int_or("max_position_embeddings", 2048, where);
  c.norm_epsilon = static_cast<float>(config.get_number_or("rms_norm_eps", defaults.norm_epsilon, where));
  c.tied_head = config.get_bool_or("tie_word_embeddings", false, where);
  const JsonValue* named = config.find("hidden_activation");  // gemma's own key, beside a hidden_act that it ignores
  const std::string activation = named && !named->is_null()
                                     ? config.get_string("hidden_activation", where)
                                     : config.get_string_or("hidden_act", defaults.activation, where);
  if (activation != defaults.activation)
    throw Error(ErrorCode::kUnsupported, "not_supported_only", where,
                "{setting} is not supported; supported is {supported}",
                {{"setting", "hidden_act \"" + activation + "\""}, {"supported", defaults.activation}});
  c.gelu = activation == "gelu_pytorch_tanh";
  const JsonValue* parameters = present(config, "rope_parameters");
  const bool by_kind = parameters && (parameters->find("full_attention") || parameters->find("sliding_attention"));
  if (by_kind && !defaults.rope_by_kind)
    throw Error(ErrorCode::kUnsupported, "not_by_kind_of_layer", where,
                "{field} by kind of layer are not supported for {family}; give one set for all layers",
                {{"field", "rope_parameters"}, {"family", c.family}});
  if (parameters && !by_kind && defaults.rope_by_kind)
    throw Error(
        ErrorCode::kUnsupported, "not_of_all_layers", where,
        "{field} of all layers are not supported for {family}; give {needed}",
        {{"field", "rope_parameters"}, {"family", c.family}, {"needed", "full_attention and sliding_attention"}});
  if (!by_kind) read_hf_rope(config, c, defaults, where);
  return c;
}

int64_t read_window(const JsonValue& config, int64_t fallback, const std::string& where) {
  const JsonValue* window = config.find("sliding_window");
  if (!window) return fallback;
  if (window->is_null()) return 0;
  const int64_t tokens = config.get_int("sliding_window", where);
  if (tokens < 1)
    throw Error(ErrorCode::kFormat, "not_in_range", where, "{field} is {value}, expected {low} to {high}",
                {{"field", "sliding_window"}, {"value", tokens}, {"low", 1}, {"high", 16777216}});
  return tokens;
}

RopeConfig read_layer_rope(const JsonValue& config, const char* kind, double fallback_theta, int64_t context,
                           const std::string& where) {
  RopeConfig rope;
  rope.theta = fallback_theta;
  const JsonValue* parameters = present(config, "rope_parameters");
  const JsonValue* own = parameters ? present(*parameters, kind) : nullptr;
  if (!own) return rope;
  const std::string at = where + ": rope_parameters." + kind;
  rope.theta = own->get_number_or("rope_theta", fallback_theta, at);
  read_scaling(*own, rope, context, at);
  rope.truncate = true;  // transformers looks for it outside of the kinds
  if (rope.type == "longrope")
    throw Error(ErrorCode::kUnsupported, "setting_not_by_kind_of_layer", at,
                "{setting} is not supported by kind of layer", {{"setting", "rope_type \"longrope\""}});
  return rope;
}

void slide_everywhere(ModelConfig& c, int64_t window, const std::string& where) {
  if (c.layers < 1 || c.layers > 1024)
    throw Error(ErrorCode::kFormat, "not_between", where, "{field} must lie between {low} and {high}",
                {{"field", "num_hidden_layers"}, {"low", 1}, {"high", 1024}});
  c.window = window;
  if (window != 0) c.attention.assign(static_cast<size_t>(c.layers), LayerAttention::kSliding);
}

void read_layer_types(const JsonValue& config, ModelConfig& c, const std::string& where,
                      bool (*slides)(int64_t, int64_t), int64_t parameter) {
  if (c.layers < 1 || c.layers > 1024)
    throw Error(ErrorCode::kFormat, "not_between", where, "{field} must lie between {low} and {high}",
                {{"field", "num_hidden_layers"}, {"low", 1}, {"high", 1024}});
  c.attention.assign(static_cast<size_t>(c.layers), LayerAttention::kFull);
  const JsonValue* types = config.find("layer_types");
  if (!types || types->is_null()) {
    for (int64_t i = 0; i < c.layers; ++i)
      if (slides(i, parameter)) c.attention[static_cast<size_t>(i)] = LayerAttention::kSliding;
    return;
  }
  const auto& list = types->as_array(where + ": layer_types");
  if (static_cast<int64_t>(list.size()) != c.layers)
    throw Error(ErrorCode::kFormat, "values_per_layer", where, "{field} holds {values} values for {layers} layers",
                {{"field", "layer_types"}, {"values", list.size()}, {"layers", c.layers}});
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string type = list[i].as_string(where + ": layer_types");
    if (type != "full_attention" && type != "sliding_attention")
      throw Error(
          ErrorCode::kUnsupported, "not_supported_but", where, "{setting} is not supported; supported are {supported}",
          {{"setting", "layer_types: \"" + type + "\""}, {"supported", "full_attention and sliding_attention"}});
    if (type == "sliding_attention") c.attention[i] = LayerAttention::kSliding;
  }
}

void read_qwen_windows(const JsonValue& config, ModelConfig& c, const std::string& where) {
  if (!config.get_bool_or("use_sliding_window", false, where)) return;
  c.window = read_window(config, 4096, where);
  if (c.window == 0) return;
  read_layer_types(
      config, c, where, [](int64_t layer, int64_t full) { return layer >= full; },
      config.get_int_or("max_window_layers", 28, where));
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
  field("head_dim", integer(c.mla.kv_rank ? c.mla.rope_size : c.head_size));  // latent attention: what is rotated
  field(c.gelu ? "hidden_activation" : "hidden_act", c.gelu ? "\"gelu_pytorch_tanh\"" : "\"silu\"");
  field("max_position_embeddings", integer(c.context_length));
  field("rms_norm_eps", json_number(static_cast<double>(c.norm_epsilon)));
  field("tie_word_embeddings", boolean(c.tied_head));
  field("attention_bias", boolean(c.qkv_bias));
  field("mlp_bias", boolean(c.mlp_bias));
  const RopeConfig rule = restore_rule(c);
  field("rope_theta", json_number(rule.theta));
  if (c.has_local_rope) {
    field("rope_local_base_freq", json_number(c.local_rope.theta));
    field("rope_parameters", "{\"full_attention\": " + rope_json(rule, c) +
                                 ", \"sliding_attention\": " + rope_json(c.local_rope, c) + "}");
  } else {
    field("rope_parameters", rope_json(rule, c));
  }
  return s;
}

std::string window_hf_fields(const ModelConfig& c) {
  if (c.attention.empty()) return ",\n  \"use_sliding_window\": false";
  return ",\n  \"use_sliding_window\": true,\n  \"sliding_window\": " + std::to_string(c.window) +
         layer_types_hf_field(c);
}

std::string gemma_hf_fields(const ModelConfig& c) {
  auto cap = [](double value) { return value > 0.0 ? json_number(value) : std::string("null"); };
  // A whole number to transformers; through the scale it comes back with an error in the last digits.
  const double scalar = 1.0 / (c.attention_scale * c.attention_scale), whole = std::round(scalar);
  return ",\n  \"query_pre_attn_scalar\": " +
         (std::abs(scalar - whole) < 1e-9 * scalar ? std::to_string(static_cast<int64_t>(whole))
                                                   : json_number(scalar)) +
         ",\n  \"attn_logit_softcapping\": " + cap(c.attention_soft_cap) +
         ",\n  \"final_logit_softcapping\": " + cap(c.logit_soft_cap) +
         ",\n  \"sliding_window\": " + std::to_string(c.window) + layer_types_hf_field(c);
}

}  // namespace anneal
