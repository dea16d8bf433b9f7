// SHA-256 (FIPS 180-4), streaming; uses the CPU's SHA instructions where it has them.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace anneal {

class Sha256 {
 public:
  Sha256();
  void update(const void* data, size_t bytes);
  // 64 lower-case hex digits. The object is spent afterwards.
  std::string finish_hex();

 private:
  void blocks(const uint8_t* data, size_t count);
  std::array<uint32_t, 8> state_;
  std::array<uint8_t, 64> pending_;
  size_t pending_bytes_ = 0;
  uint64_t total_bytes_ = 0;
};

}  // namespace anneal
