// A model's tensors as a GGUF holds them: experts merged, latent projections taken apart, rows in the file's order.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "io/gguf.h"
#include "models/family.h"
#include "nn/parameter.h"

namespace anneal {

struct GgufLayoutTensor {
  std::string name;
  Shape shape;
  GgufPlace place;                           // of the first parameter
  std::vector<const Parameter*> parameters;  // more than one: the experts in order
  bool values = false;                       // place.value_tensor rather than place.tensor
};

// In the order of the parameters. Throws kUnsupported naming a parameter that the family has no place for.
std::vector<GgufLayoutTensor> gguf_layout(const Family& family, const ModelConfig& config,
                                          const ParameterSet& parameters);

// Rows [first, first + count) of a parameter in Hugging Face order, as f32; a vector is one row per element.
using ParameterReader = std::function<void(const Parameter&, int64_t first, int64_t count, float* out)>;

// Rows [first, first + count) of the file's tensor; a vector is one row.
void read_layout_rows(const GgufLayoutTensor& tensor, const ParameterReader& read, int64_t first, int64_t count,
                      float* out);

// The architecture's keys beyond those every file has. Throws kUnsupported naming the field of the configuration that
// llama.cpp cannot run as it was trained.
GgufMetadata gguf_architecture_keys(const Family& family, const ModelConfig& config);

// What gguf_architecture_keys refuses; nothing where the model can be written.
std::optional<Cause> gguf_problem(const Family& family, const ModelConfig& config);

}  // namespace anneal
