// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): counter-based, so the value at an
// index never depends on who computes it or when. The counter is (element block, op id, step); the key is the seed.
#pragma once
#include <array>
#include <cstdint>

namespace anneal {

using PhiloxBlock = std::array<uint32_t, 4>;

inline PhiloxBlock philox4x32_10(PhiloxBlock counter, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = static_cast<uint64_t>(0xD2511F53u) * counter[0];
    const uint64_t p1 = static_cast<uint64_t>(0xCD9E8D57u) * counter[2];
    counter = {static_cast<uint32_t>(p1 >> 32) ^ counter[1] ^ key0, static_cast<uint32_t>(p1),
               static_cast<uint32_t>(p0 >> 32) ^ counter[3] ^ key1, static_cast<uint32_t>(p0)};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

// One stream of random numbers: element i of (seed, step, op). op and step use 32 bits each.
struct RandomStream {
  uint64_t seed = 0;
  uint32_t step = 0;
  uint32_t op = 0;

  // 128 random bits for elements 4*block .. 4*block+3.
  PhiloxBlock block(uint64_t index) const {
    return philox4x32_10({static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32), op, step},
                         static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32));
  }
  uint32_t bits(uint64_t element) const { return block(element >> 2)[element & 3]; }
  // Uniform in [0, 1) with 24 bits.
  float uniform(uint64_t element) const { return static_cast<float>(bits(element) >> 8) * 0x1p-24f; }
};

}  // namespace anneal
