#include "nn/pass.h"

namespace anneal {

Pass pass_of_rows(const Pass& pass) {
  Pass own = pass;
  own.tokens = pass.rows.shape[0];
  own.rows = {};
  own.segments.clear();
  if (pass.segments.empty()) return own;
  for (int64_t i = 0; i < own.tokens; ++i) {
    const int32_t row = pass.rows.as<int32_t>()[i];
    const AdapterSegment* of = pass.segments.data();
    while (row >= of->end) ++of;
    if (!own.segments.empty() && own.segments.back().adapter == of->adapter) own.segments.back().end = i + 1;
    else own.segments.push_back({of->adapter, i, i + 1, of->seed});
  }
  return own;
}

}  // namespace anneal
