#include "train/merged_weights.h"

namespace anneal {

namespace {

constexpr int64_t kReleaseElements = 1 << 20;

}  // namespace

TrainedValues::TrainedValues(const Parameter& p, int64_t first, int64_t count) {
  const Tensor& from = p.master ? p.master : p.value;
  if (from.dtype == DType::kF32) {
    data_ = from.f32() + first;
    return;
  }
  copy_.resize(static_cast<size_t>(count));
  p.read_trained(first, count, copy_.data());
  data_ = copy_.data();
}

MergedWeights::MergedWeights(Session& session, int adapter) : session_(session) {
  session.model().decoder->for_each_linear([&](Linear& linear) {
    if (!linear.rank()) return;
    const anneal::LowRank& low = linear.adapters()[static_cast<size_t>(adapter)];
    adapted_.emplace(linear.weight().name, LowRank{TrainedValues(*low.a), TrainedValues(*low.b), low.config.rank,
                                                   low.config.scale(), linear.output_factors()});
  });
  session.model().decoder->for_each_expert([&](ExpertLinear& l) {
    if (!l.rank()) return;
    const anneal::LowRank& low = l.adapters()[static_cast<size_t>(adapter)];
    const int64_t parts = static_cast<int64_t>(l.parts().size()), rank = low.config.rank;
    for (int64_t e = 0; e < l.experts(); ++e)
      for (int64_t part = 0; part < parts; ++part)
        adapted_.emplace(l.weight(e, static_cast<size_t>(part)).name,
                         LowRank{TrainedValues(*low.a, e * rank * l.in(), rank * l.in()),
                                 TrainedValues(*low.b, (e * parts + part) * l.out() * rank, l.out() * rank), rank,
                                 low.config.scale(), nullptr});
  });
}

void MergedWeights::read_rows(const Parameter& p, int64_t first, int64_t count, float* out) const {
  const int64_t cols = p.is_matrix() ? p.shape[-1] : 1;
  if (p.trainable) {
    p.read_trained(first * cols, count * cols, out);
  } else {
    const WeightSource& source = *session_.model().source;
    source.read_rows(p.name, first, count, out);
    // The file's pages go as they came: the whole of it would otherwise be resident beside the model.
    const bool ends = (first + count) * cols == p.shape.elements();
    if (ends || unreleased_.fetch_add(count * cols) > kReleaseElements) {
      unreleased_ = 0;
      source.release(p.name);
    }
  }
  auto it = adapted_.find(p.name);
  if (it != adapted_.end()) add_low_rank(it->second, first, count, cols, out);
}

void MergedWeights::add_low_rank(const LowRank& low, int64_t first, int64_t count, int64_t cols, float* out) {
  for (int64_t i = 0; i < count; ++i) {
    float* row = out + i * cols;
    for (int64_t k = 0; k < low.rank; ++k) {
      const float factor = low.scale * low.b.data()[(first + i) * low.rank + k];
      const float* a = low.a.data() + k * cols;
      for (int64_t c = 0; c < cols; ++c) row[c] += factor * a[c];
    }
    if (low.factors)
      for (int64_t c = 0; c < cols; ++c) row[c] *= low.factors[first + i];
  }
}

}  // namespace anneal
