// Text from a session, told to JavaScript as it comes.
#include <atomic>

#include "binding/arguments.h"
#include "binding/session_object.h"
#include "infer/generate.h"

namespace anneal {
namespace {

// A JavaScript function called per token. What it throws stops the generation and becomes its rejection.
struct TokenListener {
  Napi::FunctionReference function;
  Napi::Reference<Napi::Value> thrown;
  std::atomic<bool> failed{false};

  void call(Napi::Env env, int32_t sequence, int32_t token) {
    if (failed) return;
    try {
      function.Call({Napi::Number::New(env, sequence), Napi::Number::New(env, token)});
    } catch (const Napi::Error& e) {
      failed = true;
      Napi::Object holder = Napi::Object::New(env);
      holder.Set("error", e.Value());
      thrown = Napi::Persistent<Napi::Value>(holder);
    }
  }
};

}  // namespace

Napi::Value SessionObject::generate_text(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    const Fields request(info[0], "request");
    auto prompts = std::make_shared<std::vector<std::vector<int32_t>>>(read_prompts(request));
    auto options = std::make_shared<GenerateOptions>(read_generate_options(request));
    auto listener = std::make_shared<TokenListener>();
    if (request.has("onToken")) {
      const Napi::Value function = request.get("onToken");
      if (!function.IsFunction())
        throw Error(ErrorCode::kInvalidArgument, "expected_function", "request.onToken", "expected a function");
      listener->function = Napi::Persistent(function.As<Napi::Function>());
      options->on_token = [this, listener](int32_t sequence, int32_t token) {
        if (listener->failed) throw Error(ErrorCode::kStopped, "callback_threw", "onToken", "threw");
        thread_->post([listener, sequence, token](Napi::Env env) { listener->call(env, sequence, token); });
      };
    }
    // References to JavaScript values may only be dropped on the JavaScript thread, so the result holds the last one.
    return queue(
        info.Env(),
        [prompts, options, listener](Session& s) -> ResultMaker {
          auto result = std::make_shared<Generation>(generate(s, *prompts, *options));
          return [result, options, listener](Napi::Env env) -> Napi::Value {
            if (listener->failed) throw Napi::Error(env, listener->thrown.Value().As<Napi::Object>().Get("error"));
            return generation_to_js(env, *result, *options);
          };
        },
        [listener](Napi::Env, Napi::Value error) -> Napi::Value {
          if (!listener->failed) return error;
          return listener->thrown.Value().As<Napi::Object>().Get("error");
        });
  });
}

}  // namespace anneal
