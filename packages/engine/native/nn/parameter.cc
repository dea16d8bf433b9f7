#include "nn/parameter.h"

namespace anneal {

void ParameterSet::place(MemoryLayout& layout, DType matrix_dtype) {
  for (Parameter& p : all_) {
    const DType dtype = p.is_matrix() ? matrix_dtype : DType::kF32;
    p.value = layout.take(p.adapter ? Part::kAdapter : Part::kWeights, dtype, p.shape);
    if (!p.trainable) continue;
    p.master = dtype == DType::kF32 ? p.value : layout.take(Part::kOptimizer, DType::kF32, p.shape);
    p.grad = layout.take(Part::kGradients, DType::kF32, p.shape);
    p.moment1 = layout.take(Part::kOptimizer, DType::kF32, p.shape);
    p.moment2 = layout.take(Part::kOptimizer, DType::kF32, p.shape);
  }
}

int64_t ParameterSet::trainable_elements() const {
  int64_t n = 0;
  for (const Parameter& p : all_)
    if (p.trainable) n += p.shape.elements();
  return n;
}

int64_t ParameterSet::elements() const {
  int64_t n = 0;
  for (const Parameter& p : all_)
    if (!p.adapter) n += p.shape.elements();
  return n;
}

}  // namespace anneal
