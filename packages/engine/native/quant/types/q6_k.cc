// Q6_K: 256 weights in 210 bytes: 128 bytes of lower nibbles, 64 bytes of upper bit pairs, 16 signed scales, half d.
// Two halves of 128: nibble byte l (of 64) holds weights l and l + 64; pair byte l (of 32) holds weights l, l + 32, l +
// 64, l + 96 at shifts 0, 2, 4, 6. value = d x scale x (code - 32), a scale for 16 weights.
#include "quant/types/expand.h"
#include "quant/types/lanes.h"

namespace anneal::ANNEAL_QUANT_ISA {
namespace {

struct Q6_KBlocks {
  static constexpr int64_t kElements = 256, kBytes = 210, kGroup = 128;
  struct Head {
    float scale[16];
  };
  static ANNEAL_INLINE Head head(const void*, const uint8_t* p) {
    Head h;
    const Vf d = splat_half(p + 208);
    for (int g = 0; g < 16; g += kLanes) store(h.scale + g, d * to_float(load_signed_bytes(p + 192 + g)));
    return h;
  }
  template <DType Round>
  static ANNEAL_INLINE void expand(const Head& head, const uint8_t* p, int half, Vf (&w)[kGroup / kLanes]) {
    const uint8_t* low = p + 64 * half;
    const uint8_t* high = p + 128 + 32 * half;
#pragma GCC unroll 16
    for (int v = 0; v < kGroup / kLanes; ++v) {
      const int at = v * kLanes;
      const Vu pairs = (load_bytes(high + at % 32) >> (at / 32 * 2)) & 3u;
      const Vu code = (nibbles(low, 64, v) & 15u) | pairs << 4;
      w[v] = weight_value<Round>(splat(head.scale[8 * half + at / 16]) * to_float(reinterpret_cast<Vi>(code) - 32));
    }
  }
};

constexpr float kReach = 65504.0f * 128 * 32;  // the largest weight that a block can hold

// The nearest half that is finite.
inline uint16_t finite_half(float v) { return float_to_half(clamp_or_low(v, -65504.0f, 65504.0f)); }

struct Group {
  Lanes x, w;
};

struct Sums {
  float l2 = 0, xl = 0;  // sums of w l^2 and w x l
};

inline Sums code_sums(const Group& g, float inverse_scale) {
  const Lanes l = clamp_lanes(round_lanes(clamp_lanes(g.x * inverse_scale, -64.0f, 64.0f)), -32.0f, 31.0f);
  const Lanes wl = g.w * l;
  return {sum_lanes(wl * l), sum_lanes(wl * g.x)};
}

// Scale of x ~ scale * code: search over the step size around "largest weight = -32" and, mirrored, "= 31".
float fit_group(const Group& g, const float* x) {
  float largest = 0.0f;
  for (int j = 0; j < 16; ++j)
    if (magnitude(x[j]) > magnitude(largest)) largest = x[j];
  if (!(magnitude(largest) > 1e-30f)) return 0.0f;
  float best = 0.0f, best_gain = 0.0f;  // gain = xl^2 / l2, what the fit takes off the error
  for (int step = -9; step <= 18; ++step) {
    const float top =
        step <= 9 ? -(32.0f + 0.1f * static_cast<float>(step)) : 31.0f + 0.2f * static_cast<float>(step - 14);
    const Sums s = code_sums(g, top / largest);
    if (s.l2 > 0.0f && s.xl * s.xl > best_gain * s.l2) {
      best_gain = s.xl * s.xl / s.l2;
      best = s.xl / s.l2;
    }
  }
  for (int round = 0; round < 2 && best != 0.0f; ++round) {
    const Sums s = code_sums(g, 1.0f / best);
    if (!(s.l2 > 0.0f && s.xl * s.xl > best_gain * s.l2)) break;
    best_gain = s.xl * s.xl / s.l2;
    best = s.xl / s.l2;
  }
  return best;
}

struct Choice {
  float error = 0, ss = 0, sx = 0;
  int8_t scales[16] = {};
};

// For a given d: each group's scale among the neighbours of its fit, judged with the codes it leads to.
Choice choose_scales(const Group* groups, const float* fits, float d) {
  Choice choice;
  for (int g = 0; g < 16; ++g) {
    const int middle = d != 0.0f ? static_cast<int>(round_even(clamp_or_low(fits[g] / d, -128.0f, 127.0f))) : 0;
    float best_error = 0.0f;  // of scale 0
    Sums best;
    int best_scale = 0;
    for (int scale = middle - 1; scale <= middle + 1; ++scale) {
      if (scale < -128 || scale > 127 || scale == 0) continue;
      const float step = d * static_cast<float>(scale);
      if (step == 0.0f) continue;
      const Sums s = code_sums(groups[g], 1.0f / step);
      const float error = step * (step * s.l2 - 2.0f * s.xl);
      if (error < best_error) best_error = error, best = s, best_scale = scale;
    }
    choice.scales[g] = static_cast<int8_t>(best_scale);
    choice.error += best_error;
    choice.ss += static_cast<float>(best_scale * best_scale) * best.l2;
    choice.sx += static_cast<float>(best_scale) * best.xl;
  }
  return choice;
}

// Scale of a group under which its largest weight has the code -32. Exact for a group of one weight, or of equal ones,
// where the search above finds no single best.
float plain_fit(const Group& g, const float* x) {
  float largest = 0.0f;
  for (int j = 0; j < 16; ++j)
    if (magnitude(x[j]) > magnitude(largest)) largest = x[j];
  if (!(magnitude(largest) > 1e-30f)) return 0.0f;
  const Sums s = code_sums(g, -32.0f / largest);
  return s.l2 > 0.0f ? s.xl / s.l2 : 0.0f;
}

struct Block {
  uint16_t d = 0;  // half bits
  Choice choice;
};

// From each group's fit: d, then scales, then d refitted to the scales while that helps.
Block fit_block(const Group* groups, const float* fits) {
  float largest = 0.0f;
  for (int g = 0; g < 16; ++g)
    if (magnitude(fits[g]) > magnitude(largest)) largest = fits[g];
  Block block{finite_half(largest / -128.0f), {}};
  block.choice = choose_scales(groups, fits, half_to_float(block.d));
  for (int round = 0; round < 2 && block.choice.ss > 0.0f; ++round) {
    const uint16_t next = finite_half(block.choice.sx / block.choice.ss);
    if (next == block.d) break;
    const Choice refit = choose_scales(groups, fits, half_to_float(next));
    if (!(refit.error < block.choice.error)) break;
    block = {next, refit};
  }
  return block;
}

}  // namespace

void dequantise_q6_k(const void* blocks, float* out, int64_t n) { read_blocks<Q6_KBlocks>(nullptr, blocks, out, n); }
void dot_q6_k(const BlockDotArgs& args) { dot_blocks<Q6_KBlocks>(args); }

void quantise_q6_k(const float* values, void* blocks, int64_t n, const float* importance) {
  uint8_t* p = static_cast<uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 256, p += 210, values += 256) {
    Group groups[16];
    float x[256], fits[16], plain[16];
    for (int j = 0; j < 256; ++j) x[j] = values[j] == values[j] ? clamp_or_low(values[j], -kReach, kReach) : 0.0f;
    for (int g = 0; g < 16; ++g) {
      groups[g].x = load_lanes(x + 16 * g);
      groups[g].w = importance ? load_lanes(importance + i + 16 * g) : splat_lanes(1.0f);
      fits[g] = fit_group(groups[g], x + 16 * g);
      plain[g] = plain_fit(groups[g], x + 16 * g);
    }
    Block block = fit_block(groups, fits);
    const Block other = fit_block(groups, plain);
    if (other.choice.error < block.choice.error) block = other;
    const auto& [d, choice] = block;
    uint8_t codes[256];
    for (int g = 0; g < 16; ++g) {
      const float step = half_to_float(d) * static_cast<float>(choice.scales[g]);
      const float inverse = step != 0.0f ? 1.0f / step : 0.0f;
      for (int j = 0; j < 16; ++j) {
        const float code = clamp_or_low(round_even(clamp_or_low(x[16 * g + j] * inverse, -64, 64)), -32, 31);
        codes[16 * g + j] = static_cast<uint8_t>(static_cast<int>(code) + 32);
      }
    }
    for (int half = 0; half < 2; ++half) {
      const uint8_t* c = codes + 128 * half;
      for (int l = 0; l < 64; ++l) p[64 * half + l] = static_cast<uint8_t>((c[l] & 15) | (c[l + 64] & 15) << 4);
      for (int l = 0; l < 32; ++l)
        p[128 + 32 * half + l] =
            static_cast<uint8_t>(c[l] >> 4 | (c[l + 32] >> 4) << 2 | (c[l + 64] >> 4) << 4 | (c[l + 96] >> 4) << 6);
    }
    std::memcpy(p + 192, choice.scales, 16);
    store_u16(p + 208, d);
  }
}

}  // namespace anneal::ANNEAL_QUANT_ISA
