#include "emulator/warp.h"

#include <bit>
#include <cstring>

#include "core/bf16.h"
#include "emulator/machine.h"
#include "emulator/race.h"

namespace anneal::emulator {

namespace {

template <class T>
T read(const std::byte* from) {
  T v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
template <class T>
void write(std::byte* to, const T& v) {
  std::memcpy(to, &v, sizeof v);
}

struct ShuffleIn {
  uint64_t bits;
  int from;
};

void combine_shuffle(uint32_t mask, const std::byte* const* in, std::byte* const* out) {
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    if (!(mask >> lane & 1)) continue;
    const int from = read<ShuffleIn>(in[lane]).from;
    // A lane outside the mask gives nothing: garbage on a device, a pattern here.
    write<uint64_t>(out[lane], mask >> from & 1 ? read<ShuffleIn>(in[from]).bits : 0xffffffffffffffffull);
  }
}

void combine_ballot(uint32_t mask, const std::byte* const* in, std::byte* const* out) {
  uint32_t votes = 0;
  for (unsigned lane = 0; lane < kWarp; ++lane)
    if (mask >> lane & 1 && read<uint32_t>(in[lane])) votes |= 1u << lane;
  for (unsigned lane = 0; lane < kWarp; ++lane)
    if (mask >> lane & 1) write(out[lane], votes);
}

void combine_match(uint32_t mask, const std::byte* const* in, std::byte* const* out) {
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    if (!(mask >> lane & 1)) continue;
    uint32_t same = 0;
    for (unsigned other = 0; other < kWarp; ++other)
      if (mask >> other & 1 && read<uint64_t>(in[other]) == read<uint64_t>(in[lane])) same |= 1u << other;
    write(out[lane], same);
  }
}

template <class Fn>
void combine_all(uint32_t mask, const std::byte* const* in, std::byte* const* out, uint32_t start, Fn fn) {
  uint32_t value = start;
  for (unsigned lane = 0; lane < kWarp; ++lane)
    if (mask >> lane & 1) value = fn(value, read<uint32_t>(in[lane]));
  for (unsigned lane = 0; lane < kWarp; ++lane)
    if (mask >> lane & 1) write(out[lane], value);
}

struct MmaIn {
  float d[4];
  uint32_t a[4], b[2];
};

template <HalfType Type>
float half_at(uint32_t word, int which) {
  const auto bits = static_cast<uint16_t>(word >> (16 * which));
  return Type == HalfType::kBf16 ? to_f32(bf16{bits}) : to_f32(f16{bits});
}

// PTX: with g = lane / 4 and t = lane % 4, register i of A holds row g + 8 * (i % 2), columns 2t, 2t + 1 + 8 * (i / 2);
// of B rows 2t, 2t + 1 + 8 * i of column g; of D row g + 8 * (i / 2), column 2t + i % 2.
template <HalfType Type>
void combine_mma(uint32_t, const std::byte* const* in, std::byte* const* out) {
  float a[16][16], b[8][16], d[16][8];  // B by columns
  for (int lane = 0; lane < 32; ++lane) {
    const auto v = read<MmaIn>(in[lane]);
    const int g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < 2; ++j) a[g + 8 * (i % 2)][2 * t + j + 8 * (i / 2)] = half_at<Type>(v.a[i], j);
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < 2; ++j) b[g][2 * t + j + 8 * i] = half_at<Type>(v.b[i], j);
    for (int i = 0; i < 4; ++i) d[g + 8 * (i / 2)][2 * t + i % 2] = v.d[i];
  }
  for (int row = 0; row < 16; ++row)
    for (int col = 0; col < 8; ++col) {
      float sum = 0;
      for (int k = 0; k < 16; ++k) sum += a[row][k] * b[col][k];
      d[row][col] += sum;
    }
  for (int lane = 0; lane < 32; ++lane) {
    const int g = lane / 4, t = lane % 4;
    float result[4];
    for (int i = 0; i < 4; ++i) result[i] = d[g + 8 * (i / 2)][2 * t + i % 2];
    write(out[lane], result);
  }
}

// Register i of lane l holds elements 2 * (l % 4) and the next of row l / 4 of matrix i; transposed: of its column.
template <int Count, bool Transposed>
void combine_ldmatrix(uint32_t, const std::byte* const* in, std::byte* const* out) {
  for (int i = 0; i < Count; ++i) {
    uint16_t m[8][8];
    for (int row = 0; row < 8; ++row) std::memcpy(m[row], read<const void*>(in[8 * i + row]), sizeof m[row]);
    for (int lane = 0; lane < 32; ++lane) {
      const int r = lane / 4, c = 2 * (lane % 4);
      const uint16_t low = Transposed ? m[c][r] : m[r][c], high = Transposed ? m[c + 1][r] : m[r][c + 1];
      write(out[lane] + 4 * i, static_cast<uint32_t>(low) | static_cast<uint32_t>(high) << 16);
    }
  }
}

}  // namespace

uint64_t shuffle(Shuffle kind, uint32_t mask, uint64_t bits, int operand, int width, const Where& where) {
  if (width < 1 || width > 32 || (width & (width - 1)) != 0)
    raise(FaultKind::kBadMask, where,
          [] { return std::string("shuffles with a width that is not a power of two up to 32"); });
  const int lane = static_cast<int>(machine.current->lane), first = lane / width * width;
  int from = lane;
  switch (kind) {
    case Shuffle::kIndex: from = first + (operand & (width - 1)); break;
    case Shuffle::kXor: from = lane ^ operand; break;
    case Shuffle::kUp: from = lane - operand; break;
    case Shuffle::kDown: from = lane + operand; break;
  }
  if (from < first || from >= first + width) from = lane;
  const ShuffleIn in{bits, from};
  uint64_t out = 0;
  meet("a shuffle", mask, &in, sizeof in, &out, sizeof out, combine_shuffle, false, where);
  return out;
}

uint32_t ballot(uint32_t mask, bool predicate, const Where& where) {
  const uint32_t in = predicate;
  uint32_t out = 0;
  meet("a vote", mask, &in, sizeof in, &out, sizeof out, combine_ballot, false, where);
  return out;
}

uint32_t match_any(uint32_t mask, uint64_t bits, const Where& where) {
  uint32_t out = 0;
  meet("a match", mask, &bits, sizeof bits, &out, sizeof out, combine_match, false, where);
  return out;
}

uint32_t reduce(Reduction kind, uint32_t mask, uint32_t value, const Where& where) {
  Combine combine = nullptr;
  switch (kind) {
    case Reduction::kAdd:
      combine = [](uint32_t m, const std::byte* const* in, std::byte* const* out) {
        combine_all(m, in, out, 0, [](uint32_t a, uint32_t b) { return a + b; });
      };
      break;
    case Reduction::kMax:
      combine = [](uint32_t m, const std::byte* const* in, std::byte* const* out) {
        combine_all(m, in, out, 0, [](uint32_t a, uint32_t b) { return a > b ? a : b; });
      };
      break;
    case Reduction::kMin:
      combine = [](uint32_t m, const std::byte* const* in, std::byte* const* out) {
        combine_all(m, in, out, ~0u, [](uint32_t a, uint32_t b) { return a < b ? a : b; });
      };
      break;
  }
  uint32_t out = 0;
  meet("a reduction", mask, &value, sizeof value, &out, sizeof out, combine, false, where);
  return out;
}

void refuse_float_atomic(const Where& where) {
  raise(FaultKind::kFloatAtomic, where, [] { return std::string("adds a float atomically"); });
}
void note_atomic(const void* at, size_t bytes) {
  check_access(at, bytes, AccessKind::kAtomic, true, __builtin_return_address(0));
}
void load_atomic(const void* at, void* value, size_t bytes) { std::memcpy(value, at, bytes); }
void store_atomic(void* at, const void* value, size_t bytes) { std::memcpy(at, value, bytes); }

void load_checked(const void* from, void* value, size_t bytes) {
  check_access(from, bytes, AccessKind::kRead, true, __builtin_return_address(0));
  std::memcpy(value, from, bytes);
}
void store_checked(void* to, const void* value, size_t bytes) {
  check_access(to, bytes, AccessKind::kWrite, true, __builtin_return_address(0));
  std::memcpy(to, value, bytes);
}

void mma_m16n8k16(HalfType type, float* d, const uint32_t* a, const uint32_t* b, const Where& where) {
  MmaIn in;
  std::memcpy(in.d, d, sizeof in.d);
  std::memcpy(in.a, a, sizeof in.a);
  std::memcpy(in.b, b, sizeof in.b);
  meet("mma", 0xffffffffu, &in, sizeof in, d, 4 * sizeof(float),
       type == HalfType::kBf16 ? combine_mma<HalfType::kBf16> : combine_mma<HalfType::kF16>, false, where);
}

void ldmatrix(int count, bool transposed, uint32_t* registers, const void* row, const Where& where) {
  // Lanes beyond 8 * count give an address that is not read.
  if (machine.current->lane < 8u * static_cast<unsigned>(count))
    check_access(row, 16, AccessKind::kRead, true, __builtin_return_address(0));
  Combine combine = nullptr;
  switch (count) {
    case 1: combine = transposed ? combine_ldmatrix<1, true> : combine_ldmatrix<1, false>; break;
    case 2: combine = transposed ? combine_ldmatrix<2, true> : combine_ldmatrix<2, false>; break;
    default: combine = transposed ? combine_ldmatrix<4, true> : combine_ldmatrix<4, false>; break;
  }
  meet("ldmatrix", 0xffffffffu, &row, sizeof row, registers, 4 * static_cast<size_t>(count), combine, false, where);
}

void copy_async(void* shared, const void* global, unsigned bytes, unsigned valid_bytes, void* pc) {
  machine.current->open_copies.push_back({shared, global, bytes, valid_bytes, pc});
}
void commit_copies() {
  Thread& t = *machine.current;
  t.copy_groups.push_back(std::move(t.open_copies));
  t.open_copies.clear();
}
void wait_copies(unsigned groups_left) { finish_copies(*machine.current, groups_left); }

}  // namespace anneal::emulator
