#include <immintrin.h>

#include <cstring>

#include "bench/peak.h"

namespace anneal {

double bf16_loop_amx(int64_t rounds) {
  struct alignas(64) {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  } config;
  std::memset(&config, 0, sizeof config);
  config.palette = 1;
  for (int i = 0; i < 8; ++i) {
    config.row_bytes[i] = 64;
    config.rows[i] = 16;
  }
  asm volatile("" : : "r"(&config) : "memory");  // the intrinsic does not say that it reads all of it
  _tile_loadconfig(&config);
  // Registers that were loaded: on zeroed ones the processor does less, twice as fast in places.
  alignas(64) uint16_t ones[16][32];
  for (auto& row : ones)
    for (uint16_t& x : row) x = 0x3f80;
  asm volatile("" : : "r"(ones) : "memory");
  _tile_loadd(4, ones, 64);
  _tile_loadd(5, ones, 64);
  _tile_loadd(6, ones, 64);
  _tile_loadd(7, ones, 64);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t i = 0; i < rounds; i += 4) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_release();
  return static_cast<double>(rounds) * 16 * 16 * 32 * 2;
}

}  // namespace anneal
