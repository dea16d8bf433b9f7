// Builds a GGUF that llama.cpp and Ollama load: architecture keys, tokenizer keys, tensors in the target file type.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "io/gguf.h"

namespace anneal {

enum class GgufFileType { kF32, kF16, kBF16, kQ8_0, kQ4_0, kQ4_K_M, kQ5_K_M, kQ6_K };

// "F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_K_M", "Q5_K_M", "Q6_K"; Error(kInvalidArgument) for anything else.
GgufFileType parse_gguf_file_type(const std::string& name);

// Keys ARCH.* that the exporter writes. Counts are as in the model's configuration.
struct GgufHyperparameters {
  std::string architecture;  // "llama", "qwen2"
  std::string name;          // general.name
  int64_t context_length = 0;
  int64_t embedding_length = 0;
  int64_t block_count = 0;
  int64_t feed_forward_length = 0;
  int64_t head_count = 0;
  int64_t head_count_kv = 0;
  int64_t head_size = 0;  // key_length, value_length
  int64_t rope_dimensions = 0;
  double rope_freq_base = 10000.0;
  double rms_epsilon = 1e-5;
  int64_t vocab_size = 0;
};

// One tensor under its GGUF name ("blk.0.attn_q.weight"). read_rows fills (count, cols) floats of rows [first, first +
// count); rows must already be in llama.cpp's order (Q/K permuted for llama). It is called from several threads at
// once, for disjoint rows.
struct GgufExportTensor {
  std::string name;
  Shape shape;
  std::function<void(int64_t first, int64_t count, float* out)> read_rows;
};

struct GgufExportRequest {
  GgufFileType type = GgufFileType::kF16;
  GgufHyperparameters hyperparameters;
  // Everything else (general.*, tokenizer.*, ...), in order. A key that is here wins over the architecture's own,
  // except general.architecture, general.file_type, general.alignment and general.quantization_version, which follow
  // the tensors.
  GgufMetadata metadata;
  std::vector<GgufExportTensor> tensors;
  int threads = 1;
  // Called between row blocks; true stops with Error(kStopped) and leaves no file. May be empty.
  std::function<bool()> should_stop;
};

// What rounding to the file's types cost: root mean square of the difference over that of the values.
struct GgufTensorError {
  std::string name;
  const char* type = "";
  double relative_rmse = 0;
};
struct GgufExportResult {
  SavedFile file;
  double relative_rmse = 0;              // over all tensors that are rounded, together
  std::vector<GgufTensorError> tensors;  // matrices only
};

// Streams the file (memory: a few row blocks per thread) and fsyncs it. Error(kInvalidArgument) names a missing or
// contradictory field, Error(kNumeric) the tensor and row that hold a NaN or infinity, Error(kIo) the path.
GgufExportResult export_gguf(const std::string& path, const GgufExportRequest& request);

// llama3 frequency factors for the tensor rope_freqs.weight (head_size / 2 floats); see Hugging Face's "llama3" rope
// type.
struct Llama3RopeScaling {
  double factor, low_freq_factor, high_freq_factor;
  int64_t original_context_length;
};
std::vector<float> llama3_rope_factors(int64_t head_size, double freq_base, const Llama3RopeScaling& scaling);

// Type of one tensor under a file type: the mixture rules of llama.cpp's quantiser, with its fall-backs when the row is
// no multiple of 256. `tied_head`: there is no output.weight, so that token_embd plays its part.
DType gguf_tensor_type(GgufFileType type, const std::string& name, const Shape& shape, int64_t block_count,
                       bool tied_head);

}  // namespace anneal
