#include "train/objectives/reference.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace anneal {

Reference::Reference(const TrainingSpec& spec, Model& policy) : policy_(policy) {
  if (!spec.lora) copy_ = std::make_unique<FrozenModel>(spec.base, "", spec, "spec.base");
  for (const AdapterSpec& adapter : spec.all_adapters()) goes_on_ = goes_on_ || !adapter.start.empty();
}

void Reference::place(MemoryLayout& layout) {
  if (copy_) copy_->place(layout);
  if (!goes_on_) return;
  matrices_.clear();
  factors_.clear();
  for (Parameter& p : policy_.parameters.all())
    if (p.adapter && p.is_matrix()) matrices_.push_back({&p, layout.take(Part::kReference, p.value.dtype, p.shape)});
  policy_.decoder->for_each_linear([&](Linear& linear) {
    if (linear.magnitude()) factors_.push_back({&linear, layout.take(Part::kReference, DType::kF32, {linear.out()})});
  });
}

void Reference::load(Context& ctx) {
  if (copy_) copy_->load(ctx);
  for (KeptMatrix& kept : matrices_)
    std::memcpy(kept.value.data, kept.parameter->value.data, dense_bytes(kept.value.dtype, kept.value.shape));
  for (KeptFactors& kept : factors_) std::copy_n(kept.linear->output_factors(), kept.linear->out(), kept.factors.f32());
}

void Reference::exchange() {
  for (KeptMatrix& kept : matrices_) std::swap(kept.parameter->value, kept.value);
  for (KeptFactors& kept : factors_) kept.linear->exchange_output_factors(kept.factors.f32());
}

std::vector<SequenceScore> Reference::score(Runner& policy, const MicroBatch& batch) {
  if (copy_) return copy_->runner().score(batch, false);
  if (!goes_on_) return policy.score(batch, false);
  // The policy's own come back whatever happens.
  struct Exchanged {
    explicit Exchanged(Reference& reference) : reference(reference) { reference.exchange(); }
    ~Exchanged() { reference.exchange(); }
    Exchanged(const Exchanged&) = delete;
    Exchanged& operator=(const Exchanged&) = delete;
    Reference& reference;
  };
  const Exchanged exchanged(*this);
  return policy.score(batch, true);
}

}  // namespace anneal
