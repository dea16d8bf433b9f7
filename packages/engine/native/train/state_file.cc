// Exact resume: float32 masters, both moments and the next step. Everything else is a function of the spec and the step.
#include <cstring>
#include <vector>

#include "core/bf16.h"
#include "core/error.h"
#include "io/safetensors.h"
#include "train/session.h"

namespace anneal {
namespace {

constexpr const char* kFormat = "anneal-state-1";

struct StateTensor {
  std::string name;
  Tensor tensor;
};

std::vector<StateTensor> state_tensors(ParameterSet& parameters) {
  std::vector<StateTensor> all;
  for (Parameter& p : parameters.all()) {
    if (!p.trainable) continue;
    all.push_back({p.name, p.master});
    all.push_back({p.name + ".moment1", p.moment1});
    all.push_back({p.name + ".moment2", p.moment2});
  }
  return all;
}

const std::string& metadata_value(const SafetensorsFile& file, const std::string& key) {
  for (const auto& [name, value] : file.metadata())
    if (name == key) return value;
  throw Error(ErrorCode::kFormat, file.path(), "__metadata__." + key + " is missing; this is not a training state");
}

int64_t parse_whole(const std::string& text, const std::string& where) {
  size_t used = 0;
  int64_t value = -1;
  try {
    value = std::stoll(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size() || value < 0) throw Error(ErrorCode::kFormat, where, "\"" + text + "\" is no whole number");
  return value;
}

void refresh_copy(const Parameter& p) {
  if (!p.has_own_master()) return;
  const float* from = p.master.f32();
  bf16* to = static_cast<bf16*>(p.value.data);
  for (int64_t i = 0, n = p.shape.elements(); i < n; ++i) to[i] = to_bf16(from[i]);
}

}  // namespace

SavedFile Session::save_state(const std::string& path) {
  SafetensorsWriter writer(path);
  writer.set_metadata("format", kFormat);
  writer.set_metadata("next_step", std::to_string(next_step_));
  writer.set_metadata("seed", std::to_string(spec_.seed));
  const std::vector<StateTensor> tensors = state_tensors(model_.parameters);
  for (const StateTensor& t : tensors) writer.declare(t.name, SafetensorsType::kF32, t.tensor.shape);
  writer.begin();
  for (const StateTensor& t : tensors) writer.append_f32(t.tensor.f32(), t.tensor.shape.elements());
  return writer.finish();
}

int64_t Session::load_state(const std::string& path) {
  const SafetensorsFile file(path);
  if (metadata_value(file, "format") != kFormat)
    throw Error(ErrorCode::kUnsupported, path, "format " + metadata_value(file, "format") + " is not " + kFormat);
  const int64_t step = parse_whole(metadata_value(file, "next_step"), path + ": next_step");
  if (metadata_value(file, "seed") != std::to_string(spec_.seed))
    throw Error(ErrorCode::kInvalidArgument, path,
                "was saved with seed " + metadata_value(file, "seed") + ", this session has " + std::to_string(spec_.seed));
  const std::vector<StateTensor> tensors = state_tensors(model_.parameters);
  if (file.entries().size() != tensors.size())
    throw Error(ErrorCode::kFormat, path, "holds " + std::to_string(file.entries().size()) + " tensors, this session trains " +
                                              std::to_string(tensors.size()) + " (with moments)");
  for (const StateTensor& t : tensors) {
    const SafetensorsEntry* entry = file.find(t.name);
    if (!entry) throw Error(ErrorCode::kFormat, path, "tensor " + t.name + " is missing");
    if (!(entry->shape == t.tensor.shape) || entry->type != SafetensorsType::kF32)
      throw Error(ErrorCode::kShape, path, "tensor " + t.name + " has shape " + entry->shape.to_string() + ", expected F32 " +
                                               t.tensor.shape.to_string());
  }
  for (const StateTensor& t : tensors) std::memcpy(t.tensor.data, file.find(t.name)->data, file.find(t.name)->bytes);
  for (const Parameter& p : model_.parameters.all())
    if (p.trainable) refresh_copy(p);
  next_step_ = step;
  return step;
}

}  // namespace anneal
