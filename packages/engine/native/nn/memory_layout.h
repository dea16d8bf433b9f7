// Where every byte of a session goes. The same code that places tensors first runs against a counting layout, so the
// plan shown before a run and the memory taken by it cannot drift apart.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "core/arena.h"
#include "core/tensor.h"

namespace anneal {

enum class Part {
  kWeights,
  kBlocks,  // frozen matrices that stay quantised
  kAdapter,
  kGradients,
  kOptimizer,
  kActivations,
  kReference,  // a teacher, or the model that a policy is compared with
  kLogits,
  kPacking,
  kRuntime,
};
constexpr int kParts = 10;

class MemoryLayout {
 public:
  // Counts only; tensors come back with null data.
  MemoryLayout() = default;
  // Places into the arena, which must outlive the tensors.
  explicit MemoryLayout(Arena& arena) : arena_(&arena) {}

  Tensor take(Part part, DType dtype, const Shape& shape) {
    return take_bytes(part, dtype, shape, dense_bytes(dtype, shape));
  }
  // A block type, whose bytes the caller knows.
  Tensor take_bytes(Part part, DType dtype, const Shape& shape, size_t wanted) {
    const size_t bytes = rounded(wanted);
    bytes_[static_cast<size_t>(whole_.value_or(part))] += bytes;
    return {arena_ ? arena_->allocate(bytes) : nullptr, dtype, shape};
  }
  // While it lives, whatever is placed counts as this part: a second model is one part to a reader of the plan.
  class Whole {
   public:
    Whole(MemoryLayout& layout, Part part) : layout_(layout) { layout_.whole_ = part; }
    ~Whole() { layout_.whole_.reset(); }
    Whole(const Whole&) = delete;
    Whole& operator=(const Whole&) = delete;

   private:
    MemoryLayout& layout_;
  };

  uint64_t bytes(Part part) const { return bytes_[static_cast<size_t>(part)]; }
  uint64_t total_bytes() const {
    uint64_t sum = 0;
    for (uint64_t b : bytes_) sum += b;
    return sum;
  }

 private:
  static size_t rounded(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }
  Arena* arena_ = nullptr;
  std::optional<Part> whole_;
  std::array<uint64_t, kParts> bytes_{};
};

}  // namespace anneal
