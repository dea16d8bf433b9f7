// Arena: one reservation of address space, handed out by bumping an offset; pages become resident when touched.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/tensor.h"

namespace anneal {

constexpr size_t kAlignment = 64;

// Bytes of a dense tensor. Throws kInvalidArgument for block types (their size is known to quant/).
size_t dense_bytes(DType dtype, const Shape& shape);

class Arena {
 public:
  // Reserves `capacity_bytes` (rounded up to 2 MiB); throws kOutOfMemory when the system refuses. Not thread-safe.
  explicit Arena(size_t capacity_bytes);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // 64-byte aligned, not zeroed after reuse. Throws kOutOfMemory beyond the capacity.
  void* allocate(size_t bytes);
  template <class T> T* allocate_array(size_t n) {
    return static_cast<T*>(allocate(n * sizeof(T)));
  }
  Tensor tensor(DType dtype, const Shape& shape) { return {allocate(dense_bytes(dtype, shape)), dtype, shape}; }

  size_t mark() const { return used_; }
  void release(size_t mark) { used_ = mark; }
  size_t used_bytes() const { return used_; }
  size_t capacity_bytes() const { return capacity_; }
  // Largest used_bytes ever seen: what the plan is held to.
  size_t peak_bytes() const { return peak_; }
  void reset_peak() { peak_ = used_; }

 private:
  std::byte* base_ = nullptr;
  size_t capacity_ = 0;
  size_t used_ = 0;
  size_t peak_ = 0;
};

// Gives back everything allocated inside a block: scratch of one op.
class ArenaScope {
 public:
  explicit ArenaScope(Arena& arena) : arena_(arena), mark_(arena.mark()) {}
  ~ArenaScope() { arena_.release(mark_); }
  ArenaScope(const ArenaScope&) = delete;
  ArenaScope& operator=(const ArenaScope&) = delete;

 private:
  Arena& arena_;
  size_t mark_;
};

}  // namespace anneal
