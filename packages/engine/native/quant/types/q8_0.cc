// Q8_0: 32 weights in 34 bytes: half d, 32 signed bytes. value = byte x d.
#include "quant/types/expand.h"

namespace anneal::ANNEAL_QUANT_ISA {

namespace {

struct Q8_0Blocks {
  static constexpr int64_t kElements = 32, kBytes = 34, kGroup = 32;
  using Head = NoHead;
  static ANNEAL_INLINE Head head(const void*, const uint8_t*) { return {}; }
  template <DType Round>
  static ANNEAL_INLINE void expand(const Head&, const uint8_t* p, int, Vf (&w)[kGroup / kLanes]) {
    const Vf d = splat_half(p);
    for (int v = 0; v < kGroup / kLanes; v += 2) scaled_bytes<Round>(p + 2 + v * kLanes, d, w[v], w[v + 1]);
  }
};

}  // namespace

void dequantise_q8_0(const void* blocks, float* out, int64_t n) { read_blocks<Q8_0Blocks>(nullptr, blocks, out, n); }
void dot_q8_0(const BlockDotArgs& args) { dot_blocks<Q8_0Blocks>(args); }

// Largest magnitude maps to 127; halves round away from zero.
void quantise_q8_0(const float* values, void* blocks, int64_t n, const float*) {
  uint8_t* p = static_cast<uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += 32, p += 34, values += 32) {
    float largest = 0.0f;
    for (int j = 0; j < 32; ++j) largest = magnitude(values[j]) > largest ? magnitude(values[j]) : largest;
    const float d = largest / 127.0f;
    const float inverse = inverse_or_zero(d);
    store_u16(p, float_to_half(d));
    for (int j = 0; j < 32; ++j) {
      const float scaled = values[j] * inverse;
      // Truncation and the exact rest, so that x.49999997 is not lifted by adding one half.
      const float a = clamp_or_low(magnitude(scaled), 0.0f, 127.0f);
      const int whole = static_cast<int>(a);
      const int rounded = whole + (a - static_cast<float>(whole) >= 0.5f ? 1 : 0);
      p[2 + j] = static_cast<uint8_t>(static_cast<int8_t>(scaled < 0.0f ? -rounded : rounded));
    }
  }
}

}  // namespace anneal::ANNEAL_QUANT_ISA
