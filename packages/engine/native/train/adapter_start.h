// What training goes on from: a PEFT folder, held against the model before anything is loaded.
#pragma once
#include <string>
#include <vector>

#include "io/adapter.h"
#include "train/model.h"
#include "train/training_spec.h"

namespace anneal {

// Throws, naming the tensor or the field of adapter_config.json: kShape where the folder belongs to another base
// (layers, modules or widths that this one does not have), kUnsupported where it adapts what cannot be adapted here,
// kFormat where its two files contradict each other.
void check_adapter_modules(Model& model, const AdapterFolder& folder);
// The same for the shapes, once the adapter is attached to the model as the `index`th.
void check_adapter_shapes(const Model& model, const AdapterFolder& folder, int index);
// Throws kFormat where a value is no finite number.
void check_adapter_values(const AdapterFolder& folder);

// Short names of what a folder adapts in this model: the linears it holds tensors for (its target_modules may be a
// pattern), and the parts of the merged weights of experts that it names.
std::vector<std::string> adapter_targets(Model& model, const AdapterFolder& folder);

// What a session needs to go on from the folder of an adapter alone.
TrainingSpec spec_from_adapter(const BaseSource& base, const std::string& dir);

struct AdapterInfo {
  AdapterConfig config;
  std::vector<std::string> targets;
};

// All of the above: whether the folder can go on over this base, and as what.
AdapterInfo inspect_adapter(const BaseSource& base, const std::string& dir);

}  // namespace anneal
