// The thread a session lives on. JavaScript calls become jobs; a job's result is turned into a JavaScript value on the
// JavaScript thread and settles a promise. The event loop is kept alive only while a job is pending.
#pragma once
#include <napi.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace anneal {

// Runs on the JavaScript thread.
using JsTask = std::function<void(Napi::Env)>;
// Makes a job's result; runs on the JavaScript thread.
using ResultMaker = std::function<Napi::Value(Napi::Env)>;
// Runs on the engine thread.
using Job = std::function<ResultMaker()>;

class EngineThread {
 public:
  // `on_teardown` runs on the JavaScript thread when the environment goes away with the thread still there: raise stop
  // flags in it.
  EngineThread(Napi::Env env, std::function<void()> on_teardown);
  // Ends the thread after its current job; jobs not started are dropped.
  ~EngineThread();
  EngineThread(const EngineThread&) = delete;
  EngineThread& operator=(const EngineThread&) = delete;

  // Queues a job. Its Error rejects the promise with that error's code. `on_reject` may replace the error (JavaScript
  // thread).
  Napi::Promise run(Napi::Env env, Job job, std::function<Napi::Value(Napi::Env, Napi::Value)> on_reject = {});
  // From the engine thread: runs a task on the JavaScript thread, in order with results.
  void post(JsTask task);
  // JavaScript thread: waits for the current job and ends the thread. Idempotent.
  void shut_down();

 private:
  void loop();
  void settle_later(std::shared_ptr<Napi::Promise::Deferred> deferred, ResultMaker make, std::exception_ptr error,
                    std::function<Napi::Value(Napi::Env, Napi::Value)> on_reject);
  // The environment's hook: one function, because it is removed by its address.
  static void cleanup(void* data);

  napi_env env_;
  napi_threadsafe_function calls_ = nullptr;
  std::function<void()> on_teardown_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  int64_t pending_ = 0;  // JavaScript thread only
  std::thread thread_;
};

}  // namespace anneal
