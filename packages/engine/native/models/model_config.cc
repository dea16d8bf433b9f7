#include "models/model_config.h"

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
    throw Error(ErrorCode::kFormat, where,
                std::string(field) + " is " + std::to_string(value) + ", expected " + std::to_string(low) + " to " +
                    std::to_string(high));
}

// Llama 3.1: long wavelengths are divided by the factor, short ones kept, those between blended.
double scale_llama3(double frequency, const RopeConfig& rope) {
  const double wavelength = 2.0 * M_PI / frequency;
  const double context = static_cast<double>(rope.original_context);
  if (wavelength > context / rope.low_frequency_factor) return frequency / rope.factor;
  if (wavelength < context / rope.high_frequency_factor) return frequency;
  const double smooth = (context / wavelength - rope.low_frequency_factor) /
                        (rope.high_frequency_factor - rope.low_frequency_factor);
  return (1.0 - smooth) * frequency / rope.factor + smooth * frequency;
}

}  // namespace

std::vector<float> rope_frequencies(const ModelConfig& config) {
  const RopeConfig& rope = config.rope;
  const int64_t pairs = config.head_size / 2;
  std::vector<float> frequencies(static_cast<size_t>(pairs));
  for (int64_t i = 0; i < pairs; ++i) {
    double f = 1.0 / std::pow(rope.theta, 2.0 * static_cast<double>(i) / static_cast<double>(config.head_size));
    if (!rope.divisors.empty()) {
      f /= static_cast<double>(rope.divisors[static_cast<size_t>(i)]);
    } else if (rope.type == "llama3") {
      f = scale_llama3(f, rope);
    } else if (rope.type == "linear") {
      f /= rope.factor;
    } else if (rope.type != "default") {
      throw Error(ErrorCode::kUnsupported, "rope_scaling",
                  "type \"" + rope.type + "\" is not supported; supported are default, linear and llama3");
    }
    frequencies[static_cast<size_t>(i)] = static_cast<float>(f);
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
    throw Error(ErrorCode::kFormat, where,
                "num_attention_heads (" + std::to_string(c.heads) + ") is not a multiple of num_key_value_heads (" +
                    std::to_string(c.kv_heads) + ")");
  if (c.head_size % 2 != 0) throw Error(ErrorCode::kFormat, where, "head_dim must be even for rotary embedding");
  if (!(c.norm_epsilon > 0.0f && c.norm_epsilon < 1.0f))
    throw Error(ErrorCode::kFormat, where, "rms_norm_eps must lie between 0 and 1");
  const RopeConfig& r = c.rope;
  if (!(std::isfinite(r.theta) && r.theta > 0.0)) throw Error(ErrorCode::kFormat, where, "rope_theta must be positive");
  if (!(std::isfinite(r.factor) && r.factor > 0.0))
    throw Error(ErrorCode::kFormat, where, "rope scaling factor must be positive");
  if (r.type == "llama3" && r.divisors.empty() &&
      !(r.original_context > 0 && r.low_frequency_factor > 0.0 && r.high_frequency_factor > r.low_frequency_factor))
    throw Error(ErrorCode::kFormat, where,
                "llama3 rope scaling needs original_max_position_embeddings > 0 and high_freq_factor > low_freq_factor > 0");
  if (!r.divisors.empty() && static_cast<int64_t>(r.divisors.size()) != c.head_size / 2)
    throw Error(ErrorCode::kShape, where, "rope_freqs.weight must hold head_size / 2 values");
  for (float d : r.divisors)
    if (!(std::isfinite(d) && d > 0.0f)) throw Error(ErrorCode::kFormat, where, "rope_freqs.weight must be positive");
}

}  // namespace anneal
