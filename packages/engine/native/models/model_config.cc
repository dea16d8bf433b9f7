#include "models/model_config.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace anneal {
namespace {

constexpr int64_t kMaxVocab = int64_t{1} << 24;
constexpr int64_t kMaxWidth = int64_t{1} << 20;
constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxContext = int64_t{1} << 24;

void check_range(int64_t value, int64_t low, int64_t high, const std::string& where, const char* field) {
  if (value < low || value > high)
    throw Error(ErrorCode::kFormat, "not_in_range", where, "{field} is {value}, expected {low} to {high}",
                {{"field", field}, {"value", value}, {"low", low}, {"high", high}});
}

// Llama 3.1: long wavelengths are divided by the factor, short ones kept, those between blended.
double scale_llama3(double frequency, const RopeConfig& rope) {
  const double wavelength = 2.0 * M_PI / frequency;
  const double context = static_cast<double>(rope.original_context);
  if (wavelength > context / rope.low_frequency_factor) return frequency / rope.factor;
  if (wavelength < context / rope.high_frequency_factor) return frequency;
  const double smooth =
      (context / wavelength - rope.low_frequency_factor) / (rope.high_frequency_factor - rope.low_frequency_factor);
  return (1.0 - smooth) * frequency / rope.factor + smooth * frequency;
}

// arXiv 2309.00071: pairs that turn often keep their frequency, slow ones are divided by the factor, those between are
// blended.
std::vector<float> scale_yarn(const RopeConfig& rope, int64_t channels) {
  const double original = static_cast<double>(rope.original_context), dims = static_cast<double>(channels);
  auto correction = [&](double rotations) {
    return dims * std::log(original / (rotations * 2.0 * M_PI)) / (2.0 * std::log(rope.theta));
  };
  double low = correction(rope.beta_fast), high = correction(rope.beta_slow);
  if (rope.truncate) low = std::floor(low), high = std::ceil(high);
  low = std::max(low, 0.0);
  high = std::min(high, dims - 1.0);
  if (low == high) high += 0.001;
  std::vector<float> out(static_cast<size_t>(channels / 2));
  for (size_t i = 0; i < out.size(); ++i) {
    const double f = 1.0 / std::pow(rope.theta, 2.0 * static_cast<double>(i) / dims);
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    out[i] = static_cast<float>(f / rope.factor * ramp + f * (1.0 - ramp));
  }
  return out;
}

void check_rope(const RopeConfig& r, int64_t channels, const std::string& where) {
  if (!(std::isfinite(r.theta) && r.theta > 0.0))
    throw Error(ErrorCode::kFormat, "not_positive", where, "{field} must be positive", {{"field", "rope_theta"}});
  if (!(std::isfinite(r.factor) && (r.factor > 0.0 || r.type == "longrope")))
    throw Error(ErrorCode::kFormat, "not_positive", where, "{field} must be positive",
                {{"field", "rope scaling factor"}});
  if (r.type == "llama3" && r.divisors.empty() &&
      !(r.original_context > 0 && r.low_frequency_factor > 0.0 && r.high_frequency_factor > r.low_frequency_factor))
    throw Error(ErrorCode::kFormat, "rope_scaling_needs", where, "{kind} rope scaling needs {needed}",
                {{"kind", "llama3"},
                 {"needed", "original_max_position_embeddings > 0 and high_freq_factor > low_freq_factor > 0"}});
  if (r.type == "yarn" && !(r.original_context > 0 && r.beta_fast > 0.0 && r.beta_slow > 0.0 && r.theta > 1.0))
    throw Error(
        ErrorCode::kFormat, "rope_scaling_needs", where, "{kind} rope scaling needs {needed}",
        {{"kind", "yarn"},
         {"needed", "original_max_position_embeddings, beta_fast and beta_slow above 0 and rope_theta above 1"}});
  if (r.type == "longrope" && (r.original_context < 2 || static_cast<int64_t>(r.short_factor.size()) != channels / 2 ||
                               r.long_factor.size() != r.short_factor.size()))
    throw Error(
        ErrorCode::kFormat, "longrope_needs", where, "longrope needs {needed}",
        {{"needed",
          "original_max_position_embeddings and as many values of short_factor and long_factor as rotated pairs (" +
              std::to_string(channels / 2) + ")"}});
  for (const auto* factors : {&r.short_factor, &r.long_factor})
    for (float f : *factors)
      if (!(std::isfinite(f) && f > 0.0f))
        throw Error(ErrorCode::kFormat, "not_positive", where, "{field} must be positive",
                    {{"field", "short_factor and long_factor"}});
  if (!r.divisors.empty() && static_cast<int64_t>(r.divisors.size()) != channels / 2)
    throw Error(ErrorCode::kShape, "values_per_pair", where, "{tensor} must hold one value for each rotated pair",
                {{"tensor", "rope_freqs.weight"}});
  for (float d : r.divisors)
    if (!(std::isfinite(d) && d > 0.0f))
      throw Error(ErrorCode::kFormat, "not_positive", where, "{field} must be positive",
                  {{"field", "rope_freqs.weight"}});
}

void check_mla(const ModelConfig& c, const std::string& where) {
  check_range(c.mla.kv_rank, 1, kMaxWidth, where, "kv_lora_rank");
  check_range(c.mla.q_rank, 0, kMaxWidth, where, "q_lora_rank");
  check_range(c.mla.nope_size, 1, 1024, where, "qk_nope_head_dim");
  check_range(c.mla.rope_size, 2, 1024, where, "qk_rope_head_dim");
  check_range(c.mla.value_size, 1, 1024, where, "v_head_dim");
  if (c.mla.rope_size % 2 != 0)
    throw Error(ErrorCode::kFormat, "field_not_even", where, "{field} must be even", {{"field", "qk_rope_head_dim"}});
  check_range(c.heads * (c.mla.nope_size + std::max(c.mla.rope_size, c.mla.value_size)), 1, kMaxWidth, where,
              "num_attention_heads * qk_head_dim");
}

void check_moe(const ModelConfig& c, const std::string& where) {
  const MoeConfig& m = c.moe;
  check_range(m.experts, 1, 4096, where, "the number of experts");
  check_range(m.experts_per_token, 1, m.experts, where, "num_experts_per_tok");
  check_range(m.ffn_size, 1, kMaxWidth, where, "moe_intermediate_size");
  check_range(m.shared_experts, 0, 64, where, "n_shared_experts");
  check_range(m.groups, 1, m.experts, where, "n_group");
  check_range(m.topk_groups, 1, m.groups, where, "topk_group");
  if (m.experts % m.groups != 0)
    throw Error(ErrorCode::kFormat, "not_multiple_of", where, "{field} is not a multiple of {of}",
                {{"field", "the number of experts"}, {"of", "n_group"}});
  if (m.topk_groups * (m.experts / m.groups) < m.experts_per_token)
    throw Error(ErrorCode::kFormat, "groups_too_small", where, "{field} groups hold fewer experts than {experts}",
                {{"field", "topk_group"}, {"experts", "num_experts_per_tok"}});
  if (m.sigmoid && m.groups > 1 && m.experts / m.groups < 2)
    throw Error(ErrorCode::kFormat, "groups_below_two_experts", where,
                "{field} leaves fewer than two experts in a group", {{"field", "n_group"}});
  if (!(std::isfinite(m.scale) && m.scale > 0.0))
    throw Error(ErrorCode::kFormat, "not_positive", where, "{field} must be positive",
                {{"field", "routed_scaling_factor"}});
}

}  // namespace

double yarn_mscale(double scale, double m) { return scale <= 1.0 ? 1.0 : 0.1 * m * std::log(scale) + 1.0; }

float rope_attention_factor(const RopeConfig& rope, int64_t context) {
  if (rope.type != "yarn" && rope.type != "longrope") return 1.0f;
  if (rope.attention_factor > 0.0) return static_cast<float>(rope.attention_factor);
  if (rope.type == "yarn") {
    if (rope.mscale != 0.0 && rope.mscale_all_dim != 0.0)
      return static_cast<float>(yarn_mscale(rope.factor, rope.mscale) / yarn_mscale(rope.factor, rope.mscale_all_dim));
    return static_cast<float>(yarn_mscale(rope.factor, 1.0));
  }
  const double original = static_cast<double>(rope.original_context);
  const double factor = rope.factor > 0.0 ? rope.factor : static_cast<double>(context) / original;
  return factor <= 1.0 ? 1.0f : static_cast<float>(std::sqrt(1.0 + std::log(factor) / std::log(original)));
}

std::vector<float> rope_frequencies(const RopeConfig& rope, int64_t channels, bool beyond) {
  if (rope.type == "yarn" && rope.divisors.empty()) return scale_yarn(rope, channels);
  std::vector<float> frequencies(static_cast<size_t>(channels / 2));
  for (size_t i = 0; i < frequencies.size(); ++i) {
    double f = 1.0 / std::pow(rope.theta, 2.0 * static_cast<double>(i) / static_cast<double>(channels));
    if (!rope.divisors.empty()) {
      f /= static_cast<double>(rope.divisors[i]);
    } else if (rope.type == "llama3") {
      f = scale_llama3(f, rope);
    } else if (rope.type == "linear") {
      f /= rope.factor;
    } else if (rope.type == "longrope") {
      f /= static_cast<double>((beyond ? rope.long_factor : rope.short_factor)[i]);
    } else if (rope.type != "default" && rope.type != "dynamic") {
      throw Error(ErrorCode::kUnsupported, "not_supported_but", "rope_scaling",
                  "{setting} is not supported; supported are {supported}",
                  {{"setting", "type \"" + rope.type + "\""},
                   {"supported", "default, linear, dynamic, llama3, yarn and longrope"}});
    }
    frequencies[i] = static_cast<float>(f);
  }
  return frequencies;
}

void check_config(const ModelConfig& c, const std::string& where) {
  check_range(c.vocab_size, 1, kMaxVocab, where, "vocab_size");
  check_range(c.hidden_size, 1, kMaxWidth, where, "hidden_size");
  check_range(c.layers, 1, kMaxLayers, where, "num_hidden_layers");
  check_range(c.heads, 1, kMaxWidth, where, "num_attention_heads");
  check_range(c.kv_heads, 1, c.heads, where, "num_key_value_heads");
  check_range(c.head_size, 2, 1024, where, "head_dim");
  check_range(c.ffn_size, 1, kMaxWidth, where, "intermediate_size");
  check_range(c.context_length, 1, kMaxContext, where, "max_position_embeddings");
  check_range(c.heads * c.head_size, 1, kMaxWidth, where, "num_attention_heads * head_dim");
  if (c.heads % c.kv_heads != 0)
    throw Error(ErrorCode::kFormat, "not_multiple_of", where, "{field} is not a multiple of {of}",
                {{"field", "num_attention_heads (" + std::to_string(c.heads) + ")"},
                 {"of", "num_key_value_heads (" + std::to_string(c.kv_heads) + ")"}});
  if (c.head_size % 2 != 0)
    throw Error(ErrorCode::kFormat, "not_even_for_rope", where, "{field} must be even for rotary embedding",
                {{"field", "head_dim"}});
  if (!(c.norm_epsilon > 0.0f && c.norm_epsilon < 1.0f))
    throw Error(ErrorCode::kFormat, "not_between", where, "{field} must lie between {low} and {high}",
                {{"field", "rms_norm_eps"}, {"low", 0}, {"high", 1}});
  check_range(c.rotated(), 2, c.head_size, where, "partial_rotary_factor * head_dim");
  if (c.rotated() % 2 != 0)
    throw Error(ErrorCode::kFormat, "field_not_even", where, "{field} must be even",
                {{"field", "the rotated part of a head"}});
  check_rope(c.rope, c.mla.kv_rank ? c.mla.rope_size : c.rotated(), where);
  if (c.has_local_rope) check_rope(c.local_rope, c.rotated(), where);
  const bool slides = std::any_of(c.attention.begin(), c.attention.end(),
                                  [](LayerAttention a) { return a == LayerAttention::kSliding; });
  if (slides) check_range(c.window, 1, kMaxContext, where, "sliding_window");
  for (double value : {c.attention_scale, c.attention_soft_cap, c.logit_soft_cap})
    if (!(std::isfinite(value) && value >= 0.0))
      throw Error(ErrorCode::kFormat, "negative_or_not_finite", where, "{field} must be finite and not negative",
                  {{"field", "query_pre_attn_scalar and soft caps"}});
  if (c.mla.kv_rank) check_mla(c, where);
  if (c.moe.experts) check_moe(c, where);
}

}  // namespace anneal
