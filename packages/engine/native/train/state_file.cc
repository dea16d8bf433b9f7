// Exact resume: trained weights, what the optimizer keeps, the loss scale and the next step. Everything else is a
// function of the spec and the step.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "core/bf16.h"
#include "core/error.h"
#include "io/safetensors.h"
#include "train/session.h"

namespace anneal {
namespace {

constexpr size_t kLoadBytes = size_t{4} << 20;
constexpr const char* kFormat = "anneal-state-2";

struct StateTensor {
  std::string name;
  Tensor tensor;
};

std::vector<StateTensor> state_tensors(ParameterSet& parameters) {
  std::vector<StateTensor> all;
  for (Parameter& p : parameters.all()) {
    if (!p.trainable) continue;
    all.push_back({p.name, p.master ? p.master : p.value});
    for (const OptimizerState& state : p.state) all.push_back({p.name + "." + state.name, state.tensor});
  }
  return all;
}

SafetensorsType type_of(const Tensor& t) {
  switch (t.dtype) {
    case DType::kBF16: return SafetensorsType::kBF16;
    case DType::kU8: return SafetensorsType::kU8;
    default: return SafetensorsType::kF32;
  }
}

const std::string& metadata_value(const SafetensorsFile& file, const std::string& key) {
  for (const auto& [name, value] : file.metadata())
    if (name == key) return value;
  throw Error(ErrorCode::kFormat, "state_field_missing", file.path(),
              "{field} is missing; this is not a training state", {{"field", "__metadata__." + key}});
}

int64_t parse_whole(const std::string& text, const std::string& where) {
  size_t used = 0;
  int64_t value = -1;
  try {
    value = std::stoll(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size() || value < 0)
    throw Error(ErrorCode::kFormat, "state_not_whole_number", where, "{value} is no whole number",
                {{"value", "\"" + text + "\""}});
  return value;
}

double parse_scale(const std::string& text, const std::string& where) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end || !(value >= LossScale::kSmallest && value <= LossScale::kLargest))
    throw Error(ErrorCode::kFormat, "state_loss_scale", where, "{value} is no loss scale",
                {{"value", "\"" + text + "\""}});
  return value;
}

void refresh_copy(const Parameter& p) {
  if (!p.has_own_master()) return;
  const float* from = p.master.f32();
  for (int64_t i = 0, n = p.shape.elements(); i < n; ++i) {
    if (p.value.dtype == DType::kBF16) static_cast<bf16*>(p.value.data)[i] = to_bf16(from[i]);
    else static_cast<f16*>(p.value.data)[i] = to_f16(from[i]);
  }
}

}  // namespace

SavedFile Session::save_state(const std::string& path) {
  SafetensorsWriter writer(path);
  writer.set_metadata("format", kFormat);
  writer.set_metadata("next_step", std::to_string(next_step_));
  writer.set_metadata("seed", std::to_string(spec_.seed));
  writer.set_metadata("optimizer", optimizer_name(spec_.optimizer.kind));
  char scale[40];
  std::snprintf(scale, sizeof scale, "%.17g", loss_scale_.value);
  writer.set_metadata("loss_scale", scale);
  writer.set_metadata("loss_scale_good_steps", std::to_string(loss_scale_.good_steps));
  const std::vector<StateTensor> tensors = state_tensors(model_.parameters);
  for (const StateTensor& t : tensors) writer.declare(t.name, type_of(t.tensor), t.tensor.shape);
  writer.begin();
  for (const StateTensor& t : tensors) writer.append(t.tensor.data, dense_bytes(t.tensor.dtype, t.tensor.shape));
  return writer.finish();
}

int64_t Session::load_state(const std::string& path) {
  const SafetensorsFile file(path);
  if (metadata_value(file, "format") != kFormat)
    throw Error(ErrorCode::kUnsupported, "state_format", path, "format {found} is not {wanted}",
                {{"found", metadata_value(file, "format")}, {"wanted", kFormat}});
  const int64_t step = parse_whole(metadata_value(file, "next_step"), path + ": next_step");
  if (metadata_value(file, "seed") != std::to_string(spec_.seed))
    throw Error(ErrorCode::kInvalidArgument, "state_seed", path,
                "was saved with seed {found}, this session has {wanted}",
                {{"found", metadata_value(file, "seed")}, {"wanted", spec_.seed}});
  if (metadata_value(file, "optimizer") != optimizer_name(spec_.optimizer.kind))
    throw Error(ErrorCode::kInvalidArgument, "state_optimizer", path,
                "was saved by {found}, this session's optimizer is {wanted}",
                {{"found", metadata_value(file, "optimizer")}, {"wanted", optimizer_name(spec_.optimizer.kind)}});
  LossScale loss_scale;
  loss_scale.value = parse_scale(metadata_value(file, "loss_scale"), path + ": loss_scale");
  loss_scale.good_steps = parse_whole(metadata_value(file, "loss_scale_good_steps"), path + ": loss_scale_good_steps");
  const std::vector<StateTensor> tensors = state_tensors(model_.parameters);
  if (file.entries().size() != tensors.size())
    throw Error(ErrorCode::kFormat, "state_tensors", path,
                "holds {held} tensors, this session trains {wanted} (with the optimizer's)",
                {{"held", file.entries().size()}, {"wanted", tensors.size()}});
  for (const StateTensor& t : tensors) {
    const SafetensorsEntry* entry = file.find(t.name);
    if (!entry)
      throw Error(ErrorCode::kFormat, "tensor_missing", path, "tensor {tensor} is missing", {{"tensor", t.name}});
    if (!(entry->shape == t.tensor.shape) || entry->type != type_of(t.tensor))
      throw Error(
          ErrorCode::kShape, "state_tensor_differs", path, "tensor {tensor} is {found}, expected {expected}",
          {{"tensor", t.name},
           {"found", std::string(safetensors_type_name(entry->type)) + " " + entry->shape.to_string()},
           {"expected", std::string(safetensors_type_name(type_of(t.tensor))) + " " + t.tensor.shape.to_string()}});
  }
  for (const StateTensor& t : tensors) {
    const SafetensorsEntry& entry = *file.find(t.name);
    // The state of full training is larger than the model: not twice in memory, not even one of its tensors.
    for (size_t at = 0; at < entry.bytes; at += kLoadBytes) {
      const size_t bytes = std::min(kLoadBytes, entry.bytes - at);
      std::memcpy(static_cast<uint8_t*>(t.tensor.data) + at, entry.data + at, bytes);
      file.file().release_pages(entry.data + at, bytes);
    }
  }
  for (const Parameter& p : model_.parameters.all())
    if (p.trainable) refresh_copy(p);
  weights_changed();
  loss_scale_ = loss_scale;
  next_step_ = step;
  return step;
}

}  // namespace anneal
