#include "binding/engine_thread.h"

#include <utility>

#include "binding/results.h"
#include "core/error.h"

namespace anneal {
namespace {

void call_js(napi_env env, napi_value, void*, void* data) {
  const std::unique_ptr<JsTask> task(static_cast<JsTask*>(data));
  if (!env) return;  // the environment is going away
  const Napi::HandleScope scope(env);
  (*task)(Napi::Env(env));
}

Napi::Value error_value(Napi::Env env, const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& e) {
    return to_js_error(env, e).Value();
  } catch (const std::bad_alloc&) {
    return to_js_error(
               env, Error(ErrorCode::kOutOfMemory, "system_out_of_memory", "engine", "the system has no more memory"))
        .Value();
  } catch (const std::exception& e) {
    return to_js_error(env, Error(ErrorCode::kInternal, "unexpected", "engine", "{cause}", {{"cause", e.what()}}))
        .Value();
  }
}

void check_status(napi_status status, const char* what) {
  if (status != napi_ok)
    throw Error(ErrorCode::kInternal, "binding_call_failed", "binding", "{call} failed", {{"call", what}});
}

}  // namespace

EngineThread::EngineThread(Napi::Env env, std::function<void()> on_teardown)
    : env_(env), on_teardown_(std::move(on_teardown)) {
  const napi_value name = Napi::String::New(env, "anneal-engine");
  check_status(
      napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, nullptr, call_js, &calls_),
      "napi_create_threadsafe_function");
  check_status(napi_unref_threadsafe_function(env, calls_), "napi_unref_threadsafe_function");
  check_status(napi_add_env_cleanup_hook(env, cleanup, this), "napi_add_env_cleanup_hook");
  thread_ = std::thread([this] { loop(); });
}

EngineThread::~EngineThread() { shut_down(); }

void EngineThread::cleanup(void* data) {
  auto* self = static_cast<EngineThread*>(data);
  if (self->on_teardown_) self->on_teardown_();
  self->env_ = nullptr;  // hooks of an environment that goes away must not be removed
  self->shut_down();
}

void EngineThread::shut_down() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (!calls_) return;
  if (env_) napi_remove_env_cleanup_hook(env_, cleanup, this);
  napi_release_threadsafe_function(calls_, napi_tsfn_release);
  calls_ = nullptr;
}

void EngineThread::loop() {
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

void EngineThread::post(JsTask task) {
  auto owned = std::make_unique<JsTask>(std::move(task));
  if (napi_call_threadsafe_function(calls_, owned.get(), napi_tsfn_nonblocking) == napi_ok) owned.release();
}

void EngineThread::settle_later(std::shared_ptr<Napi::Promise::Deferred> deferred, ResultMaker make,
                                std::exception_ptr error,
                                std::function<Napi::Value(Napi::Env, Napi::Value)> on_reject) {
  post([this, deferred = std::move(deferred), make = std::move(make), error,
        on_reject = std::move(on_reject)](Napi::Env env) {
    if (--pending_ == 0 && calls_) napi_unref_threadsafe_function(env, calls_);
    if (!error) {
      try {
        deferred->Resolve(make(env));
      } catch (const Napi::Error& e) {
        deferred->Reject(e.Value());
      }
      return;
    }
    const Napi::Value value = error_value(env, error);
    deferred->Reject(on_reject ? on_reject(env, value) : value);
  });
}

Napi::Promise EngineThread::run(Napi::Env env, Job job, std::function<Napi::Value(Napi::Env, Napi::Value)> on_reject) {
  auto deferred = std::make_shared<Napi::Promise::Deferred>(env);
  const Napi::Promise promise = deferred->Promise();
  if (!calls_) {
    deferred->Reject(
        to_js_error(env, Error(ErrorCode::kInvalidArgument, "session_closed", "session", "is closed")).Value());
    return promise;
  }
  if (pending_++ == 0) napi_ref_threadsafe_function(env, calls_);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    jobs_.push_back([this, deferred, job = std::move(job), on_reject = std::move(on_reject)] {
      ResultMaker make;
      std::exception_ptr error;
      try {
        make = job();
      } catch (...) {
        error = std::current_exception();
      }
      settle_later(deferred, std::move(make), error, on_reject);
    });
  }
  wake_.notify_all();
  return promise;
}

}  // namespace anneal
