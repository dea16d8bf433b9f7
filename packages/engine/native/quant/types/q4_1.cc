// Q4_1: 32 weights in 20 bytes: half d, half m, 16 bytes of nibbles as in Q4_0. value = d x nibble + m.
#include "quant/types/expand.h"

namespace anneal::ANNEAL_QUANT_ISA {

namespace {

struct Q4_1Blocks {
  static constexpr int64_t kElements = 32, kBytes = 20, kGroup = 32;
  using Head = NoHead;
  static ANNEAL_INLINE Head head(const void*, const uint8_t*) { return {}; }
  template <DType Round>
  static ANNEAL_INLINE void expand(const Head&, const uint8_t* p, int, Vf (&w)[kGroup / kLanes]) {
    const Levels levels = affine_levels<Round>(splat_half(p), splat_half(p + 2));
    for (int v = 0; v < kGroup / kLanes; ++v) w[v] = look_up(levels, nibbles(p + 4, 16, v));
  }
};

struct Q4_1BlockPairs {
  static constexpr int64_t kElements = 64, kBytes = 40, kGroup = 64;
  using Head = NoHead;
  static ANNEAL_INLINE Head head(const void*, const uint8_t*) { return {}; }
  template <DType Round>
  static ANNEAL_INLINE void expand(const Head&, const uint8_t* p, int, Vf (&w)[kGroup / kLanes]) {
    constexpr int kVectors = 32 / kLanes;
    const LevelPair levels = affine_level_pair<Round>(p, p + 20);
    for (int v = 0; v < kVectors; ++v) w[v] = look_up(levels.first, nibbles(p + 4, 16, v));
    for (int v = 0; v < kVectors; ++v) w[kVectors + v] = look_up(levels.second, nibbles(p + 24, 16, v));
  }
};

}  // namespace

void dequantise_q4_1(const void* blocks, float* out, int64_t n) { read_blocks<Q4_1Blocks>(nullptr, blocks, out, n); }
void dot_q4_1(const BlockDotArgs& args) {
  args.k % 64 == 0 ? dot_blocks<Q4_1BlockPairs>(args) : dot_blocks<Q4_1Blocks>(args);
}

// gguf-py's rounding: m is the minimum, the range is cut in 15 steps.
void quantise_q4_1(const float* values, void* blocks, int64_t n, const float*) {
  uint8_t* p = static_cast<uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 32, p += 20, values += 32) {
    float low = values[0], high = values[0];
    for (int j = 1; j < 32; ++j) {
      low = values[j] < low ? values[j] : low;
      high = values[j] > high ? values[j] : high;
    }
    const float d = (high - low) / 15.0f;
    const float inverse = inverse_or_zero(d);
    store_u16(p, float_to_half(d));
    store_u16(p + 2, float_to_half(low));
    uint8_t codes[32];
    for (int j = 0; j < 32; ++j)
      codes[j] = static_cast<uint8_t>(static_cast<int>(clamp_or_low((values[j] - low) * inverse + 0.5f, 0.0f, 15.5f)));
    for (int j = 0; j < 16; ++j) p[4 + j] = static_cast<uint8_t>(codes[j] | codes[j + 16] << 4);
  }
}

}  // namespace anneal::ANNEAL_QUANT_ISA
