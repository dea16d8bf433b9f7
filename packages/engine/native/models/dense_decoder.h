// The network llama-like families share.
#pragma once
#include <memory>

#include "models/model_config.h"
#include "nn/decoder.h"
#include "nn/parameter.h"

namespace anneal {

std::unique_ptr<Decoder> build_dense_decoder(const ModelConfig& config, ParameterSet& parameters);

}  // namespace anneal
