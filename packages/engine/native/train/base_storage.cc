#include "train/base_storage.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/error.h"
#include "quant/frozen.h"
#include "quant/quant.h"

namespace anneal {
namespace {

// Elements one thread reads at once, and runs after which the file's pages are let go.
constexpr int64_t kRunElements = 1 << 18;
constexpr int64_t kRunsPerRelease = 8;

bool is_dense(DType d) { return d == DType::kF32 || d == DType::kF16 || d == DType::kBF16; }

bool is_vocabulary(const Parameter& p) { return p.name == "model.embed_tokens.weight" || p.name == "lm_head.weight"; }

void store_int8(Parameter& p) {
  p.storage = DType::kInt8Block;
  p.codec = {kFrozenBlock, kInt8Bytes, frozen_functions().dequantise_int8,
             nullptr,      nullptr,    frozen_dots(DType::kInt8Block)};
}

void store_nf4(Parameter& p) {
  p.storage = DType::kNF4;
  p.codec = {kFrozenBlock, kNf4Bytes, nullptr, frozen_functions().dequantise_nf4, nullptr, frozen_dots(DType::kNF4)};
  p.scale_elements = kFrozenBlock * kNf4Group;
}

void store_as_in_file(const WeightSource& source, Parameter& p, bool bf16) {
  const std::optional<DType> type = source.stored_type(p.name);
  if (!type) return;
  if (is_dense(*type)) {
    // A wider float than the arithmetic reads would only cost memory.
    if (*type != DType::kF32 || !bf16) p.storage = *type;
    return;
  }
  p.storage = *type;
  const QuantType& quant = quant_type(*type);
  p.codec = {quant.block_elements, quant.block_bytes, row_dequantiser(*type), nullptr, nullptr, block_dots(*type)};
}

void check_finite(const WeightSource& source, const Parameter& p, const std::vector<float>& values) {
  for (float v : values)
    if (!std::isfinite(v))
      throw Error(ErrorCode::kFormat, "tensor_not_finite", source.path(), "tensor {tensor} holds a NaN or infinity",
                  {{"tensor", p.name}});
}

void load_nf4(const WeightSource& source, Parameter& p, ThreadPool& pool) {
  const int64_t cols = p.shape[-1], blocks_per_row = cols / kFrozenBlock;
  const int64_t blocks = p.shape.elements() / kFrozenBlock;
  uint8_t* data = p.value.as<uint8_t>();
  std::vector<float> largest(static_cast<size_t>(blocks));
  for_each_row_run(source, p, pool, [&](int64_t first, int64_t count) {
    std::vector<float> values(static_cast<size_t>(count * cols));
    source.read_rows(p.name, first, count, values.data());
    check_finite(source, p, values);
    frozen_functions().quantise_nf4(values.data(), data + first * blocks_per_row * kNf4Bytes,
                                    largest.data() + first * blocks_per_row, count * cols);
  });
  auto scales = std::make_shared<Nf4Scales>();
  scales->blocks = data;
  scales->groups = p.block_scales.f32();
  scales->mean = quantise_nf4_scales(largest.data(), blocks, data, p.block_scales.f32());
  p.codec.context = scales.get();
  p.codec_state = scales;
}

}  // namespace

BaseStorage parse_base_storage(const std::string& name) {
  if (name == "dense") return BaseStorage::kDense;
  if (name == "int8") return BaseStorage::kInt8;
  if (name == "nf4") return BaseStorage::kNf4;
  if (name == "blocks") return BaseStorage::kBlocks;
  refuse("not_expected", "spec.baseStorage", "is {found}, expected {expected}",
         {{"found", "\"" + name.substr(0, 40) + "\""}, {"expected", "\"dense\", \"int8\", \"nf4\" or \"blocks\""}});
}

void choose_base_storage(Model& model, const TrainingSpec& spec) {
  if (spec.base_storage == BaseStorage::kDense) return;
  if (!spec.lora)
    refuse("quantised_base_needs_lora", "spec.baseStorage",
           "needs method.kind {method}: quantised weights cannot be trained", {{"method", "\"lora\""}});
  if (spec.base_storage == BaseStorage::kBlocks && !model.source->gguf())
    refuse("blocks_need_gguf", "spec.baseStorage",
           "is {storage}, but the base is a folder: only a GGUF file holds blocks; use {alternatives}",
           {{"storage", "\"blocks\""}, {"alternatives", "\"int8\" or \"nf4\""}});
  for (Parameter& p : model.parameters.all()) {
    if (p.adapter || p.trainable || !p.is_matrix()) continue;
    if (spec.base_storage == BaseStorage::kBlocks) {
      store_as_in_file(*model.source, p, spec.act() == DType::kBF16);
    } else if (p.shape[-1] % kFrozenBlock == 0) {
      // Tables of the vocabulary hurt more from coarse codes than linears do, and are a large part of small models.
      spec.base_storage == BaseStorage::kInt8 || is_vocabulary(p) ? store_int8(p) : store_nf4(p);
    }
  }
}

void for_each_row_run(const WeightSource& source, const Parameter& p, ThreadPool& pool,
                      const std::function<void(int64_t, int64_t)>& fn) {
  const int64_t cols = p.shape[-1], rows = p.shape.elements() / cols;
  const int64_t step = std::max<int64_t>(1, kRunElements / cols), wave = step * kRunsPerRelease;
  for (int64_t begin = 0; begin < rows; begin += wave) {
    const int64_t end = std::min(rows, begin + wave);
    pool.parallel_for((end - begin + step - 1) / step, [&](int64_t run) {
      const int64_t first = begin + run * step;
      fn(first, std::min(step, end - first));
    });
    source.release(p.name);
  }
}

void load_stored(const WeightSource& source, Parameter& p, ThreadPool& pool) {
  if (*p.storage == DType::kNF4) return load_nf4(source, p, pool);
  const int64_t cols = p.shape[-1];
  const bool int8 = *p.storage == DType::kInt8Block;
  const int64_t row_bytes = p.codec ? p.codec.bytes(cols) : static_cast<int64_t>(dense_bytes(*p.storage, {cols}));
  for_each_row_run(source, p, pool, [&](int64_t first, int64_t count) {
    std::vector<float> values(static_cast<size_t>(count * cols));
    source.read_rows(p.name, first, count, values.data());
    check_finite(source, p, values);
    uint8_t* out = p.value.as<uint8_t>() + first * row_bytes;
    if (int8) frozen_functions().quantise_int8(values.data(), out, count * cols);
    else source.read_stored_rows(p.name, first, count, out);
  });
}

}  // namespace anneal
