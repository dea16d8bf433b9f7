// Entry of the addon: what needs no session.
#include <napi.h>

#include "binding/arguments.h"
#include "binding/gguf_binding.h"
#include "binding/results.h"
#include "binding/session_object.h"
#include "cpu/isa.h"
#include "train/plan.h"

namespace anneal {
namespace {

constexpr const char* kVersion = "0.1.0";

Napi::Value engine_info(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return with_js_errors(env, [&]() -> Napi::Value {
    Napi::Array available = Napi::Array::New(env);
    uint32_t i = 0;
    for (Isa isa : available_isas()) available.Set(i++, isa_name(isa));
    Napi::Object o = Napi::Object::New(env);
    o.Set("version", kVersion);
    o.Set("isa", isa_name(configured_isa()));
    o.Set("isaAvailable", available);
    o.Set("threads", ThreadPool().threads());
    o.Set("cuda", "not_compiled");
    return o;
  });
}

Napi::Value inspect_model(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    Model model = open_model(read_source(info[0], "source"));
    return model_info_to_js(info.Env(), model);
  });
}

Napi::Value inspect_adapter_js(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    return adapter_info_to_js(info.Env(), inspect_adapter(read_source(info[0], "source"), read_path(info[1], "dir")));
  });
}

Napi::Value plan_training(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const TrainingSpec spec = read_spec(info[0]);
    Model model = open_model(spec);
    ThreadPool pool(spec.threads);
    const std::unique_ptr<Objective> objective = make_objective(spec, model);
    return plan_to_js(info.Env(), plan_session(model, *objective, spec, pool));
  });
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  SessionObject::define(env);
  exports.Set("engineInfo", Napi::Function::New(env, engine_info, "engineInfo"));
  exports.Set("inspectModel", Napi::Function::New(env, inspect_model, "inspectModel"));
  exports.Set("inspectAdapter", Napi::Function::New(env, inspect_adapter_js, "inspectAdapter"));
  exports.Set("planTraining", Napi::Function::New(env, plan_training, "planTraining"));
  exports.Set("openSession", Napi::Function::New(env, SessionObject::open, "openSession"));
  define_gguf_functions(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(anneal_engine, init)

}  // namespace anneal
