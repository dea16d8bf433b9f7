#include "io/gguf_export.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/thread_pool.h"
#include "quant/quant.h"

namespace anneal {
namespace {

// general.file_type numbers of llama.cpp.
uint32_t file_type_number(GgufFileType type) {
  switch (type) {
    case GgufFileType::kF32: return 0;
    case GgufFileType::kF16: return 1;
    case GgufFileType::kBF16: return 32;
    case GgufFileType::kQ8_0: return 7;
    case GgufFileType::kQ4_0: return 2;
    case GgufFileType::kQ4_K_M: return 15;
    case GgufFileType::kQ5_K_M: return 17;
    case GgufFileType::kQ6_K: return 18;
  }
  return 0;
}

uint32_t count_u32(const char* field, int64_t value) {
  if (value < 1 || value > INT32_MAX)
    refuse("out_of_range", std::string("hyperparameters.") + field, "must be from {low} to {high}, found {found}",
           {{"low", 1}, {"high", INT32_MAX}, {"found", value}});
  return static_cast<uint32_t>(value);
}

bool starts_with(const std::string& text, const char* head) { return text.compare(0, std::strlen(head), head) == 0; }

// Keys that describe the file itself: carried over from another file they would lie.
bool follows_tensors(const std::string& key) {
  return key == "general.architecture" || key == "general.file_type" || key == "general.alignment" ||
         key == "general.quantization_version" || starts_with(key, "split.") || starts_with(key, "quantize.imatrix.");
}

void set_keys(GgufWriter* writer, const GgufExportRequest& request) {
  const GgufHyperparameters& h = request.hyperparameters;
  if (h.architecture.empty()) refuse("missing", "hyperparameters.architecture", "is missing");
  if (!(h.rope_freq_base > 0.0) || !std::isfinite(h.rope_freq_base))
    refuse("not_above", "hyperparameters.rope_freq_base", "must be above {minimum}", {{"minimum", 0}});
  if (!(h.rms_epsilon >= 0.0) || !std::isfinite(h.rms_epsilon))
    refuse("below_minimum", "hyperparameters.rms_epsilon", "must be at least {minimum}", {{"minimum", 0}});
  if (h.head_count_kv > h.head_count)
    refuse("kv_heads_above_heads", "hyperparameters.head_count_kv", "is above head_count");
  const std::string a = h.architecture + ".";
  writer->set("general.architecture", GgufValue::string(h.architecture));
  writer->set("general.type", GgufValue::string("model"));
  if (!h.name.empty()) writer->set("general.name", GgufValue::string(h.name));
  writer->set("general.file_type", GgufValue::u32(file_type_number(request.type)));
  writer->set("general.quantization_version", GgufValue::u32(2));
  const struct {
    const char* key;
    const char* field;
    int64_t value;
  } counts[] = {
      {"context_length", "context_length", h.context_length},
      {"embedding_length", "embedding_length", h.embedding_length},
      {"block_count", "block_count", h.block_count},
      {"feed_forward_length", "feed_forward_length", h.feed_forward_length},
      {"attention.head_count", "head_count", h.head_count},
      {"attention.head_count_kv", "head_count_kv", h.head_count_kv},
      {"attention.key_length", "head_size", h.head_size},
      {"attention.value_length", "head_size", h.head_size},
      {"rope.dimension_count", "rope_dimensions", h.rope_dimensions},
      {"vocab_size", "vocab_size", h.vocab_size},
  };
  for (const auto& count : counts) writer->set(a + count.key, GgufValue::u32(count_u32(count.field, count.value)));
  writer->set(a + "rope.freq_base", GgufValue::f32(static_cast<float>(h.rope_freq_base)));
  writer->set(a + "attention.layer_norm_rms_epsilon", GgufValue::f32(static_cast<float>(h.rms_epsilon)));
  for (const auto& [key, value] : request.metadata)
    if (!follows_tensors(key)) writer->set(key, value);
}

// Rows quantised at once by one worker: about a quarter of a million floats, at least one row.
constexpr int64_t kChunkElements = int64_t{1} << 18;

float largest_storable(DType dtype) {
  return dtype == DType::kF32 ? 3.4028235e38f : dtype == DType::kBF16 ? 3.3895314e38f : 65504.0f;
}

void check_values(const std::string& name, DType dtype, const float* values, int64_t first_row, int64_t rows,
                  int64_t cols) {
  const float limit = largest_storable(dtype);
  for (int64_t i = 0; i < rows * cols; ++i) {
    if (std::fabs(values[i]) <= limit) continue;
    const std::string where = "tensor \"" + name + "\" row " + std::to_string(first_row + i / cols);
    if (!std::isfinite(values[i]))
      throw Error(ErrorCode::kNumeric, "weight_not_finite", where,
                  "holds a NaN or infinity; go back to an earlier checkpoint");
    throw Error(ErrorCode::kNumeric, "weight_too_large", where,
                "holds {value}, too large for {type}; export as BF16 or F32",
                {{"value", values[i]}, {"type", quant_type(dtype).name}});
  }
}

// Squares of the differences and of the values.
struct SquareSums {
  double error = 0, value = 0;
  void add(const SquareSums& o) { error += o.error, value += o.value; }
  double relative() const { return value > 0 ? std::sqrt(error / value) : 0; }
};

SquareSums square_sums(const float* values, const uint8_t* blocks, DType dtype, RowDequantiser dequantise,
                       int64_t cols) {
  SquareSums sums;
  if (dtype == DType::kF32) return sums;
  thread_local std::vector<float> back;
  back.resize(static_cast<size_t>(cols));
  dequantise(blocks, back.data(), cols);
  for (int64_t i = 0; i < cols; ++i) {
    const double v = static_cast<double>(values[i]), d = static_cast<double>(back[static_cast<size_t>(i)]) - v;
    sums.error += d * d;
    sums.value += v * v;
  }
  return sums;
}

// Sums are taken by row and added in their order: the same digits with any number of threads.
SquareSums write_tensor(GgufWriter* writer, const GgufExportTensor& tensor, DType dtype, ThreadPool* pool,
                        const std::function<bool()>& should_stop) {
  const int64_t cols = tensor.shape[-1], rows = tensor.shape.elements() / cols;
  const size_t row_bytes = quant_row_bytes(dtype, cols);
  const int64_t chunk_rows = std::max<int64_t>(1, kChunkElements / cols);
  const int64_t wave_rows = chunk_rows * pool->threads();
  const RowQuantiser quantise = row_quantiser(dtype);
  std::vector<uint8_t> blocks(static_cast<size_t>(std::min(rows, wave_rows)) * row_bytes);
  std::vector<std::vector<float>> values(static_cast<size_t>(pool->threads()));
  const RowDequantiser dequantise = row_dequantiser(dtype);
  std::vector<SquareSums> row_sums(static_cast<size_t>(std::min(rows, wave_rows)));
  SquareSums sums;
  for (int64_t wave = 0; wave < rows; wave += wave_rows) {
    if (should_stop && should_stop())
      throw Error(ErrorCode::kStopped, "export_stopped", "export", "was stopped; no file was written");
    const int64_t in_wave = std::min(wave_rows, rows - wave);
    pool->parallel_for((in_wave + chunk_rows - 1) / chunk_rows, [&](int64_t chunk, int worker) {
      const int64_t first = chunk * chunk_rows, count = std::min(chunk_rows, in_wave - first);
      std::vector<float>& buffer = values[static_cast<size_t>(worker)];
      buffer.resize(static_cast<size_t>(count * cols));
      tensor.read_rows(wave + first, count, buffer.data());
      check_values(tensor.name, dtype, buffer.data(), wave + first, count, cols);
      for (int64_t r = 0; r < count; ++r) {
        uint8_t* out = blocks.data() + static_cast<size_t>(first + r) * row_bytes;
        quantise(buffer.data() + r * cols, out, cols, nullptr);
        row_sums[static_cast<size_t>(first + r)] = square_sums(buffer.data() + r * cols, out, dtype, dequantise, cols);
      }
    });
    for (int64_t r = 0; r < in_wave; ++r) sums.add(row_sums[static_cast<size_t>(r)]);
    writer->append(blocks.data(), static_cast<size_t>(in_wave) * row_bytes);
  }
  return sums;
}

}  // namespace

GgufExportResult export_gguf(const std::string& path, const GgufExportRequest& request) {
  if (request.tensors.empty())
    throw Error(ErrorCode::kInvalidArgument, "nothing_to_export", "tensors", "there is nothing to export");
  const bool tied_head = std::none_of(request.tensors.begin(), request.tensors.end(),
                                      [](const GgufExportTensor& t) { return t.name == "output.weight"; });
  GgufWriter writer(path);
  set_keys(&writer, request);
  std::vector<DType> types;
  for (const GgufExportTensor& tensor : request.tensors) {
    if (!tensor.read_rows)
      throw Error(ErrorCode::kInvalidArgument, "tensor_without_reader", "tensor \"" + tensor.name + "\"",
                  "has no read_rows");
    types.push_back(
        gguf_tensor_type(request.type, tensor.name, tensor.shape, request.hyperparameters.block_count, tied_head));
    writer.declare(tensor.name, types.back(), tensor.shape);
  }
  writer.begin();
  ThreadPool pool(std::clamp(request.threads, 1, 64));
  GgufExportResult result;
  SquareSums all;
  for (size_t i = 0; i < request.tensors.size(); ++i) {
    const SquareSums sums = write_tensor(&writer, request.tensors[i], types[i], &pool, request.should_stop);
    all.add(sums);
    if (request.tensors[i].shape.rank >= 2)
      result.tensors.push_back({request.tensors[i].name, quant_type(types[i]).name, sums.relative()});
  }
  result.relative_rmse = all.relative();
  result.file = writer.finish();
  return result;
}

std::vector<float> llama3_rope_factors(int64_t head_size, double freq_base, const Llama3RopeScaling& scaling) {
  if (head_size < 2 || head_size % 2 != 0) refuse("not_even", "hyperparameters.head_size", "must be even");
  if (!(scaling.factor > 0.0) || !(scaling.high_freq_factor > scaling.low_freq_factor) ||
      scaling.original_context_length < 1)
    refuse("rope_scaling_incomplete", "hyperparameters.rope_scaling",
           "needs factor > 0, high_freq_factor > low_freq_factor and an original context length");
  const double pi = 3.14159265358979323846;
  const double low_wavelength = static_cast<double>(scaling.original_context_length) / scaling.low_freq_factor;
  const double high_wavelength = static_cast<double>(scaling.original_context_length) / scaling.high_freq_factor;
  std::vector<float> factors(static_cast<size_t>(head_size / 2));
  for (size_t i = 0; i < factors.size(); ++i) {
    const double frequency = 1.0 / std::pow(freq_base, 2.0 * static_cast<double>(i) / static_cast<double>(head_size));
    const double wavelength = 2.0 * pi / frequency;
    if (wavelength < high_wavelength) {
      factors[i] = 1.0f;
    } else if (wavelength > low_wavelength) {
      factors[i] = static_cast<float>(scaling.factor);
    } else {
      // Between the two, frequencies (not wavelengths) are blended.
      const double smooth =
          (static_cast<double>(scaling.original_context_length) / wavelength - scaling.low_freq_factor) /
          (scaling.high_freq_factor - scaling.low_freq_factor);
      factors[i] = static_cast<float>(1.0 / ((1.0 - smooth) / scaling.factor + smooth));
    }
  }
  return factors;
}

}  // namespace anneal
