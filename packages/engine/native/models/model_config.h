// What the engine knows of a model's shape, whichever file it came from.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace anneal {

// Rotary position embedding. `type` is Hugging Face's rope_type: "default", "linear", "dynamic", "llama3", "yarn" or
// "longrope".
struct RopeConfig {
  double theta = 10000.0;
  std::string type = "default";
  double factor = 1.0;
  double low_frequency_factor = 1.0;
  double high_frequency_factor = 4.0;
  int64_t original_context = 0;
  // Divisors of each frequency, half the rotated channels, where a GGUF carries a rope_freqs tensor; else empty.
  std::vector<float> divisors;
  // yarn
  double beta_fast = 32.0, beta_slow = 1.0;
  double mscale = 0.0, mscale_all_dim = 0.0;
  bool truncate = true;
  double attention_factor = 0.0;  // 0 = by the rule of the type
  // longrope: divisors within and beyond the original context.
  std::vector<float> short_factor, long_factor;
};

// A mixture of experts. scoring: softmax over all experts, or a sigmoid of each with a correction bias that only
// chooses.
struct MoeConfig {
  int64_t experts = 0;  // 0 = a dense model
  int64_t experts_per_token = 0;
  int64_t ffn_size = 0;  // of one expert
  int64_t shared_experts = 0;
  bool sigmoid = false;
  int64_t groups = 1;  // experts are chosen within topk_groups best groups
  int64_t topk_groups = 1;
  bool normalise = false;  // weights of the chosen sum to one
  double scale = 1.0;
  bool balance_by_sequence = false;  // which load-balancing loss the family has; see nn/router_balance.h
};

// Multi-head latent attention (DeepSeek V2): queries and keys/values pass through low-rank bottlenecks.
struct MlaConfig {
  int64_t q_rank = 0;   // 0 = queries straight from the stream
  int64_t kv_rank = 0;  // 0 = no latent attention
  int64_t nope_size = 0;
  int64_t rope_size = 0;
  int64_t value_size = 0;
  bool interleaved = true;
};

enum class LayerAttention : uint8_t { kFull, kSliding };

struct ModelConfig {
  std::string family;  // registry name, equal to Hugging Face's model_type
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t layers = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_size = 0;
  int64_t ffn_size = 0;
  int64_t context_length = 0;
  float norm_epsilon = 1e-6f;
  bool tied_head = false;
  bool qkv_bias = false;
  bool output_bias = false;
  bool mlp_bias = false;
  RopeConfig rope;
  int64_t rotary_size = 0;  // channels of a head that are rotated; 0 = all
  RopeConfig local_rope;    // of sliding layers, where it differs (gemma3)
  bool has_local_rope = false;
  int64_t window = 0;                     // tokens a sliding layer sees
  std::vector<LayerAttention> attention;  // by layer; empty = all full
  double attention_scale = 0.0;           // 0 = 1 / sqrt(head_size)
  double attention_soft_cap = 0.0;
  double logit_soft_cap = 0.0;
  bool gelu = false;  // gelu with tanh instead of silu
  MoeConfig moe;
  std::vector<uint8_t> sparse;  // by layer: a mixture instead of one feed-forward; empty = none
  MlaConfig mla;

  int64_t rotated() const { return rotary_size ? rotary_size : head_size; }
  bool slides(int64_t layer) const {
    return !attention.empty() && attention[static_cast<size_t>(layer)] == LayerAttention::kSliding;
  }
  bool is_sparse(int64_t layer) const { return !sparse.empty() && sparse[static_cast<size_t>(layer)] != 0; }
};

// Angular frequencies of the channels / 2 rotated pairs, with the scaling of `rope` applied (llama3: the piecewise
// wavelength rule of the Llama 3.1 release; yarn: arXiv 2309.00071; longrope: arXiv 2402.13753, the long factors where
// the sequence goes `beyond` the original context; dynamic: transformers changes them beyond the model's context only,
// which no sequence here passes). Throws kUnsupported for an unknown type.
std::vector<float> rope_frequencies(const RopeConfig& rope, int64_t channels, bool beyond = false);

// What YaRN and longrope multiply every cosine and sine with; 1 for the others.
float rope_attention_factor(const RopeConfig& rope, int64_t context);

// YaRN's temperature: 0.1 m ln(scale) + 1.
double yarn_mscale(double scale, double m);

// Throws kFormat naming the first field that can never work (zero sizes, heads not a multiple of kv_heads, ...).
void check_config(const ModelConfig& config, const std::string& where);

}  // namespace anneal
