#include "models/weight_source.h"

namespace anneal {

std::unique_ptr<WeightSource> WeightSource::open(const BaseSource& source) {
  auto weights = source.kind == BaseSource::Kind::kGguf ? open_gguf_source(source.path) : open_hf_source(source.path);
  check_config(weights->config(), source.path);
  return weights;
}

}  // namespace anneal
