// A fiber: a stack of its own that runs until it hands control back. One operating-system thread runs them all.
#pragma once
#include <cstddef>

namespace anneal::emulator {

// One side of a switch: the host's stack or a fiber's.
struct Fiber {
  void* stack_pointer = nullptr;
  std::byte* stack = nullptr;  // lowest address; null for the host until its first switch
  size_t stack_bytes = 0;
  void* sanitizer_state = nullptr;
};

constexpr size_t kFiberStackBytes = size_t{64} << 10;

// Maps a stack with a page below it that must not be touched. Throws anneal::Error(kOutOfMemory).
void allocate_stack(Fiber& fiber);
void free_stack(Fiber& fiber);

// The next switch to `fiber` enters entry(argument) on an empty stack. `entry` must not return: it leaves by a switch.
void prepare(Fiber& fiber, void (*entry)(void*), void* argument);

// Goes on in `to`; returns when somebody switches back to `from`.
void switch_fiber(Fiber& from, Fiber& to);
// Must be the first call of a fiber's entry; `from` is who switched to it.
void fiber_entered(Fiber& from);

}  // namespace anneal::emulator
