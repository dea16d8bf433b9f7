#include "core/arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/checked.h"

namespace anneal {

size_t dense_bytes(DType dtype, const Shape& shape) {
  uint64_t n = 1;
  for (int i = 0; i < shape.rank; ++i) {
    if (shape.dims[i] < 0)
      throw Error(ErrorCode::kShape, "negative_dimension_in_shape", "dense_bytes", "negative dimension in {shape}",
                  {{"shape", shape.to_string()}});
    n = checked_mul(n, static_cast<uint64_t>(shape.dims[i]), "dense_bytes");
  }
  switch (dtype) {
    case DType::kF32:
    case DType::kI32: return checked_mul(n, 4, "dense_bytes");
    case DType::kF16:
    case DType::kBF16: return checked_mul(n, 2, "dense_bytes");
    case DType::kU8: return n;
    default:
      throw Error(ErrorCode::kInvalidArgument, "block_type_without_dense_size", "dense_bytes",
                  "block types have no dense size");
  }
}

Arena::Arena(size_t capacity_bytes) {
  capacity_ = checked_add(std::max<size_t>(capacity_bytes, 1), kHugePage - 1, "Arena") / kHugePage * kHugePage;
  // NORESERVE: the plan decides what may be used; the kernel only hands out what is touched.
  void* p = mmap(nullptr, capacity_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) {
    throw Error(ErrorCode::kOutOfMemory, "arena_reserve_failed", "Arena",
                "cannot reserve {bytes} bytes: {cause}; lower the micro-batch or switch gradient checkpointing on",
                {{"bytes", capacity_}, {"cause", std::strerror(errno)}});
  }
  base_ = static_cast<std::byte*>(p);
  madvise(p, capacity_, MADV_HUGEPAGE);  // a hint: small pages work too
}

Arena::~Arena() {
  if (owned_) munmap(base_, capacity_);
}

void Arena::release_pages(size_t mark) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t first = (mark + page - 1) / page * page;
  if (owned_ && first < capacity_) madvise(base_ + first, capacity_ - first, MADV_DONTNEED);
}

void* Arena::allocate(size_t bytes) {
  const size_t start = (used_ + kAlignment - 1) / kAlignment * kAlignment;
  if (start > capacity_ || bytes > capacity_ - start) {
    throw Error(
        ErrorCode::kOutOfMemory, "arena_exhausted", "Arena",
        "needs {bytes} bytes more, but {used} of {capacity} planned bytes are used; lower the micro-batch tokens",
        {{"bytes", bytes}, {"used", used_}, {"capacity", capacity_}});
  }
  used_ = start + bytes;
  peak_ = std::max(peak_, used_);
  return base_ + start;
}

}  // namespace anneal
