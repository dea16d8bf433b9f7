#include "emulator/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "core/error.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define ANNEAL_EMULATOR_ASAN 1
#endif

#if !defined(__x86_64__) || defined(ANNEAL_EMULATOR_UCONTEXT)
#include <ucontext.h>
#define ANNEAL_EMULATOR_USES_UCONTEXT 1
#endif

namespace anneal::emulator {

void allocate_stack(Fiber& fiber) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* memory = mmap(nullptr, kFiberStackBytes + page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    throw Error(ErrorCode::kOutOfMemory, "fiber_stack_not_mapped", "emulator", "cannot map a fiber's stack");
  mprotect(memory, page, PROT_NONE);
  fiber.stack = static_cast<std::byte*>(memory) + page;
  fiber.stack_bytes = kFiberStackBytes;
}

void free_stack(Fiber& fiber) {
  if (!fiber.stack) return;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
#ifdef ANNEAL_EMULATOR_ASAN
  __asan_unpoison_memory_region(fiber.stack, fiber.stack_bytes);
#endif
  munmap(fiber.stack - page, fiber.stack_bytes + page);
  fiber.stack = nullptr;
}

#ifdef ANNEAL_EMULATOR_USES_UCONTEXT

namespace {

// makecontext passes ints only.
void enter(unsigned low, unsigned high, unsigned argument_low, unsigned argument_high) {
  const auto join = [](unsigned a, unsigned b) { return static_cast<uintptr_t>(a) | static_cast<uintptr_t>(b) << 32; };
  reinterpret_cast<void (*)(void*)>(join(low, high))(reinterpret_cast<void*>(join(argument_low, argument_high)));
}

// The context lies at the top of the fiber's stack, the host's in static memory.
ucontext_t* context_of(Fiber& fiber) {
  static ucontext_t host;
  if (!fiber.stack_pointer) fiber.stack_pointer = &host;
  return static_cast<ucontext_t*>(fiber.stack_pointer);
}

}  // namespace

void prepare(Fiber& fiber, void (*entry)(void*), void* argument) {
#ifdef ANNEAL_EMULATOR_ASAN
  __asan_unpoison_memory_region(fiber.stack, fiber.stack_bytes);
#endif
  const size_t room = (sizeof(ucontext_t) + 63) / 64 * 64;
  fiber.stack_pointer = fiber.stack + fiber.stack_bytes - room;
  ucontext_t* context = context_of(fiber);
  getcontext(context);
  context->uc_stack.ss_sp = fiber.stack;
  context->uc_stack.ss_size = fiber.stack_bytes - room;
  context->uc_link = nullptr;
  const auto f = reinterpret_cast<uintptr_t>(entry), a = reinterpret_cast<uintptr_t>(argument);
  makecontext(context, reinterpret_cast<void (*)()>(enter), 4, static_cast<unsigned>(f), static_cast<unsigned>(f >> 32),
              static_cast<unsigned>(a), static_cast<unsigned>(a >> 32));
}

static void change_stack(Fiber& from, Fiber& to) { swapcontext(context_of(from), context_of(to)); }

#else

extern "C" void anneal_emulator_switch(void** save, void* load);
extern "C" void anneal_emulator_start();

// Saves what a call must preserve, changes the stack, and goes on where the other side was saved.
asm(R"(
.text
.globl anneal_emulator_switch
.hidden anneal_emulator_switch
.type anneal_emulator_switch, @function
anneal_emulator_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size anneal_emulator_switch, .-anneal_emulator_switch
.globl anneal_emulator_start
.hidden anneal_emulator_start
.type anneal_emulator_start, @function
anneal_emulator_start:
  movq %r13, %rdi
  callq *%r12
  ud2
.size anneal_emulator_start, .-anneal_emulator_start
)");

void prepare(Fiber& fiber, void (*entry)(void*), void* argument) {
#ifdef ANNEAL_EMULATOR_ASAN
  __asan_unpoison_memory_region(fiber.stack, fiber.stack_bytes);
#endif
  // r15, r14, r13, r12, rbx, rbp, return address; the stack is 16-byte aligned where the entry is called.
  auto* top = reinterpret_cast<void**>(fiber.stack + fiber.stack_bytes) - 7 - 2;
  std::memset(top, 0, 7 * sizeof(void*));
  top[2] = argument;
  top[3] = reinterpret_cast<void*>(entry);
  top[6] = reinterpret_cast<void*>(anneal_emulator_start);
  if (reinterpret_cast<uintptr_t>(top + 7) % 16 != 0)
    throw Error(ErrorCode::kInternal, "fiber_stack_not_aligned", "emulator", "stack alignment");
  fiber.stack_pointer = top;
}

static void change_stack(Fiber& from, Fiber& to) { anneal_emulator_switch(&from.stack_pointer, to.stack_pointer); }

#endif

void switch_fiber(Fiber& from, Fiber& to) {
#ifdef ANNEAL_EMULATOR_ASAN
  __sanitizer_start_switch_fiber(&from.sanitizer_state, to.stack, to.stack_bytes);
#endif
  change_stack(from, to);
#ifdef ANNEAL_EMULATOR_ASAN
  __sanitizer_finish_switch_fiber(from.sanitizer_state, nullptr, nullptr);
#endif
}

void fiber_entered(Fiber& from) {
#ifdef ANNEAL_EMULATOR_ASAN
  const void* bottom = nullptr;
  size_t bytes = 0;
  __sanitizer_finish_switch_fiber(nullptr, &bottom, &bytes);
  if (!from.stack) {  // the host's stack, learned from the first switch away from it
    from.stack = static_cast<std::byte*>(const_cast<void*>(bottom));
    from.stack_bytes = bytes;
  }
#else
  (void)from;
#endif
}

}  // namespace anneal::emulator
