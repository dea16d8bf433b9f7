// What a session computes: training steps, measurements and single tensors.
#include "binding/arguments.h"
#include "binding/session_object.h"
#include "core/bf16.h"

namespace anneal {
namespace {

TensorCopy copy_tensor(const std::string& name, const Tensor& t) {
  TensorCopy copy{name, t.shape, std::vector<float>(static_cast<size_t>(t.shape.elements()))};
  for (size_t i = 0; i < copy.values.size(); ++i)
    copy.values[i] = t.dtype == DType::kBF16 ? to_f32(t.as<bf16>()[i]) : t.f32()[i];
  return copy;
}

}  // namespace

Napi::Value SessionObject::step(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const Fields request(info[0], "request");
    auto batches = std::make_shared<std::vector<MicroBatch>>(read_micro_batches(request.get("microBatches")));
    const StepOptions options = read_step_options(request);
    return queue(info.Env(), [batches, options](Session& s) -> ResultMaker {
      const StepResult result = s.step(*batches, options);
      const bool scaled = s.spec().numbers == Precision::kF16;
      const std::vector<AdapterSpec>& adapters = s.spec().adapters;
      return [result, scaled, adapters](Napi::Env env) { return step_to_js(env, result, scaled, adapters); };
    });
  });
}

Napi::Value SessionObject::evaluate(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    auto batches = std::make_shared<std::vector<MicroBatch>>(read_micro_batches(info[0]));
    const Fields options(info[1], "options");
    const bool token_logprobs = options.boolean_or("tokenLogprobs", false);
    const bool adapters = !options.boolean_or("baseOnly", false);
    return queue(info.Env(), [=](Session& s) -> ResultMaker {
      auto result = std::make_shared<Evaluation>(s.evaluate(*batches, adapters, token_logprobs));
      return [=](Napi::Env env) { return evaluation_to_js(env, *result, token_logprobs); };
    });
  });
}

Napi::Value SessionObject::logits(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    auto batch = std::make_shared<MicroBatch>(read_micro_batch(info[0], "microBatch"));
    std::vector<int32_t> positions;
    if (info[1].IsUndefined()) {
      for (size_t i = 0; i < batch->tokens.size(); ++i) positions.push_back(static_cast<int32_t>(i));
    } else {
      positions = read_int32_array(info[1], "positions");
    }
    return queue(info.Env(), [batch, positions](Session& s) -> ResultMaker {
      auto values = std::make_shared<std::vector<float>>(s.logits(*batch, positions));
      const auto rows = static_cast<double>(positions.size());
      const auto vocab = static_cast<double>(s.config().vocab_size);
      return [=](Napi::Env env) -> Napi::Value {
        Napi::Object o = Napi::Object::New(env);
        o.Set("values", floats_to_js(env, *values));
        o.Set("rows", rows);
        o.Set("vocabSize", vocab);
        return o;
      };
    });
  });
}

Napi::Value SessionObject::best_tokens(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    auto batch = std::make_shared<MicroBatch>(read_micro_batch(info[0], "microBatch"));
    if (!info[1].IsNumber())
      throw Error(ErrorCode::kInvalidArgument, "expected_whole_number", "k", "expected a whole number");
    const int64_t k = info[1].As<Napi::Number>().Int64Value();
    return queue(info.Env(), [batch, k](Session& s) -> ResultMaker {
      auto best = std::make_shared<BestTokens>(s.best_tokens(*batch, k));
      return [best](Napi::Env env) { return best_tokens_to_js(env, *best); };
    });
  });
}

Napi::Value SessionObject::gradients(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    auto batches = std::make_shared<std::vector<MicroBatch>>(read_micro_batches(info[0]));
    const bool loss_only = info[1].IsObject() && Fields(info[1], "options").boolean_or("lossOnly", false);
    return queue(info.Env(), [batches, loss_only](Session& s) -> ResultMaker {
      const StepResult result = s.gradients(*batches);
      auto tensors = std::make_shared<std::vector<TensorCopy>>();
      for (const Parameter& p : s.model().parameters.all())
        if (p.trainable && !loss_only) tensors->push_back(copy_tensor(p.name, p.grad));
      return [result, tensors](Napi::Env env) -> Napi::Value {
        Napi::Array array = Napi::Array::New(env, tensors->size());
        for (uint32_t i = 0; i < tensors->size(); ++i) array.Set(i, tensor_to_js(env, (*tensors)[i]));
        Napi::Object o = Napi::Object::New(env);
        o.Set("loss", result.loss);
        o.Set("metrics", metrics_to_js(env, result.metrics));
        o.Set("tensors", array);
        return o;
      };
    });
  });
}

Napi::Value SessionObject::measure(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    auto batches = std::make_shared<std::vector<MicroBatch>>(read_micro_batches(info[0]));
    return queue(info.Env(), [batches](Session& s) -> ResultMaker {
      const StepResult result = s.measure(*batches);
      return [result](Napi::Env env) -> Napi::Value {
        Napi::Object o = Napi::Object::New(env);
        o.Set("loss", result.loss);
        o.Set("metrics", metrics_to_js(env, result.metrics));
        return o;
      };
    });
  });
}

Napi::Value SessionObject::scores(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    auto batches = std::make_shared<std::vector<MicroBatch>>(1, read_micro_batch(info[0], "microBatch"));
    const bool adapters = !Fields(info[1], "options").boolean_or("baseOnly", false);
    return queue(info.Env(), [batches, adapters](Session& s) -> ResultMaker {
      auto result = std::make_shared<Evaluation>(s.evaluate(*batches, adapters, false));
      return [result](Napi::Env env) { return scores_to_js(env, *result); };
    });
  });
}

Napi::Value SessionObject::weights(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    if (!info[0].IsString()) throw Error(ErrorCode::kInvalidArgument, "expected_string", "name", "expected a string");
    const std::string name = info[0].As<Napi::String>().Utf8Value();
    return queue(info.Env(), [name](Session& s) -> ResultMaker {
      const Parameter* p = s.model().parameters.find(name);
      if (!p)
        throw Error(ErrorCode::kInvalidArgument, "no_such_tensor", "name", "\"{tensor}\" is no tensor of this model",
                    {{"tensor", name}});
      auto copy = std::make_shared<TensorCopy>(p->master ? copy_tensor(name, p->master)
                                                         : TensorCopy{name, p->shape, p->dense_values()});
      return [copy](Napi::Env env) { return tensor_to_js(env, *copy); };
    });
  });
}

Napi::Value SessionObject::trainable_names(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&]() -> Napi::Value {
    Napi::Array names = Napi::Array::New(info.Env());
    uint32_t i = 0;
    for (const Parameter& p : session().model().parameters.all())
      if (p.trainable) names.Set(i++, p.name);
    return names;
  });
}

}  // namespace anneal
