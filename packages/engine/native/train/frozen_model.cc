#include "train/frozen_model.h"

#include "core/error.h"
#include "train/adapter_start.h"

namespace anneal {
namespace {

TrainingSpec spec_of(const BaseSource& base, const std::string& adapter, const TrainingSpec& session) {
  TrainingSpec spec;
  if (!adapter.empty()) spec = spec_from_adapter(base, adapter);
  spec.base = base;
  // Without training there is nothing to round stochastically.
  spec.numbers = session.numbers == Precision::kBF16Stochastic ? Precision::kBF16 : session.numbers;
  spec.threads = session.threads;
  spec.isa = session.isa;
  spec.max_tokens = session.max_tokens;
  spec.max_sequence_tokens = session.max_sequence_tokens;
  return spec;
}

Model open_frozen(const TrainingSpec& spec, const std::string& role) {
  Model model = spec.lora ? open_model(spec) : open_model(spec.base);
  for (Parameter& p : model.parameters.all()) p.trainable = false;
  if (spec.max_sequence_tokens > model.config().context_length)
    throw Error(ErrorCode::kInvalidArgument, "context_below_sequence", role,
                "has a context of {context} tokens, maxSequenceTokens is {tokens}",
                {{"context", model.config().context_length}, {"tokens", spec.max_sequence_tokens}});
  return model;
}

}  // namespace

FrozenModel::FrozenModel(const BaseSource& base, const std::string& adapter, const TrainingSpec& spec,
                         const std::string& role)
    : spec_(spec_of(base, adapter, spec)), model_(open_frozen(spec_, role)) {}

void FrozenModel::place(MemoryLayout& layout) {
  const MemoryLayout::Whole whole(layout, Part::kReference);
  model_.parameters.place(layout, spec_.matrix(), false);
  buffers_ = model_.decoder->place(layout, spec_.max_tokens, spec_.max_sequence_tokens, spec_.act(), false,
                                   Recompute::kNothing);
}

size_t FrozenModel::scratch_bytes(const Context& ctx) const {
  return model_.decoder->scratch_bytes(ctx, spec_.precision(), buffers_, spec_.max_sequence_tokens);
}

void FrozenModel::load(Context& ctx) {
  model_.decoder->fill_rope(buffers_);
  load_weights(model_, spec_, ctx.pool);
  start_dora(model_, spec_, ctx);
  runner_ = std::make_unique<Runner>(ctx, *model_.decoder, buffers_, spec_);
}

}  // namespace anneal
