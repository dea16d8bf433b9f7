#include "models/gguf/gguf_rope.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "io/gguf_export.h"
#include "models/gguf/common_gguf.h"

namespace anneal {
namespace {

constexpr double kYarnStep = 0.1;  // llama.cpp multiplies rotations by 1 + 0.1 ln(factor) of its own accord

std::vector<float> read_divisors(const GgufFile& file, const std::string& name, int64_t wanted) {
  const GgufTensor* tensor = file.find_tensor(name);
  if (!tensor) return {};
  if (tensor->shape.elements() != wanted)
    throw Error(ErrorCode::kShape, "values_per_pair_count", file.path(),
                "{tensor} must hold one value for each of the {pairs} rotated pairs",
                {{"tensor", name}, {"pairs", wanted}});
  std::vector<float> values(static_cast<size_t>(wanted));
  tensor->read_rows_f32(0, tensor->tensor(file.path()).rows(), values.data(), file.path());
  return values;
}

double own_yarn_factor(double factor) { return factor > 1.0 ? 1.0 + kYarnStep * std::log(factor) : 1.0; }

// Latent attention: `multiplier` m says that scores are multiplied by ((1 + 0.1 m ln factor) * attn_factor)^2; a file
// without it has them multiplied by the rotation's factor, whole heads with it.
void read_latent_yarn(double attn_factor, double multiplier, RopeConfig& r) {
  const double step = kYarnStep * std::log(r.factor);
  r.attention_factor = multiplier != 0.0 ? attn_factor : attn_factor * (1.0 + step);
  const double scores = multiplier != 0.0 ? attn_factor * (1.0 + multiplier * step) : r.attention_factor;
  r.mscale = r.mscale_all_dim = (scores - 1.0) / step;
}

void read_yarn(const GgufFile& file, const std::string& a, ModelConfig& c) {
  RopeConfig& r = c.rope;
  r.type = "yarn";
  r.original_context = file.get_int_or(a + "rope.scaling.original_context_length", c.context_length);
  r.beta_fast = file.get_number_or(a + "rope.scaling.yarn_beta_fast", 32.0);
  r.beta_slow = file.get_number_or(a + "rope.scaling.yarn_beta_slow", 1.0);
  if (r.factor <= 1.0) return;
  const double attn_factor = file.get_number_or(a + "rope.scaling.attn_factor", 1.0);
  if (c.mla.kv_rank) {
    read_latent_yarn(attn_factor, file.get_number_or(a + "rope.scaling.yarn_log_multiplier", 0.0) / kYarnStep, r);
  } else if (file.find(a + "rope.scaling.yarn_attn_factor")) {
    r.attention_factor = file.get_number(a + "rope.scaling.yarn_attn_factor");
  } else if (attn_factor != 1.0) {
    r.attention_factor = attn_factor * own_yarn_factor(r.factor);
  }
}

void read_longrope(const GgufFile& file, const std::string& a, int64_t pairs, ModelConfig& c) {
  RopeConfig& r = c.rope;
  r.type = "longrope";
  r.factor = 0.0;
  r.short_factor = read_divisors(file, "rope_factors_short.weight", pairs);
  r.long_factor = read_divisors(file, "rope_factors_long.weight", pairs);
  r.original_context = file.get_int(a + "rope.scaling.original_context_length");
  r.attention_factor = file.get_number_or(a + "rope.scaling.attn_factor", 1.0);
}

void yarn_keys(const ModelConfig& c, const std::string& a, GgufMetadata& keys) {
  const RopeConfig& r = c.rope;
  if (r.beta_fast != 32.0)
    refuse_gguf("gguf_yarn_runs_with", "beta_fast", "llama.cpp runs yarn with {value}", {{"value", 32}});
  if (r.beta_slow != 1.0)
    refuse_gguf("gguf_yarn_runs_with", "beta_slow", "llama.cpp runs yarn with {value}", {{"value", 1}});
  if (!r.truncate) refuse_gguf("gguf_yarn_bounds", "truncate", "llama.cpp rounds yarn's bounds to whole pairs");
  keys.emplace_back(a + "rope.scaling.original_context_length",
                    GgufValue::u32(static_cast<uint32_t>(r.original_context)));
  const auto number = [&](const char* key, double value) {
    keys.emplace_back(a + "rope.scaling." + key, GgufValue::f32(static_cast<float>(value)));
  };
  const double rotation = static_cast<double>(rope_attention_factor(r, c.context_length)),
               own = own_yarn_factor(r.factor);
  if (!c.mla.kv_rank) {
    if (std::abs(rotation - own) > 1e-6) number("attn_factor", rotation / own);
    return;
  }
  const double scores = r.mscale_all_dim != 0.0 ? yarn_mscale(r.factor, r.mscale_all_dim) : 1.0;
  if (r.factor <= 1.0 || std::abs(scores - rotation) < 1e-7) {
    if (std::abs(rotation - own) > 1e-6) number("attn_factor", rotation / own);
    return;
  }
  // The other way round than read_latent_yarn.
  if (std::abs(rotation - 1.0) > 1e-6) number("attn_factor", rotation);
  number("yarn_log_multiplier", kYarnStep * (scores / rotation - 1.0) / (kYarnStep * std::log(r.factor)));
}

}  // namespace

void read_rope_gguf(const GgufFile& file, const std::string& architecture, ModelConfig& c) {
  const std::string a = architecture + ".";
  const int64_t pairs = (c.mla.kv_rank ? c.mla.rope_size : c.rotated()) / 2;
  c.rope.theta = file.get_number_or(a + "rope.freq_base", 10000.0);
  c.rope.divisors = read_divisors(file, "rope_freqs.weight", pairs);
  // llama.cpp takes a factor without a type for linear.
  const std::string type = file.get_string_or(a + "rope.scaling.type", "linear");
  c.rope.factor = file.get_number_or(a + "rope.scaling.factor", file.get_number_or(a + "rope.scale_linear", 1.0));
  if (c.rope.factor == 0.0 || type == "none") c.rope.factor = 1.0;
  if (type == "longrope" || file.find_tensor("rope_factors_short.weight")) {
    if (architecture != "phi3")
      throw Error(ErrorCode::kUnsupported, "supported_for_only", file.path(),
                  "{setting} is supported for {family} only",
                  {{"setting", "rope.scaling.type \"longrope\""}, {"family", "phi3"}});
    // A phi3 with the one context that it was made for carries the type but no factors.
    if (file.find_tensor("rope_factors_short.weight")) read_longrope(file, a, pairs, c);
  } else if (type == "yarn") {
    read_yarn(file, a, c);
  } else if (type == "linear") {
    if (c.rope.factor != 1.0) c.rope.type = "linear";
  } else if (type != "none") {
    throw Error(ErrorCode::kUnsupported, "not_supported_but", file.path(),
                "{setting} is not supported; supported are {supported}",
                {{"setting", "rope.scaling.type \"" + type + "\""}, {"supported", "none, linear, yarn and longrope"}});
  }
}

GgufMetadata rope_gguf_keys(const ModelConfig& c, const std::string& architecture) {
  const RopeConfig& r = c.rope;
  const std::string a = architecture + ".";
  GgufMetadata keys;
  if ((r.type == "llama3" || !r.divisors.empty()) && architecture != "llama")
    refuse_gguf("gguf_llama3_divisors", "rope_type", "llama.cpp reads llama3's divisors for llama only");
  if (c.has_local_rope && c.local_rope.type != "default")
    refuse_gguf("gguf_not_scaled", "rope_parameters.sliding_attention", "llama.cpp does not scale it");
  if (r.type == "linear") {
    if (c.mla.kv_rank)
      refuse_gguf("gguf_linear_scores", "rope_type", "llama.cpp scales the scores of {architecture} with linear too",
                  {{"architecture", architecture}});
    keys.emplace_back(a + "rope.scaling.type", GgufValue::string("linear"));
    keys.emplace_back(a + "rope.scaling.factor", GgufValue::f32(static_cast<float>(r.factor)));
  } else if (r.type == "yarn") {
    if (c.has_local_rope)
      refuse_gguf("gguf_yarn_sliding", "rope_type",
                  "llama.cpp would scale the sliding layers of {architecture} with yarn too",
                  {{"architecture", architecture}});
    keys.emplace_back(a + "rope.scaling.type", GgufValue::string("yarn"));
    keys.emplace_back(a + "rope.scaling.factor", GgufValue::f32(static_cast<float>(r.factor)));
    yarn_keys(c, a, keys);
  } else if (r.type == "longrope") {
    if (architecture != "phi3")
      refuse_gguf("longrope_family_only", "rope_type", "longrope is written for {family} only", {{"family", "phi3"}});
    if (r.long_factor.size() != r.short_factor.size())
      refuse_gguf("gguf_as_many_as", "long_factor", "llama.cpp needs as many as of {field}",
                  {{"field", "short_factor"}});
    keys.emplace_back(a + "rope.scaling.type", GgufValue::string("longrope"));
    keys.emplace_back(a + "rope.scaling.original_context_length",
                      GgufValue::u32(static_cast<uint32_t>(r.original_context)));
    keys.emplace_back(a + "rope.scaling.attn_factor", GgufValue::f32(rope_attention_factor(r, c.context_length)));
  }
  return keys;
}

std::vector<std::pair<std::string, std::vector<float>>> rope_gguf_tensors(const ModelConfig& c) {
  const RopeConfig& r = c.rope;
  if (r.type == "longrope")
    return {{"rope_factors_long.weight", r.long_factor}, {"rope_factors_short.weight", r.short_factor}};
  if (!r.divisors.empty()) return {{"rope_freqs.weight", r.divisors}};
  if (r.type != "llama3") return {};
  return {{"rope_freqs.weight",
           llama3_rope_factors(c.rotated(), r.theta,
                               {r.factor, r.low_frequency_factor, r.high_frequency_factor, r.original_context})}};
}

}  // namespace anneal
