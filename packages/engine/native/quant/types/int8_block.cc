// Our int8: 64 weights of a row in 68 bytes: float d, 64 signed bytes. value = byte x d.
#include "quant/frozen_functions.h"
#include "quant/types/expand.h"

namespace anneal::ANNEAL_QUANT_ISA {

namespace {

struct Int8Blocks {
  static constexpr int64_t kElements = kFrozenBlock, kBytes = kInt8Bytes, kGroup = kFrozenBlock;
  using Head = NoHead;
  static ANNEAL_INLINE Head head(const void*, const uint8_t*) { return {}; }
  template <DType Round>
  static ANNEAL_INLINE void expand(const Head&, const uint8_t* p, int, Vf (&w)[kGroup / kLanes]) {
    float d;
    std::memcpy(&d, p, sizeof d);
    for (int v = 0; v < kGroup / kLanes; v += 2) scaled_bytes<Round>(p + 4 + v * kLanes, splat(d), w[v], w[v + 1]);
  }
};

}  // namespace

void dequantise_int8(const void* blocks, float* out, int64_t n) { read_blocks<Int8Blocks>(nullptr, blocks, out, n); }
void dot_int8(const BlockDotArgs& args) { dot_blocks<Int8Blocks>(args); }

void quantise_int8(const float* values, void* blocks, int64_t n) {
  uint8_t* p = static_cast<uint8_t*>(blocks);
  for (int64_t i = 0; i < n; i += kFrozenBlock, p += kInt8Bytes, values += kFrozenBlock) {
    float largest = 0.0f;
    for (int j = 0; j < kFrozenBlock; ++j) largest = magnitude(values[j]) > largest ? magnitude(values[j]) : largest;
    const float d = largest / 127.0f, inverse = inverse_or_zero(d);
    std::memcpy(p, &d, sizeof d);
    for (int j = 0; j < kFrozenBlock; ++j)
      p[4 + j] =
          static_cast<uint8_t>(static_cast<int8_t>(clamp_or_low(round_even(values[j] * inverse), -127.0f, 127.0f)));
  }
}

}  // namespace anneal::ANNEAL_QUANT_ISA
