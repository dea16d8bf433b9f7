#include "binding/session_object.h"

#include "binding/arguments.h"
#include "binding/process_memory.h"

namespace anneal {

void SessionObject::define(Napi::Env env) {
  const Napi::Function constructor =
      DefineClass(env, "NativeSession",
                  {
                      InstanceMethod<&SessionObject::info>("info"),
                      InstanceMethod<&SessionObject::plan>("plan"),
                      InstanceMethod<&SessionObject::step>("step"),
                      InstanceMethod<&SessionObject::evaluate>("evaluate"),
                      InstanceMethod<&SessionObject::logits>("logits"),
                      InstanceMethod<&SessionObject::best_tokens>("bestTokens"),
                      InstanceMethod<&SessionObject::gradients>("gradients"),
                      InstanceMethod<&SessionObject::measure>("measure"),
                      InstanceMethod<&SessionObject::scores>("scores"),
                      InstanceMethod<&SessionObject::weights>("weights"),
                      InstanceMethod<&SessionObject::trainable_names>("trainableNames"),
                      InstanceMethod<&SessionObject::generate_text>("generate"),
                      InstanceMethod<&SessionObject::save_state>("saveState"),
                      InstanceMethod<&SessionObject::load_state>("loadState"),
                      InstanceMethod<&SessionObject::write_adapter_folder>("exportAdapter"),
                      InstanceMethod<&SessionObject::write_merged_folder>("exportMerged"),
                      InstanceMethod<&SessionObject::write_gguf>("exportGguf"),
                      InstanceMethod<&SessionObject::memory>("memory"),
                      InstanceMethod<&SessionObject::release_idle_memory>("releaseIdleMemory"),
                      InstanceMethod<&SessionObject::close>("close"),
                      InstanceMethod<&SessionObject::request_stop>("requestStop"),
                      InstanceMethod<&SessionObject::clear_stop>("clearStop"),
                  });
  auto* reference = new Napi::FunctionReference(Napi::Persistent(constructor));
  env.SetInstanceData<Napi::FunctionReference>(reference);
}

SessionObject::SessionObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SessionObject>(info) {
  thread_ = std::make_unique<EngineThread>(info.Env(), [this] {
    if (session_) session_->request_stop();
  });
}

// The thread goes first: it may be using the session.
SessionObject::~SessionObject() {
  if (session_) session_->request_stop();
  thread_.reset();
}

Napi::Value SessionObject::open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return with_js_errors(env, [&]() -> Napi::Value {
    const TrainingSpec spec = read_spec(info[0]);
    const Napi::Object object = env.GetInstanceData<Napi::FunctionReference>()->New({});
    SessionObject* self = Unwrap(object);
    self->Ref();
    return self->thread_->run(
        env,
        [self, spec]() -> ResultMaker {
          self->session_ = std::make_unique<Session>(spec);
          return [self](Napi::Env) -> Napi::Value {
            self->open_ = true;
            const Napi::Value value = self->Value();
            self->Unref();
            return value;
          };
        },
        [self](Napi::Env, Napi::Value error) {
          self->thread_->shut_down();
          self->Unref();
          return error;
        });
  });
}

Session& SessionObject::session() const {
  if (!open_) throw Error(ErrorCode::kInvalidArgument, "session_closed", "session", "is closed");
  return *session_;
}

Napi::Value SessionObject::queue(Napi::Env env, std::function<ResultMaker(Session&)> job,
                                 std::function<Napi::Value(Napi::Env, Napi::Value)> on_reject) {
  Session* target = &session();
  Ref();
  return thread_->run(
      env,
      [this, target, job = std::move(job)]() -> ResultMaker {
        return [this, make = job(*target)](Napi::Env js) {
          Unref();
          return make(js);
        };
      },
      [this, on_reject = std::move(on_reject)](Napi::Env js, Napi::Value error) {
        Unref();
        return on_reject ? on_reject(js, error) : error;
      });
}

Napi::Value SessionObject::info(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] { return model_info_to_js(info.Env(), session().model()); });
}

Napi::Value SessionObject::plan(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] { return plan_to_js(info.Env(), session().plan()); });
}

Napi::Value SessionObject::memory(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&]() -> Napi::Value {
    const Session& s = session();
    Napi::Object o = Napi::Object::New(info.Env());
    o.Set("plannedBytes", static_cast<double>(s.plan().total));
    o.Set("arenaPeakBytes", static_cast<double>(s.arena_peak_bytes()));
    const ProcessMemory process = process_memory();
    o.Set("rssBytes", static_cast<double>(process.resident));
    o.Set("peakRssBytes", static_cast<double>(process.peak));
    return o;
  });
}

Napi::Value SessionObject::release_idle_memory(const Napi::CallbackInfo& info) {
  return with_js_errors(info.Env(), [&] {
    return queue(info.Env(), [](Session& s) {
      s.release_idle_memory();
      return undefined_result();
    });
  });
}

Napi::Value SessionObject::close(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!open_) {
    const auto done = Napi::Promise::Deferred::New(env);
    done.Resolve(env.Undefined());
    return done.Promise();
  }
  open_ = false;
  Ref();
  return thread_->run(env, [this]() -> ResultMaker {
    session_.reset();
    return [this](Napi::Env js) {
      thread_->shut_down();
      Unref();
      return js.Undefined();
    };
  });
}

void SessionObject::request_stop(const Napi::CallbackInfo&) {
  if (open_) session_->request_stop();
}

void SessionObject::clear_stop(const Napi::CallbackInfo&) {
  if (open_) session_->clear_stop();
}

}  // namespace anneal
