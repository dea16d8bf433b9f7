// Arena: one reservation of address space, handed out by bumping an offset; pages become resident when touched.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/tensor.h"

namespace anneal {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t{2} << 20;  // an arena's pages; what of the last one is unused is resident too

// Bytes of a dense tensor. Throws kInvalidArgument for block types (their size is known to quant/).
size_t dense_bytes(DType dtype, const Shape& shape);

class Arena {
 public:
  // Reserves `capacity_bytes` (rounded up to kHugePage); throws kOutOfMemory when the system refuses. Not thread-safe.
  explicit Arena(size_t capacity_bytes);
  // Hands out memory that belongs to somebody else.
  Arena(std::byte* memory, size_t bytes) : base_(memory), capacity_(bytes), owned_(false) {}
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // 64-byte aligned, not zeroed after reuse. Throws kOutOfMemory beyond the capacity.
  void* allocate(size_t bytes);
  template <class T>
  T* allocate_array(size_t n) {
    return static_cast<T*>(allocate(n * sizeof(T)));
  }
  Tensor tensor(DType dtype, const Shape& shape) { return {allocate(dense_bytes(dtype, shape)), dtype, shape}; }

  // Gives the pages behind `mark` back to the system; they read as zeros when touched again.
  void release_pages(size_t mark);

  size_t mark() const { return used_; }
  std::byte* at(size_t mark) const { return base_ + mark; }
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
  bool owned_ = true;
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
