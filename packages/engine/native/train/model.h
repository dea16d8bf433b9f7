// A base model opened for a spec: source, parameters (which of them are trained) and network. Nothing is loaded yet.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "io/adapter.h"
#include "models/weight_source.h"
#include "nn/decoder.h"
#include "nn/parameter.h"
#include "train/training_spec.h"

namespace anneal {

struct Model {
  std::unique_ptr<WeightSource> source;
  ParameterSet parameters;
  std::unique_ptr<Decoder> decoder;
  std::vector<std::unique_ptr<AdapterFolder>>
      starts;  // by adapter: the folder it goes on from, null for a fresh one; until it is loaded

  const ModelConfig& config() const { return source->config(); }
};

// Header only: family, sizes, tensors. For listings, before any spec exists.
Model open_model(const BaseSource& source);

// As above with adapters attached, the folders they go on from opened and trainable parameters marked. Throws
// kInvalidArgument naming the spec's field, kFormat and kShape naming the tensor that is missing, extra or of a wrong
// shape.
Model open_model(const TrainingSpec& spec);

// Short names of the linear layers an adapter can target, in order of first use.
std::vector<std::string> linear_names(Model& model);

// Base weights from the file, then the adapter: from spec.adapter, or fresh (A kaiming-uniform with a = sqrt 5, B zero,
// by the seed).
void load_weights(Model& model, const TrainingSpec& spec, ThreadPool& pool);

// What DoRA keeps beside loaded weights; a fresh adapter's magnitudes become the norms of the weights.
void start_dora(Model& model, const TrainingSpec& spec, Context& ctx);

}  // namespace anneal
