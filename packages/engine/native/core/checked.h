// Arithmetic on sizes that come from files or callers: overflow is an error, never a wrap.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/error.h"

namespace anneal {

inline uint64_t checked_mul(uint64_t a, uint64_t b, const char* where) {
  uint64_t r;
  if (__builtin_mul_overflow(a, b, &r))
    throw Error(ErrorCode::kFormat, "size_overflow", where, "size overflows 64 bits");
  return r;
}

inline uint64_t checked_add(uint64_t a, uint64_t b, const char* where) {
  uint64_t r;
  if (__builtin_add_overflow(a, b, &r))
    throw Error(ErrorCode::kFormat, "size_overflow", where, "size overflows 64 bits");
  return r;
}

}  // namespace anneal
