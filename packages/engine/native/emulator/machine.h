// The emulated device: a block at a time, a fiber for each of its threads. Not thread-safe; one launch at a time.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "emulator/fault.h"
#include "emulator/fiber.h"

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned vx = 1, unsigned vy = 1, unsigned vz = 1) : x(vx), y(vy), z(vz) {}
};

// CUDA's built-in variables, those of the fiber that runs.
extern uint3 threadIdx;
extern uint3 blockIdx;
extern dim3 blockDim;
extern dim3 gridDim;
constexpr int warpSize = 32;

namespace anneal::emulator {

constexpr unsigned kWarp = 32, kMaxThreads = 1024, kNamedBarriers = 16;
constexpr size_t kSharedBytes = 99 * 1024;  // what a block may ask for on every target (sm_86, 89 and 120 have least)
constexpr size_t kDefaultSharedBytes = 48 * 1024;  // without cudaFuncSetAttribute

// In which order threads run between two points where they meet, and blocks of a grid.
enum class Order { kForward, kReversed, kShuffled };
void set_order(Order order, uint64_t seed = 0);

// A cp.async that was issued: bytes arrive where the thread waits for its group.
struct PendingCopy {
  void* to;
  const void* from;
  unsigned bytes, valid_bytes;
  void* pc;
};

struct Thread {
  Fiber fiber;
  uint3 index{};
  unsigned linear = 0, lane = 0, warp = 0;
  enum class State : uint8_t { kReady, kWaiting, kDone } state = State::kReady;
  const char* waits_for = "";
  Where where{"", 0};
  int barrier = -1;                                   // the block's barrier that it waits at
  alignas(16) std::array<std::byte, 64> in{}, out{};  // operands of a warp function, and what came of it
  std::vector<std::vector<PendingCopy>> copy_groups;
  std::vector<PendingCopy> open_copies;
};

// One warp function under way, of the lanes in `mask`.
struct Meeting {
  uint32_t mask = 0, arrived = 0;
  const char* what = "";
  Where where{"", 0};
};

struct Warp {
  std::array<Meeting, kWarp> meetings;  // by the lowest lane of the mask: disjoint masks may be under way together
  std::array<uint32_t, kWarp> clock{};  // what this warp knows of each warp's time: the race detector's vector clock
};

struct Barrier {
  unsigned arrived = 0, expected = 0;
  Where where{"", 0};
  unsigned first = 0;  // the thread that came first
};

struct StaticShared {
  const void* key;
  size_t offset;
};

struct LaunchConfig {
  const char* kernel;
  dim3 grid, block;
  size_t dynamic_bytes;
  size_t dynamic_limit = kDefaultSharedBytes;
};

// Runs body(closure) once for each thread of the grid. [closure, closure + closure_bytes) are the kernel's parameters.
void run_grid(const LaunchConfig& config, void (*body)(void*), void* closure, size_t closure_bytes);

// The state of the launch under way; null between launches.
struct Machine {
  LaunchConfig config{};
  std::vector<std::unique_ptr<Thread>> threads;
  std::vector<Warp> warps;
  std::array<Barrier, kNamedBarriers> barriers;
  Thread* current = nullptr;  // null while the scheduler runs
  Fiber host;
  const void* parameters = nullptr;
  size_t parameter_bytes = 0;
  std::vector<StaticShared> statics;
  size_t shared_used = 0;
  uint32_t block_serial = 0, first_serial = 0;
  std::unique_ptr<Fault> fault;
};
extern Machine machine;

// Ends the launch with a fault: note_fault keeps it, leave_kernel goes to the scheduler for good. Whatever the fiber
// has on its stack then is never destroyed, so texts are made and gone before.
void note_fault(FaultKind kind, const std::string& what, const std::string& where);
[[noreturn]] void leave_kernel();
template <class Text>
[[noreturn]] void raise(FaultKind kind, const Where& where, Text&& text) {
  note_fault(kind, text(), where.text());
  leave_kernel();
}
std::string name_of(const Thread& thread);

// Hands control to the scheduler until the thread is ready again.
void wait_here(const char* what, const Where& where);
void thread_barrier(unsigned id, unsigned count, const char* what, const Where& where);

// Lanes of `mask` meet. The last to come runs combine(operands, results): arrays of 32 pointers of 64 bytes, null for
// lanes outside the mask. `in` goes in, the lane's result comes out. `orders`: memory is ordered as by __syncwarp.
using Combine = void (*)(uint32_t mask, const std::byte* const* in, std::byte* const* out);
void meet(const char* what, uint32_t mask, const void* in, size_t in_bytes, void* out, size_t out_bytes,
          Combine combine, bool orders, const Where& where);

// The block's shared memory: dynamic bytes first, statics behind them.
std::byte* shared_base();
void* static_shared(const void* key, size_t bytes, size_t alignment);

}  // namespace anneal::emulator
