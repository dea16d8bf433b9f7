// The JavaScript face of one session: checks arguments on the JavaScript thread, works on the session's own.
#pragma once
#include <napi.h>

#include <memory>

#include "binding/engine_thread.h"
#include "binding/results.h"
#include "train/session.h"

namespace anneal {

class SessionObject : public Napi::ObjectWrap<SessionObject> {
 public:
  static void define(Napi::Env env);
  // openSession(spec): loads on a new engine thread and resolves to the object.
  static Napi::Value open(const Napi::CallbackInfo& info);

  explicit SessionObject(const Napi::CallbackInfo& info);
  ~SessionObject();

 private:
  Napi::Value info(const Napi::CallbackInfo& info);
  Napi::Value plan(const Napi::CallbackInfo& info);
  // session_steps.cc
  Napi::Value step(const Napi::CallbackInfo& info);
  Napi::Value evaluate(const Napi::CallbackInfo& info);
  Napi::Value logits(const Napi::CallbackInfo& info);
  Napi::Value best_tokens(const Napi::CallbackInfo& info);
  Napi::Value gradients(const Napi::CallbackInfo& info);
  Napi::Value measure(const Napi::CallbackInfo& info);
  Napi::Value scores(const Napi::CallbackInfo& info);
  Napi::Value weights(const Napi::CallbackInfo& info);
  Napi::Value trainable_names(const Napi::CallbackInfo& info);
  // session_generation.cc
  Napi::Value generate_text(const Napi::CallbackInfo& info);
  // session_files.cc
  Napi::Value save_state(const Napi::CallbackInfo& info);
  Napi::Value load_state(const Napi::CallbackInfo& info);
  Napi::Value write_adapter_folder(const Napi::CallbackInfo& info);
  Napi::Value write_merged_folder(const Napi::CallbackInfo& info);
  Napi::Value write_gguf(const Napi::CallbackInfo& info);

  Napi::Value memory(const Napi::CallbackInfo& info);
  Napi::Value release_idle_memory(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  void request_stop(const Napi::CallbackInfo& info);
  void clear_stop(const Napi::CallbackInfo& info);

  // Throws kInvalidArgument when closed or not open yet.
  Session& session() const;
  // Queues a job on the session; the JavaScript object stays alive until it settles.
  Napi::Value queue(Napi::Env env, std::function<ResultMaker(Session&)> job,
                    std::function<Napi::Value(Napi::Env, Napi::Value)> on_reject = {});

  std::unique_ptr<Session> session_;  // made, used and destroyed on the engine thread
  std::unique_ptr<EngineThread> thread_;
  bool open_ = false;  // JavaScript thread only
};

inline ResultMaker undefined_result() {
  return [](Napi::Env env) { return env.Undefined(); };
}

// Runs `body`, turning Error into a JavaScript exception with its code.
template <class Body>
auto with_js_errors(Napi::Env env, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const Error& e) {
    throw to_js_error(env, e);
  } catch (const std::bad_alloc&) {
    throw to_js_error(
        env, Error(ErrorCode::kOutOfMemory, "system_out_of_memory", "engine", "the system has no more memory"));
  }
}

}  // namespace anneal
