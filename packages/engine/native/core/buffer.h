// Buffer: owned, 64-byte aligned, zeroed memory for things that live as long as a session (weights, optimizer moments).
#pragma once
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/arena.h"

namespace anneal {

class Buffer {
 public:
  Buffer() = default;
  // Throws kOutOfMemory when the allocator refuses.
  explicit Buffer(size_t bytes) : bytes_(bytes) {
    const size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    if (rounded < bytes) throw Error(ErrorCode::kOutOfMemory, "buffer_size_overflow", "Buffer", "size overflows");
    const bool large = rounded >= 2 * kHugePage;
    const size_t alignment = large ? kHugePage : kAlignment;
    data_ = std::aligned_alloc(alignment, rounded ? (rounded + alignment - 1) / alignment * alignment : kAlignment);
    if (!data_)
      throw Error(ErrorCode::kOutOfMemory, "allocation_failed", "Buffer", "cannot allocate {bytes} bytes",
                  {{"bytes", bytes}});
    // Rows of a large weight lie pages apart. The last, unfilled huge page stays small pages.
    if (large) madvise(data_, rounded / kHugePage * kHugePage, MADV_HUGEPAGE);
    std::memset(data_, 0, rounded);
  }
  Buffer(DType dtype, const Shape& shape) : Buffer(dense_bytes(dtype, shape)) {
    dtype_ = dtype;
    shape_ = shape;
  }
  ~Buffer() { std::free(data_); }
  Buffer(Buffer&& o) noexcept { swap(o); }
  Buffer& operator=(Buffer&& o) noexcept {
    Buffer moved(std::move(o));
    swap(moved);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  Tensor tensor() const { return {data_, dtype_, shape_}; }

 private:
  void swap(Buffer& o) {
    std::swap(data_, o.data_);
    std::swap(bytes_, o.bytes_);
    std::swap(dtype_, o.dtype_);
    std::swap(shape_, o.shape_);
  }
  void* data_ = nullptr;
  size_t bytes_ = 0;
  DType dtype_ = DType::kF32;
  Shape shape_;
};

}  // namespace anneal
