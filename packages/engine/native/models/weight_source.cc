#include "models/weight_source.h"

#include "core/error.h"

namespace anneal {

std::unique_ptr<WeightSource> WeightSource::open(const BaseSource& source) {
  auto weights = source.kind == BaseSource::Kind::kGguf ? open_gguf_source(source.path) : open_hf_source(source.path);
  check_config(weights->config(), source.path);
  return weights;
}

void WeightSource::read_stored_rows(const std::string& name, int64_t, int64_t, void*) const {
  throw Error(ErrorCode::kInternal, "not_kept_as_stored", name, "is not kept as {file} holds it", {{"file", path_}});
}

}  // namespace anneal
