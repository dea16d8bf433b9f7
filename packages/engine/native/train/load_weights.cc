#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <vector>

#include "core/bf16.h"
#include "core/error.h"
#include "core/philox.h"
#include "io/adapter.h"
#include "train/base_storage.h"
#include "train/model.h"

namespace anneal {
namespace {

// Steps of training are counted from 0 up; fresh adapters draw from the last one, which no run reaches.
constexpr uint32_t kInitStep = 0xffffffffu;

// f32 values of elements [first, first + n) of a parameter, into its compute copy and its master.
void store(Parameter& p, int64_t first, const float* values, int64_t n) {
  if (p.master) std::copy(values, values + n, p.master.f32() + first);
  if (p.value.dtype == DType::kF32) {
    if (!p.master) std::copy(values, values + n, p.value.f32() + first);
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    if (p.value.dtype == DType::kBF16) p.value.as<bf16>()[first + i] = to_bf16(values[i]);
    else p.value.as<f16>()[first + i] = to_f16(values[i]);
  }
}

void load_base(Model& model, ThreadPool& pool) {
  for (Parameter& p : model.parameters.all()) {
    if (p.adapter) continue;
    if (p.storage) {
      load_stored(*model.source, p, pool);
      continue;
    }
    const int64_t cols = p.is_matrix() ? p.shape[-1] : 1;
    const auto load_rows = [&](int64_t first, int64_t count) {
      std::vector<float> values(static_cast<size_t>(count * cols));
      model.source->read_rows(p.name, first, count, values.data());
      for (float v : values)
        if (!std::isfinite(v))
          throw Error(ErrorCode::kFormat, "tensor_not_finite", model.source->path(),
                      "tensor {tensor} holds a NaN or infinity", {{"tensor", p.name}});
      store(p, first * cols, values.data(), count * cols);
    };
    if (p.is_matrix()) for_each_row_run(*model.source, p, pool, load_rows);
    else load_rows(0, p.shape.elements());
  }
}

void init_fresh(Parameter& a, Parameter& b, int64_t in, uint64_t seed, uint32_t id) {
  const RandomStream stream{seed, kInitStep, id};
  const float bound = 1.0f / std::sqrt(static_cast<float>(in));
  std::vector<float> values(static_cast<size_t>(a.shape.elements()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = bound * (2.0f * stream.uniform(i) - 1.0f);
  store(a, 0, values.data(), static_cast<int64_t>(values.size()));
  std::vector<float> zeros(static_cast<size_t>(b.shape.elements()), 0.0f);
  store(b, 0, zeros.data(), static_cast<int64_t>(zeros.size()));
}

void read_adapter_tensor(const SafetensorsEntry& entry, Parameter& p, const std::string& where) {
  std::vector<float> values(static_cast<size_t>(p.shape.elements()));
  entry.read_f32(values.data(), where);
  for (float v : values)
    if (!std::isfinite(v))
      throw Error(ErrorCode::kFormat, "tensor_not_finite", where, "tensor {tensor} holds a NaN or infinity",
                  {{"tensor", entry.name}});
  if (p.experts) values = from_peft_layout(p, values.data());
  store(p, 0, values.data(), static_cast<int64_t>(values.size()));
}

// What one adapter starts from: the folder that was held against the model, or fresh values.
class AdapterStart {
 public:
  AdapterStart(const AdapterSpec& adapter, const AdapterFolder* folder) : adapter_(adapter), folder_(folder) {}

  void fill(Parameter& a, Parameter& b, int64_t in, uint32_t id) {
    if (!folder_) return init_fresh(a, b, in, adapter_.seed, id);
    read(a), read(b);
  }

  void fill_magnitude(Parameter& magnitude) {
    if (folder_) read(magnitude);
  }

 private:
  void read(Parameter& p) {
    read_adapter_tensor(folder_->at(p.file_name.empty() ? p.name : p.file_name), p, folder_->tensors().path());
  }

  const AdapterSpec& adapter_;
  const AdapterFolder* folder_;
};

}  // namespace

void load_weights(Model& model, const TrainingSpec& spec, ThreadPool& pool) {
  load_base(model, pool);
  size_t at = 0;
  for (const AdapterSpec& adapter : spec.all_adapters()) {
    AdapterStart start(adapter, model.starts.at(at).get());
    uint32_t id = 0;
    model.decoder->for_each_linear([&](Linear& linear) {
      const uint32_t own = id++;
      if (!linear.rank()) return;
      const LowRank& low = linear.adapters()[at];
      start.fill(*low.a, *low.b, linear.in(), own);
      if (linear.magnitude()) start.fill_magnitude(*linear.magnitude());
    });
    model.decoder->for_each_expert([&](ExpertLinear& l) {
      const uint32_t own = id++;
      if (!l.rank()) return;
      const LowRank& low = l.adapters()[at];
      start.fill(*low.a, *low.b, l.in(), own);
    });
    ++at;
  }
  model.starts.clear();
}

void start_dora(Model& model, const TrainingSpec& spec, Context& ctx) {
  model.decoder->for_each_linear([&](Linear& linear) {
    if (linear.magnitude()) linear.start_dora(ctx, spec.adapter.empty());
  });
}

}  // namespace anneal
