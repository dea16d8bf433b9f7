// Persistent fork-join pool. The caller's thread is worker 0; the others spin briefly, then sleep on a futex.
#pragma once
#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace anneal {

class ThreadPool {
 public:
  // threads = 0: as many as this process may run on. At most 256.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls fn(chunk, worker) for every chunk in [0, chunks), each once, on any worker in [0, threads()); returns when
  // all are done. Results may not depend on which worker runs a chunk (worker is only for private scratch). The first
  // exception is rethrown after the join. Not reentrant: a call from inside fn runs its chunks on the calling worker.
  template <class Fn>
  void parallel_for(int64_t chunks, Fn&& fn) {
    using Plain = std::remove_reference_t<Fn>;
    run(chunks, const_cast<void*>(static_cast<const void*>(&fn)), [](void* self, int64_t chunk, int worker) {
      Plain& call = *static_cast<Plain*>(self);
      if constexpr (std::is_invocable_v<Plain&, int64_t, int>) {
        call(chunk, worker);
      } else {
        call(chunk);
      }
    });
  }

 private:
  using Body = void (*)(void* self, int64_t chunk, int worker);
  void run(int64_t chunks, void* self, Body body);
  void work(int worker);
  void take_chunks(int worker);

  std::vector<std::thread> workers_;
  // One job at a time; `generation_` publishes it, `next_` hands out chunks, `running_` counts workers still inside.
  alignas(64) std::atomic<uint32_t> generation_{0};
  alignas(64) std::atomic<int64_t> next_{0};
  alignas(64) std::atomic<uint32_t> running_{0};
  std::atomic<bool> stop_{false};
  int64_t chunks_ = 0;
  void* self_ = nullptr;
  Body body_ = nullptr;
  std::mutex callers_;
  std::mutex error_mutex_;
  std::exception_ptr error_;
};

}  // namespace anneal
