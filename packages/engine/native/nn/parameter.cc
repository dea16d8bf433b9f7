#include "nn/parameter.h"

#include <algorithm>

#include "core/bf16.h"

namespace anneal {

namespace {

void place_blocks(Parameter& p, MemoryLayout& layout) {
  const int64_t cols = p.shape[-1], rows = p.shape.elements() / cols;
  p.value = layout.take_bytes(Part::kBlocks, *p.storage, p.shape, static_cast<size_t>(rows * p.codec.bytes(cols)));
  if (!p.scale_elements) return;
  p.block_scales =
      layout.take(Part::kBlocks, DType::kF32, {(p.shape.elements() + p.scale_elements - 1) / p.scale_elements});
}

}  // namespace

std::vector<float> Parameter::dense_values() const {
  std::vector<float> out(static_cast<size_t>(shape.elements()));
  if (codec) {
    codec.read(value.data, out.data(), shape.elements());
    return out;
  }
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = value.dtype == DType::kBF16  ? to_f32(value.as<bf16>()[i])
             : value.dtype == DType::kF16 ? to_f32(value.as<f16>()[i])
                                          : value.f32()[i];
  return out;
}

void Parameter::read_trained(int64_t first, int64_t count, float* out) const {
  const Tensor& from = master ? master : value;
  if (from.dtype == DType::kF32) {
    std::copy_n(from.f32() + first, count, out);
    return;
  }
  for (int64_t i = 0; i < count; ++i)
    out[i] = from.dtype == DType::kBF16 ? to_f32(from.as<bf16>()[first + i]) : to_f32(from.as<f16>()[first + i]);
}

void ParameterSet::place(MemoryLayout& layout, DType matrix_dtype, bool masters) {
  for (Parameter& p : all_) {
    if (p.codec) {
      place_blocks(p, layout);
      continue;
    }
    const DType dtype = p.storage ? *p.storage : p.is_matrix() ? matrix_dtype : DType::kF32;
    p.value = layout.take(p.adapter ? Part::kAdapter : Part::kWeights, dtype, p.shape);
    if (!p.trainable) continue;
    if (dtype == DType::kF32) p.master = p.value;
    else if (masters) p.master = layout.take(Part::kOptimizer, DType::kF32, p.shape);
    p.grad = layout.take(Part::kGradients, DType::kF32, p.shape);
  }
}

Shape peft_shape(const Parameter& p) {
  if (!p.experts) return p.shape;
  return {p.shape[0] / p.experts, p.shape[1] * p.experts};
}

// (experts * out, r) <-> (out, r * experts) with the experts innermost.
std::vector<float> to_peft_layout(const Parameter& p, const float* values) {
  if (!p.experts) return {values, values + p.shape.elements()};
  const int64_t experts = p.experts, out = p.shape[0] / experts, rank = p.shape[1];
  std::vector<float> file(static_cast<size_t>(p.shape.elements()));
  for (int64_t e = 0; e < experts; ++e)
    for (int64_t o = 0; o < out; ++o)
      for (int64_t r = 0; r < rank; ++r)
        file[static_cast<size_t>((o * rank + r) * experts + e)] = values[(e * out + o) * rank + r];
  return file;
}

std::vector<float> from_peft_layout(const Parameter& p, const float* values) {
  if (!p.experts) return {values, values + p.shape.elements()};
  const int64_t experts = p.experts, out = p.shape[0] / experts, rank = p.shape[1];
  std::vector<float> memory(static_cast<size_t>(p.shape.elements()));
  for (int64_t e = 0; e < experts; ++e)
    for (int64_t o = 0; o < out; ++o)
      for (int64_t r = 0; r < rank; ++r)
        memory[static_cast<size_t>((e * out + o) * rank + r)] = values[(o * rank + r) * experts + e];
  return memory;
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
