// Parameters by name: the compute copy, and for trained ones the float32 master, gradient and optimizer moments.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/error.h"
#include "core/tensor.h"
#include "nn/memory_layout.h"
#include "ops/gemm/gemm.h"

namespace anneal {

// A tensor an optimizer keeps for a parameter; its name is its suffix in files.
struct OptimizerState {
  const char* name;
  Tensor tensor;
};

struct Parameter {
  std::string name;  // Hugging Face's name, or PEFT's for adapters
  Shape shape;
  bool adapter = false;
  bool trainable = false;
  int adapter_index = 0;  // which of the session's adapters it belongs to
  std::string file_name;  // in PEFT's files, where that is not `name`: of adapters trained side by side
  float rate_factor = 1;  // times the learning rate of a step
  Tensor value;           // what ops read: f32, or bf16 or f16 for matrices in those precisions
  Tensor master;  // f32; the same memory as value when that is f32. Only where trainable, and absent with stochastic
                  // rounding.
  Tensor grad;    // f32
  std::vector<OptimizerState> state;
  bool buffer = false;  // read from the file and never trained (a router's correction bias)
  // lora_B of experts: in memory (experts * out, r); PEFT's file has (out, r * experts), experts innermost. 0 = not of
  // experts.
  int64_t experts = 0;

  // How a frozen matrix stays in memory where that is neither f32 nor the precision's type: f16, bf16, or blocks read
  // by `codec`.
  std::optional<DType> storage;
  BlockCodec codec;
  Tensor block_scales;  // f32: the second level of scales, where the codec has one (one for `scale_elements` weights)
  int64_t scale_elements = 0;
  std::shared_ptr<void> codec_state;  // what codec.context points at

  // The matrix as products read it, and as f32 copied out of whatever holds it.
  MatrixView view() const { return {value, codec ? &codec : nullptr}; }
  std::vector<float> dense_values() const;

  bool is_matrix() const { return shape.rank >= 2; }
  // True where another tensor shares `value` (a tied head has no parameter of its own, so this is about masters only).
  bool has_own_master() const { return master && value.dtype != DType::kF32; }
  // Elements [first, first + count) as training has them.
  void read_trained(int64_t first, int64_t count, float* out) const;
};

// Insertion order is the order of files, norms and updates. Addresses are stable.
class ParameterSet {
 public:
  Parameter& declare(const std::string& name, const Shape& shape, bool adapter = false) {
    if (index_.count(name)) throw Error(ErrorCode::kInternal, "parameter_declared_twice", name, "declared twice");
    all_.emplace_back();
    all_.back().name = name;
    all_.back().shape = shape;
    all_.back().adapter = adapter;
    index_[name] = &all_.back();
    return all_.back();
  }
  Parameter* find(const std::string& name) {
    auto it = index_.find(name);
    return it == index_.end() ? nullptr : it->second;
  }
  std::deque<Parameter>& all() { return all_; }
  const std::deque<Parameter>& all() const { return all_; }

  // Gives every parameter its memory, gradients included; what the optimizer keeps is its own to place. Vectors (norm
  // weights, biases) stay f32 in every precision. Without masters trained matrices have their narrow values alone.
  void place(MemoryLayout& layout, DType matrix_dtype, bool masters);

  int64_t trainable_elements() const;
  int64_t elements() const;

 private:
  std::deque<Parameter> all_;
  std::unordered_map<std::string, Parameter*> index_;
};

// An adapter's matrix as PEFT's files hold it; only lora_B of experts differs from memory.
Shape peft_shape(const Parameter& p);
std::vector<float> to_peft_layout(const Parameter& p, const float* values);
std::vector<float> from_peft_layout(const Parameter& p, const float* values);

}  // namespace anneal
