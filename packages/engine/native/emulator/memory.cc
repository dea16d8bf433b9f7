#include "emulator/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>

#include "core/error.h"
#include "emulator/fault.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#endif

namespace anneal::emulator {

namespace {

constexpr size_t kGuard = 512;
constexpr size_t kDeviceAlignment = 256;  // cudaMalloc's
constexpr std::byte kCanary{0xa5};

std::map<const std::byte*, Allocation> g_allocations;
const Allocation* g_last = nullptr;
size_t g_budget = size_t{4} << 30;
size_t g_in_use = 0;

size_t history_bytes(size_t bytes) { return std::max<size_t>(bytes, 1) * sizeof(ByteHistory); }

ByteHistory* map_history(size_t bytes) {
  void* memory =
      mmap(nullptr, history_bytes(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    throw Error(ErrorCode::kOutOfMemory, "race_memory_not_mapped", "emulator", "cannot map the race detector's memory");
  return static_cast<ByteHistory*>(memory);
}

void check_guard(const Allocation& a, const char* kernel) {
  // Guards are poisoned for instrumented code; this check reads them itself.
  ASAN_UNPOISON_MEMORY_REGION(a.data - kGuard, kGuard);
  ASAN_UNPOISON_MEMORY_REGION(a.data + a.bytes, kGuard);
  const bool intact =
      std::all_of(a.data - kGuard, a.data, [](std::byte b) { return b == kCanary; }) &&
      std::all_of(a.data + a.bytes, a.data + a.bytes + kGuard, [](std::byte b) { return b == kCanary; });
  ASAN_POISON_MEMORY_REGION(a.data - kGuard, kGuard);
  ASAN_POISON_MEMORY_REGION(a.data + a.bytes, kGuard);
  if (!intact)
    throw Fault(FaultKind::kOutOfBounds, std::string(kernel) + ": the guard zone of an allocation of " +
                                             std::to_string(a.bytes) + " bytes was written");
}

}  // namespace

const Allocation* find_allocation(const void* address) {
  const auto* at = static_cast<const std::byte*>(address);
  if (g_last && at >= g_last->data && at < g_last->data + g_last->bytes) return g_last;
  auto it = g_allocations.upper_bound(at);
  if (it == g_allocations.begin()) return nullptr;
  --it;
  if (at >= it->second.data + it->second.bytes) return nullptr;
  return g_last = &it->second;
}

bool is_guard(const void* address) {
  const auto* at = static_cast<const std::byte*>(address);
  const auto next = g_allocations.upper_bound(at);
  if (next != g_allocations.end() && at >= next->second.data - kGuard) return true;
  if (next == g_allocations.begin()) return false;
  const Allocation& before = std::prev(next)->second;
  return at >= before.data + before.bytes && at < before.data + before.bytes + kGuard;
}

void* allocate_device(size_t bytes, bool managed) {
  if (bytes > g_budget || g_in_use > g_budget - bytes) return nullptr;
  const size_t rounded = (bytes + 2 * kGuard + kDeviceAlignment - 1) / kDeviceAlignment * kDeviceAlignment;
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(kDeviceAlignment, rounded));
  if (!memory) return nullptr;
  std::memset(memory, static_cast<int>(kCanary), rounded);
  std::byte* data = memory + kGuard;
  std::memset(data, 0xff, bytes);
  ASAN_POISON_MEMORY_REGION(memory, kGuard);
  ASAN_POISON_MEMORY_REGION(data + bytes, kGuard);
  g_allocations[data] = {data, bytes, managed, map_history(bytes)};
  g_last = nullptr;
  g_in_use += bytes;
  return data;
}

bool free_device(void* data) {
  const auto it = g_allocations.find(static_cast<std::byte*>(data));
  if (it == g_allocations.end()) return false;
  const Allocation a = it->second;
  check_guard(a, "cudaFree");
  g_allocations.erase(it);
  g_last = nullptr;
  g_in_use -= a.bytes;
  munmap(a.history, history_bytes(a.bytes));
  ASAN_UNPOISON_MEMORY_REGION(a.data - kGuard, a.bytes + 2 * kGuard);
  std::free(a.data - kGuard);
  return true;
}

void set_device_budget(size_t bytes) { g_budget = bytes; }
size_t device_bytes_in_use() { return g_in_use; }

void check_guards(const char* kernel) {
  for (const auto& [at, allocation] : g_allocations) check_guard(allocation, kernel);
}

void forget_histories() {
  for (const auto& [at, a] : g_allocations) {
    const size_t bytes = history_bytes(a.bytes);
    madvise(a.history, bytes, MADV_DONTNEED);
  }
}

}  // namespace anneal::emulator
