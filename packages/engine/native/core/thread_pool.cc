#include "core/thread_pool.h"

#include <sched.h>

#include <algorithm>

namespace anneal {

namespace {

// Set while a thread runs chunks: a nested parallel_for then runs serially instead of deadlocking.
thread_local int inside_worker = -1;

inline void cpu_relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

int allowed_cpus() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

// About 20 us of polling: longer than the gap between two ops of a step, shorter than a scheduler tick.
constexpr int kSpins = 2000;

}  // namespace

ThreadPool::ThreadPool(int threads) {
  const int n = std::clamp(threads > 0 ? threads : allowed_cpus(), 1, 256);
  workers_.reserve(n - 1);
  for (int i = 1; i < n; ++i) workers_.emplace_back([this, i] { work(i); });
}

ThreadPool::~ThreadPool() {
  stop_.store(true, std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  for (std::thread& t : workers_) t.join();
}

void ThreadPool::take_chunks(int worker) {
  inside_worker = worker;
  for (;;) {
    const int64_t chunk = next_.fetch_add(1, std::memory_order_relaxed);
    if (chunk >= chunks_) break;
    try {
      body_(self_, chunk, worker);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(error_mutex_);
      if (!error_) error_ = std::current_exception();
    }
  }
  inside_worker = -1;
}

void ThreadPool::work(int worker) {
  uint32_t seen = 0;
  for (;;) {
    for (int spin = 0; spin < kSpins && generation_.load(std::memory_order_acquire) == seen; ++spin) cpu_relax();
    generation_.wait(seen, std::memory_order_acquire);
    seen = generation_.load(std::memory_order_acquire);
    if (stop_.load(std::memory_order_relaxed)) return;
    take_chunks(worker);
    if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) running_.notify_one();
  }
}

void ThreadPool::run(int64_t chunks, void* self, Body body) {
  if (chunks <= 0) return;
  if (inside_worker >= 0 || workers_.empty() || chunks == 1) {
    const int worker = inside_worker >= 0 ? inside_worker : 0;
    for (int64_t c = 0; c < chunks; ++c) body(self, c, worker);
    return;
  }
  const std::lock_guard<std::mutex> one_caller(callers_);
  chunks_ = chunks;
  self_ = self;
  body_ = body;
  error_ = nullptr;
  next_.store(0, std::memory_order_relaxed);
  running_.store(static_cast<uint32_t>(workers_.size()), std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  take_chunks(0);
  uint32_t left;
  for (int spin = 0; (left = running_.load(std::memory_order_acquire)) != 0;) {
    if (++spin < kSpins) {
      cpu_relax();
    } else {
      running_.wait(left, std::memory_order_acquire);
    }
  }
  if (error_) std::rethrow_exception(error_);
}

}  // namespace anneal
