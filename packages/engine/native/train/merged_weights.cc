#include "train/merged_weights.h"

namespace anneal {

std::vector<float> trained_values(const Parameter& p, int64_t first, int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  p.read_trained(first, count, values.data());
  return values;
}
std::vector<float> trained_values(const Parameter& p) { return trained_values(p, 0, p.shape.elements()); }

MergedWeights::MergedWeights(Session& session, int adapter) : session_(session) {
  session.model().decoder->for_each_linear([&](Linear& linear) {
    if (!linear.rank()) return;
    const anneal::LowRank& low = linear.adapters()[static_cast<size_t>(adapter)];
    adapted_[linear.weight().name] = {trained_values(*low.a), trained_values(*low.b), low.config.rank, low.config.scale(),
                                      linear.output_factors()};
  });
  session.model().decoder->for_each_expert([&](ExpertLinear& l) {
    const auto parts = static_cast<int64_t>(l.parts().size());
    for (int64_t e = 0; l.rank() && e < l.experts(); ++e)
      for (int64_t part = 0; part < parts; ++part)
        adapted_[l.weight(e, static_cast<size_t>(part)).name] = {
            trained_values(*l.lora_a(), e * l.rank() * l.in(), l.rank() * l.in()),
            trained_values(*l.lora_b(), (e * parts + part) * l.out() * l.rank(), l.out() * l.rank()), l.rank(), l.lora().scale(),
            nullptr};
  });
}

void MergedWeights::read_rows(const Parameter& p, int64_t first, int64_t count, float* out) const {
  const int64_t cols = p.is_matrix() ? p.shape[-1] : 1;
  if (p.trainable) {
    p.read_trained(first * cols, count * cols, out);
  } else {
    session_.model().source->read_rows(p.name, first, count, out);
  }
  auto it = adapted_.find(p.name);
  if (it != adapted_.end()) add_low_rank(it->second, first, count, cols, out);
}

void MergedWeights::add_low_rank(const LowRank& low, int64_t first, int64_t count, int64_t cols, float* out) {
  for (int64_t i = 0; i < count; ++i) {
    float* row = out + i * cols;
    for (int64_t k = 0; k < low.rank; ++k) {
      const float factor = low.scale * low.b[static_cast<size_t>((first + i) * low.rank + k)];
      const float* a = low.a.data() + k * cols;
      for (int64_t c = 0; c < cols; ++c) row[c] += factor * a[c];
    }
    if (low.factors)
      for (int64_t c = 0; c < cols; ++c) row[c] *= low.factors[first + i];
  }
}

}  // namespace anneal
