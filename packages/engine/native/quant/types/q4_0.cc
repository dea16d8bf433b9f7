// Q4_0: 32 weights in 18 bytes: half d, then 16 bytes; byte j holds weight j in its low and j + 16 in its high nibble.
// value = d x (nibble - 8).
#include "quant/types/expand.h"

namespace anneal::ANNEAL_QUANT_ISA {

namespace {

constexpr float kQ4_0Levels[16] = {-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7};

struct Q4_0Blocks {
  static constexpr int64_t kElements = 32, kBytes = 18, kGroup = 32;
  using Head = NoHead;
  static ANNEAL_INLINE Head head(const void*, const uint8_t*) { return {}; }
  template <DType Round>
  static ANNEAL_INLINE void expand(const Head&, const uint8_t* p, int, Vf (&w)[kGroup / kLanes]) {
    const Levels levels = scaled_levels<Round>(kQ4_0Levels, splat_half(p));
    for (int v = 0; v < kGroup / kLanes; ++v) w[v] = look_up(levels, nibbles(p + 2, 16, v));
  }
};

struct Q4_0BlockPairs {
  static constexpr int64_t kElements = 64, kBytes = 36, kGroup = 64;
  using Head = NoHead;
  static ANNEAL_INLINE Head head(const void*, const uint8_t*) { return {}; }
  template <DType Round>
  static ANNEAL_INLINE void expand(const Head&, const uint8_t* p, int, Vf (&w)[kGroup / kLanes]) {
    constexpr int kVectors = 32 / kLanes;
    const LevelPair levels = scaled_level_pair<Round>(kQ4_0Levels, p, p + 18);
    for (int v = 0; v < kVectors; ++v) w[v] = look_up(levels.first, nibbles(p + 2, 16, v));
    for (int v = 0; v < kVectors; ++v) w[kVectors + v] = look_up(levels.second, nibbles(p + 20, 16, v));
  }
};

}  // namespace

void dequantise_q4_0(const void* blocks, float* out, int64_t n) { read_blocks<Q4_0Blocks>(nullptr, blocks, out, n); }
void dot_q4_0(const BlockDotArgs& args) {
  args.k % 64 == 0 ? dot_blocks<Q4_0BlockPairs>(args) : dot_blocks<Q4_0Blocks>(args);
}

// gguf-py's rounding: the value of largest magnitude (first one wins) maps to -8, others to floor(x / d + 8.5).
void quantise_q4_0(const float* values, void* blocks, int64_t n, const float*) {
  uint8_t* p = static_cast<uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 32, p += 18, values += 32) {
    float largest = values[0];
    for (int j = 1; j < 32; ++j)
      if (magnitude(values[j]) > magnitude(largest)) largest = values[j];
    const float d = largest / -8.0f;
    const float inverse = inverse_or_zero(d);
    store_u16(p, float_to_half(d));
    uint8_t codes[32];
    for (int j = 0; j < 32; ++j)
      codes[j] = static_cast<uint8_t>(static_cast<int>(clamp_or_low(values[j] * inverse + 8.5f, 0.0f, 15.5f)));
    for (int j = 0; j < 16; ++j) p[2 + j] = static_cast<uint8_t>(codes[j] | codes[j + 16] << 4);
  }
}

}  // namespace anneal::ANNEAL_QUANT_ISA
