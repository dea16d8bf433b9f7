// Deterministic random numbers: input i of seed s is always the same, so a finding is reproduced by its two numbers.
#pragma once
#include <cstddef>
#include <cstdint>

namespace anneal::fuzz {

class Random {
 public:
  Random(uint64_t seed, uint64_t index) : state_(mix(seed * 0x9e3779b97f4a7c15ull + index) | 1) {}

  uint64_t next() {
    state_ ^= state_ << 13, state_ ^= state_ >> 7, state_ ^= state_ << 17;
    return state_ * 0x2545f4914f6cdd1dull;
  }
  // [0, n); n > 0.
  size_t below(size_t n) { return static_cast<size_t>((next() >> 11) % n); }
  bool one_in(size_t n) { return below(n) == 0; }

  template <class T, size_t N>
  const T& pick(const T (&from)[N]) {
    return from[below(N)];
  }

 private:
  static uint64_t mix(uint64_t v) {
    v ^= v >> 30, v *= 0xbf58476d1ce4e5b9ull;
    v ^= v >> 27, v *= 0x94d049bb133111ebull;
    return v ^ v >> 31;
  }
  uint64_t state_;
};

// Numbers at the borders where size arithmetic breaks.
inline uint64_t edge_number(Random* random) {
  static constexpr uint64_t kEdges[] = {0,          1,          2,          7,          8,          31,
                                        32,         33,         63,         64,         255,        256,
                                        257,        1023,       4096,       65535,      65536,      1u << 20,
                                        0x7fffffff, 0x80000000, 0xffffffff, 1ull << 32, 1ull << 40, 1ull << 59,
                                        1ull << 60, 1ull << 61, 1ull << 62, INT64_MAX,  1ull << 63, UINT64_MAX};
  const uint64_t edge = random->pick(kEdges);
  return random->one_in(4) ? edge + random->below(64) - 32 : edge;
}

}  // namespace anneal::fuzz
