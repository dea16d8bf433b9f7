#include "cpu/isa.h"

#include <cstdint>
#include <cstring>
#include <string>

#include "core/error.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

namespace anneal {

namespace {

constexpr Isa kAll[] = {Isa::kGeneric, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Bf16, Isa::kAmxBf16};

#if defined(__x86_64__)
// What the operating system saves on a context switch; without it the registers must not be used.
uint64_t enabled_state() {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

// AMX: the processor has tiles and TDPBF16PS, the system saves them, and lets this process use them (Linux wants to be
// asked).
bool have_amx(uint64_t state) {
#if defined(__linux__)
  constexpr uint64_t kTiles = 0x60000;  // XTILECFG, XTILEDATA
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  constexpr uint32_t kAmxBf16 = 1u << 22, kAmxTile = 1u << 24;
  uint32_t a, b, c, d;
  if ((state & kTiles) != kTiles || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  if ((d & (kAmxBf16 | kAmxTile)) != (kAmxBf16 | kAmxTile)) return false;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  (void)state;
  return false;
#endif
}

std::vector<Isa> detect() {
  std::vector<Isa> found{Isa::kGeneric};
  uint32_t a, b, c, d;
  const uint64_t state = enabled_state();
  if ((state & 0x6) != 0x6 || !__get_cpuid(1, &a, &b, &c, &d)) return found;
  const bool fma_f16c = (c & bit_FMA) && (c & bit_F16C);
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !fma_f16c || !(b & bit_AVX2)) return found;
  found.push_back(Isa::kAvx2);
  constexpr uint32_t kAvx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ;
  if ((state & 0xe6) != 0xe6 || (b & kAvx512) != kAvx512) return found;
  found.push_back(Isa::kAvx512);
  if (!__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a & (1u << 5))) return found;
  found.push_back(Isa::kAvx512Bf16);
  if (have_amx(state)) found.push_back(Isa::kAmxBf16);
  return found;
}
#else
std::vector<Isa> detect() { return {Isa::kGeneric}; }
#endif

}  // namespace

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::kGeneric: return "generic";
    case Isa::kAvx2: return "avx2";
    case Isa::kAvx512: return "avx512";
    case Isa::kAvx512Bf16: return "avx512_bf16";
    case Isa::kAmxBf16: return "amx_bf16";
  }
  return "generic";
}

const std::vector<Isa>& available_isas() {
  static const std::vector<Isa> found = detect();
  return found;
}

Isa best_isa() { return available_isas().back(); }

Isa isa_from_name(const char* name) {
  for (Isa isa : kAll) {
    if (std::strcmp(name, isa_name(isa)) != 0) continue;
    for (Isa have : available_isas())
      if (have == isa) return isa;
    throw Error(ErrorCode::kUnsupported, "isa_not_supported", "ANNEAL_ISA",
                "this processor cannot run {isa}; unset it or choose {best}",
                {{"isa", name}, {"best", isa_name(best_isa())}});
  }
  throw Error(ErrorCode::kInvalidArgument, "isa_unknown", "ANNEAL_ISA",
              "\"{isa}\" is not one of generic, avx2, avx512, avx512_bf16, amx_bf16", {{"isa", name}});
}

}  // namespace anneal
