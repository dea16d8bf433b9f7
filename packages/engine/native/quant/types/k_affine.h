// Quantiser of Q4_K and Q5_K: 8 groups of 32 weights, x ~ d * scale[g] * code - dmin * minimum[g], scale and minimum 6
// bits. Method: per group a search over step sizes with a least-squares fit of (scale, minimum) for each candidate's
// codes (the idea of llama.cpp's k-quants), then, beyond it, the quantised scales are chosen together with the codes
// they lead to and (d, dmin) is fitted to the whole block.
#pragma once
#include <math.h>

#include <cstdint>

#include "quant/types/block_bits.h"
#include "quant/types/lanes.h"

namespace anneal {
namespace {

constexpr int kAffineGroups = 8;
constexpr int kAffineGroupSize = 32;
// Share of the group's root mean square in a weight's importance, beside its own magnitude.
constexpr float kEvenWeights[] = {2.0f, 1.0f, 100.0f};
// A group whose largest weight is this many times its root mean square has outliers.
constexpr float kOutlier = 4.0f;

struct AffineFit {
  float scale = 0, minimum = 0;  // x ~ scale * code - minimum; both >= 0
};

// A group as y = x - low: where all weights are far below zero, sums over x would drown what tells fits apart.
struct AffineGroup {
  Lanes y[2], w[2];
  float low = 0, high = 0, sum_w = 0, sum_wy = 0;
  bool outliers = false;
};

struct AffineSums {
  float l = 0, l2 = 0, yl = 0;  // sums of w l, w l^2, w y l
};

inline AffineSums affine_sums(const AffineGroup& g, float inverse_scale, float minimum, float max_code) {
  const float offset = minimum + g.low;
  Lanes l0 = clamp_lanes(round_lanes((g.y[0] + offset) * inverse_scale), 0.0f, max_code);
  Lanes l1 = clamp_lanes(round_lanes((g.y[1] + offset) * inverse_scale), 0.0f, max_code);
  const Lanes wl0 = g.w[0] * l0, wl1 = g.w[1] * l1;
  return {sum_lanes(wl0 + wl1), sum_lanes(wl0 * l0 + wl1 * l1), sum_lanes(wl0 * g.y[0] + wl1 * g.y[1])};
}

// Least squares of (scale, minimum >= 0) for given codes; false where the codes are all equal.
inline bool solve_affine(const AffineGroup& g, const AffineSums& s, AffineFit* fit) {
  const float determinant = g.sum_w * s.l2 - s.l * s.l;
  if (!(determinant > 0.0f)) return false;
  float scale = (g.sum_w * s.yl - g.sum_wy * s.l) / determinant;
  float minimum = (s.l * s.yl - s.l2 * g.sum_wy) / determinant - g.low;
  if (minimum < 0.0f) {
    minimum = 0.0f;
    scale = (s.yl + g.low * s.l) / s.l2;
  }
  if (!(scale > 0.0f)) return false;
  *fit = {scale, minimum};
  return true;
}

// Error of the fit up to the constant sum of w y^2.
inline float affine_error(const AffineGroup& g, const AffineSums& s, const AffineFit& f) {
  const float offset = f.minimum + g.low;
  return f.scale * (f.scale * s.l2 - 2.0f * s.yl) + offset * (offset * g.sum_w + 2.0f * g.sum_wy) -
         2.0f * f.scale * offset * s.l;
}

inline AffineGroup load_affine_group(const float* x, const float* importance, float even_weight) {
  AffineGroup g;
  const Lanes x0 = load_lanes(x), x1 = load_lanes(x + 16);
  const float typical = ::sqrtf(sum_lanes(x0 * x0 + x1 * x1) / kAffineGroupSize);
  if (importance) {
    g.w[0] = load_lanes(importance);
    g.w[1] = load_lanes(importance + 16);
  } else {
    // Large weights count a little more: costs next to nothing in the plain error and keeps the relative one low.
    g.w[0] = lanes_magnitude(x0) + even_weight * typical;
    g.w[1] = lanes_magnitude(x1) + even_weight * typical;
  }
  g.high = x[0];
  for (int j = 0; j < kAffineGroupSize; ++j) {
    g.low = x[j] < g.low ? x[j] : g.low;  // never above 0: a minimum is subtracted, not added
    g.high = x[j] > g.high ? x[j] : g.high;
  }
  g.y[0] = x0 - g.low;
  g.y[1] = x1 - g.low;
  g.outliers = (g.high > -g.low ? g.high : -g.low) > kOutlier * typical;
  g.sum_w = sum_lanes(g.w[0] + g.w[1]);
  g.sum_wy = sum_lanes(g.w[0] * g.y[0] + g.w[1] * g.y[1]);
  return g;
}

inline AffineFit fit_affine_group(const AffineGroup& g, float max_code, float first_step, int steps) {
  const float range = g.high - g.low;
  AffineFit best{0.0f, -g.low};
  if (!(range > 1e-30f)) return best;
  best = {range / max_code, -g.low};
  AffineSums sums = affine_sums(g, max_code / range, -g.low, max_code);
  float best_error = affine_error(g, sums, best);
  for (int step = 0; step <= steps; ++step) {
    const float inverse = (max_code + first_step + 0.1f * static_cast<float>(step)) / range;
    AffineFit fit;
    sums = affine_sums(g, inverse, -g.low, max_code);
    if (!solve_affine(g, sums, &fit)) continue;
    const float error = affine_error(g, sums, fit);
    if (error < best_error) best_error = error, best = fit;
  }
  // Alternate codes and fit: moves the lower end too, which the search above keeps at the smallest weight.
  for (int round = 0; round < 3; ++round) {
    AffineFit fit;
    sums = affine_sums(g, 1.0f / best.scale, best.minimum, max_code);
    if (!solve_affine(g, sums, &fit)) break;
    const float error = affine_error(g, sums, fit);
    if (!(error < best_error)) break;
    best_error = error, best = fit;
  }
  return best;
}

struct AffineBlock {
  uint16_t d = 0, dmin = 0;  // half bits
  uint8_t scales[kAffineGroups] = {}, minima[kAffineGroups] = {};
  uint8_t codes[kAffineGroups * kAffineGroupSize] = {};
};

// Chooses scale and minimum of each group among the neighbours of the fit, judged with the codes they lead to.
// Returns the block's error and the sums needed to refit (d, dmin).
struct AffineRefit {
  float error = 0, ss = 0, sm = 0, mm = 0, sr = 0, mr = 0;  // r: what is written less what should be
};

inline AffineRefit choose_affine_scales(const AffineGroup* groups, const AffineFit* fits, float max_code, float d,
                                        float dmin, AffineBlock* block) {
  AffineRefit total;
  for (int g = 0; g < kAffineGroups; ++g) {
    const int scale0 =
        d > 0.0f ? static_cast<int>(clamp_or_low(round_even(clamp_or_low(fits[g].scale / d, 0, 63)), 0, 63)) : 0;
    const int minimum0 =
        dmin > 0.0f ? static_cast<int>(clamp_or_low(round_even(clamp_or_low(fits[g].minimum / dmin, 0, 63)), 0, 63))
                    : 0;
    float best_error = 0;
    bool found = false;
    AffineSums best_sums;
    for (int scale = scale0 - 1; scale <= scale0 + 1; ++scale) {
      if (scale < 0 || scale > 63) continue;
      const int reach = groups[g].outliers ? 4 : 1;  // a wide step: the best minimum is far from the fitted one
      for (int minimum = minimum0 - reach; minimum <= minimum0 + reach; ++minimum) {
        if (minimum < 0 || minimum > 63) continue;
        const AffineFit fit{d * static_cast<float>(scale), dmin * static_cast<float>(minimum)};
        const float inverse = fit.scale > 0.0f ? 1.0f / fit.scale : 0.0f;
        const AffineSums sums = affine_sums(groups[g], inverse, fit.minimum, max_code);
        const float error = affine_error(groups[g], sums, fit);
        if (found && !(error < best_error)) continue;
        found = true, best_error = error, best_sums = sums;
        block->scales[g] = static_cast<uint8_t>(scale);
        block->minima[g] = static_cast<uint8_t>(minimum);
      }
    }
    const float scale = block->scales[g], minimum = block->minima[g];
    total.error += best_error;
    total.ss += scale * scale * best_sums.l2;
    total.sm += scale * minimum * best_sums.l;
    total.mm += minimum * minimum * groups[g].sum_w;
    const float step = d * scale, offset = dmin * minimum + groups[g].low;
    total.sr += scale * (step * best_sums.l2 - offset * best_sums.l - best_sums.yl);
    total.mr += minimum * (step * best_sums.l - offset * groups[g].sum_w - groups[g].sum_wy);
  }
  return total;
}

// From a first (d, dmin): scales and minima, then (d, dmin) refitted to them while that helps.
inline void fit_affine_block(const AffineGroup* groups, const AffineFit* fits, float max_code, AffineBlock* best) {
  AffineRefit state =
      choose_affine_scales(groups, fits, max_code, half_to_float(best->d), half_to_float(best->dmin), best);
  for (int round = 0; round < 2; ++round) {
    // The change of (d, dmin) that minimises sum w (d s l - dmin m - x)^2 with the integers held.
    const float determinant = state.ss * state.mm - state.sm * state.sm;
    AffineBlock next = *best;
    if (determinant > 1e-6f * state.ss * state.mm) {
      const float d = half_to_float(best->d) + (state.sm * state.mr - state.mm * state.sr) / determinant;
      const float dmin = half_to_float(best->dmin) + (state.ss * state.mr - state.sm * state.sr) / determinant;
      if (!(d > 0.0f) || dmin < 0.0f) break;
      next.d = float_to_half(d);
      next.dmin = float_to_half(dmin);
    } else if (state.ss > 0.0f && state.mm == 0.0f) {
      next.d = float_to_half(half_to_float(best->d) - state.sr / state.ss);
    } else {
      break;
    }
    if (next.d == best->d && next.dmin == best->dmin) break;
    const AffineRefit refit =
        choose_affine_scales(groups, fits, max_code, half_to_float(next.d), half_to_float(next.dmin), &next);
    if (!(refit.error < state.error)) break;
    *best = next;
    state = refit;
  }
}

inline void affine_codes(const float* values, float max_code, AffineBlock* block) {
  const float d = half_to_float(block->d), dmin = half_to_float(block->dmin);
  for (int g = 0; g < kAffineGroups; ++g) {
    const float scale = d * static_cast<float>(block->scales[g]), minimum = dmin * static_cast<float>(block->minima[g]);
    const float inverse = scale > 0.0f ? 1.0f / scale : 0.0f;
    for (int j = 0; j < kAffineGroupSize; ++j) {
      const int at = g * kAffineGroupSize + j;
      const float code =
          clamp_or_low(round_even(clamp_or_low((values[at] + minimum) * inverse, -1, max_code + 1)), 0, max_code);
      block->codes[at] = static_cast<uint8_t>(static_cast<int>(code));
    }
  }
}

inline float squared_error(const float* values, const AffineBlock& block) {
  const float d = half_to_float(block.d), dmin = half_to_float(block.dmin);
  float sum = 0.0f;
  for (int at = 0; at < kAffineGroups * kAffineGroupSize; ++at) {
    const int g = at / kAffineGroupSize;
    const float off = d * block.scales[g] * block.codes[at] - dmin * block.minima[g] - values[at];
    sum += off * off;
  }
  return sum;
}

// values and importance (may be null) hold 256 floats.
inline AffineBlock quantise_affine_block(const float* values, const float* importance, float max_code, float first_step,
                                         int steps) {
  AffineBlock best;
  float best_error = 0.0f;
  for (const float even_weight : kEvenWeights) {
    AffineGroup groups[kAffineGroups];
    AffineFit fits[kAffineGroups];
    float largest_scale = 0, largest_minimum = 0;
    bool outliers = false;
    for (int g = 0; g < kAffineGroups; ++g) {
      const int at = g * kAffineGroupSize;
      groups[g] = load_affine_group(values + at, importance ? importance + at : nullptr, even_weight);
      fits[g] = fit_affine_group(groups[g], max_code, first_step, steps);
      largest_scale = fits[g].scale > largest_scale ? fits[g].scale : largest_scale;
      largest_minimum = fits[g].minimum > largest_minimum ? fits[g].minimum : largest_minimum;
      outliers = outliers || groups[g].outliers;
    }
    AffineBlock block;
    block.d = float_to_half(largest_scale / 63.0f);
    block.dmin = float_to_half(largest_minimum / 63.0f);
    fit_affine_block(groups, fits, max_code, &block);
    affine_codes(values, max_code, &block);
    // What to weigh is a matter of luck where outliers are: the plain error decides.
    const bool first = even_weight == kEvenWeights[0];
    if (first && (importance || !outliers)) return block;
    const float error = squared_error(values, block);
    if (first || error < best_error) best = block, best_error = error;
  }
  return best;
}

}  // namespace
}  // namespace anneal
