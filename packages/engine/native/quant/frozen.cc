#include "quant/frozen.h"

#include <algorithm>
#include <cmath>

namespace anneal {

namespace generic {
extern const FrozenFunctions kFrozenFunctions;
}
#if defined(__x86_64__)
namespace avx2 {
extern const FrozenFunctions kFrozenFunctions;
}
namespace avx512 {
extern const FrozenFunctions kFrozenFunctions;
}
namespace avx512_bf16 {
extern const FrozenFunctions kFrozenFunctions;
}
#endif

const FrozenFunctions& frozen_functions() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("f16c"))
    return avx512::kFrozenFunctions;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c")) return avx2::kFrozenFunctions;
#endif
  return generic::kFrozenFunctions;
}

BlockDots frozen_dots(DType dtype) {
  const auto dot = [dtype](const FrozenFunctions& f) -> BlockDot {
    return dtype == DType::kInt8Block ? f.dot_int8 : dtype == DType::kNF4 ? f.dot_nf4 : nullptr;
  };
  BlockDots dots;
  dots.generic = dot(generic::kFrozenFunctions);
#if defined(__x86_64__)
  dots.avx2 = dot(avx2::kFrozenFunctions);
  dots.avx512 = dot(avx512::kFrozenFunctions);
  dots.avx512_bf16 = dot(avx512_bf16::kFrozenFunctions);
#endif
  return dots;
}

float quantise_nf4_scales(const float* largest, int64_t blocks, void* out_blocks, float* groups) {
  double sum = 0;
  for (int64_t b = 0; b < blocks; ++b) sum += static_cast<double>(largest[b]);
  const float mean = blocks ? static_cast<float>(sum / static_cast<double>(blocks)) : 0.0f;
  uint8_t* bytes = static_cast<uint8_t*>(out_blocks);
  for (int64_t first = 0; first < blocks; first += kNf4Group) {
    const int64_t last = std::min(blocks, first + kNf4Group);
    float widest = 0.0f;
    for (int64_t b = first; b < last; ++b) widest = std::max(widest, std::fabs(largest[b] - mean));
    const float scale = widest / 127.0f;
    groups[first / kNf4Group] = scale;
    for (int64_t b = first; b < last; ++b) {
      const float code = scale > 0.0f ? std::nearbyint((largest[b] - mean) / scale) : 0.0f;
      bytes[b * kNf4Bytes] = static_cast<uint8_t>(static_cast<int8_t>(std::clamp(code, -127.0f, 127.0f)));
    }
  }
  return mean;
}

}  // namespace anneal
