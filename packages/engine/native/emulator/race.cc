#include "emulator/race.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "emulator/machine.h"
#include "emulator/memory.h"

#if defined(__SANITIZE_ADDRESS__) || defined(ANNEAL_EMULATOR_SYMBOLS)
#include <sanitizer/common_interface_defs.h>
#define ANNEAL_EMULATOR_SYMBOLIZE 1
#endif

extern "C" const char __executable_start, end;

namespace anneal::emulator {

namespace {

ByteHistory g_shared_history[kSharedBytes];
size_t g_shared_touched = 0;
uint32_t g_serial = 0;

// A stamp says which block's thread made an access, and when by its warp's clock.
constexpr int kThreadBits = 10, kClockBits = 30;
uint64_t stamp_of(const Thread& t) {
  return uint64_t{machine.block_serial} << (kThreadBits + kClockBits) | uint64_t{t.linear} << kClockBits |
         machine.warps[t.warp].clock[t.warp];
}
uint32_t block_of(uint64_t stamp) { return static_cast<uint32_t>(stamp >> (kThreadBits + kClockBits)); }
unsigned thread_of(uint64_t stamp) { return stamp >> kClockBits & ((1u << kThreadBits) - 1); }
uint32_t clock_of(uint64_t stamp) { return stamp & ((1u << kClockBits) - 1); }

// Whether an earlier access is ordered before what `t` does now.
bool is_ordered(uint64_t earlier, const Thread& t) {
  const uint32_t block = block_of(earlier);
  if (block <= machine.first_serial) return true;  // an earlier launch
  if (block != machine.block_serial) return false;
  const unsigned by = thread_of(earlier);
  if (by == t.linear) return true;
  const unsigned warp = by / kWarp;
  const uint32_t known = machine.warps[t.warp].clock[warp];
  return warp == t.warp ? known > clock_of(earlier) : known >= clock_of(earlier);
}

uint32_t short_pc(void* pc) { return static_cast<uint32_t>(static_cast<const char*>(pc) - &__executable_start); }

template <class Text>
[[noreturn]] void raise_at(FaultKind kind, void* pc, Text&& text) {
  note_fault(kind, text(), line_of(pc));
  leave_kernel();
}

struct Target {
  ByteHistory* history;
  bool shared;
  size_t offset, allocation_bytes;
};

std::string place_of(const Target& t, size_t bytes) {
  return std::to_string(bytes) + " bytes of " + (t.shared ? "shared" : "device") + " memory at offset " +
         std::to_string(t.offset) + (t.shared ? "" : " of " + std::to_string(t.allocation_bytes));
}

// One access of the running thread.
struct Access {
  size_t bytes;
  AccessKind kind;
  void* pc;
  const char* verb() const {
    return kind == AccessKind::kRead ? "reads" : kind == AccessKind::kWrite ? "writes" : "updates";
  }
};

[[noreturn]] void raise_race(const Target& target, const Access& access, const char* then, uint64_t earlier,
                             uint32_t earlier_pc) {
  raise_at(FaultKind::kRace, access.pc, [&] {
    return std::string(access.verb()) + " " + place_of(target, access.bytes) + " that " +
           (block_of(earlier) == machine.block_serial ? name_of(*machine.threads[thread_of(earlier)])
                                                      : std::string("another block")) +
           " " + then + " at " + line_of(const_cast<char*>(&__executable_start) + earlier_pc) +
           "; nothing orders the two";
  });
}

void check_order(const Target& target, const Access& access) {
  Thread& t = *machine.current;
  const uint64_t stamp = stamp_of(t);
  const uint32_t pc = short_pc(access.pc);
  for (size_t i = 0; i < access.bytes; ++i) {
    ByteHistory& h = target.history[i];
    const bool both_atomic = access.kind == AccessKind::kAtomic && h.atomic;
    if (h.writer && !both_atomic && !is_ordered(h.writer, t))
      raise_race(target, access, "wrote", h.writer, h.writer_pc);
    if (access.kind == AccessKind::kRead) {
      if (target.shared && !h.writer)
        raise_at(FaultKind::kUninitialised, access.pc,
                 [&] { return "reads " + place_of(target, access.bytes) + " that nobody wrote"; });
      if (h.reader && thread_of(h.reader) / kWarp != t.warp) h.other_reader = h.reader, h.other_reader_pc = h.reader_pc;
      h.reader = stamp, h.reader_pc = pc;
      continue;
    }
    if (!both_atomic) {
      if (h.reader && !is_ordered(h.reader, t)) raise_race(target, access, "read", h.reader, h.reader_pc);
      if (h.other_reader && !is_ordered(h.other_reader, t))
        raise_race(target, access, "read", h.other_reader, h.other_reader_pc);
    }
    h.writer = stamp, h.writer_pc = pc, h.reader = h.other_reader = 0;
    h.atomic = access.kind == AccessKind::kAtomic;
  }
}

bool within(const void* address, size_t bytes, const void* base, size_t size) {
  const auto at = reinterpret_cast<uintptr_t>(address), from = reinterpret_cast<uintptr_t>(base);
  return at >= from && at - from < size && bytes <= size - (at - from);
}

}  // namespace

void check_access(const void* address, size_t bytes, AccessKind kind, bool must_align, void* pc) {
  if (!machine.current) return;
  Thread& t = *machine.current;
  if (within(address, bytes, t.fiber.stack, t.fiber.stack_bytes)) return;
  if (within(address, bytes, machine.parameters, machine.parameter_bytes)) return;
  const bool is_shared = within(address, 1, shared_base(), kSharedBytes);
  if (!is_shared && kind == AccessKind::kRead &&
      within(address, bytes, &__executable_start, static_cast<size_t>(&end - &__executable_start)))
    return;
  const Access access{bytes, kind, pc};
  const auto refuse = [&](FaultKind fault, auto&& text) {
    raise_at(fault, pc, [&] { return std::string(access.verb()) + " " + std::to_string(bytes) + " bytes " + text(); });
  };
  if (must_align && reinterpret_cast<uintptr_t>(address) % bytes != 0)
    refuse(FaultKind::kMisaligned, [&] { return "at an address that is not a multiple of " + std::to_string(bytes); });
  if (is_shared) {
    const auto offset = static_cast<size_t>(static_cast<const std::byte*>(address) - shared_base());
    if (offset + bytes > machine.shared_used)
      refuse(FaultKind::kOutOfBounds, [&] {
        return "of shared memory at offset " + std::to_string(offset) + "; the block has " +
               std::to_string(machine.shared_used) + " bytes";
      });
    g_shared_touched = std::max(g_shared_touched, offset + bytes);
    return check_order({g_shared_history + offset, true, offset, kSharedBytes}, access);
  }
  const Allocation* a = find_allocation(address);
  if (!a && is_guard(address)) refuse(FaultKind::kOutOfBounds, [] { return std::string("beside an allocation"); });
  if (!a)
    refuse(FaultKind::kHostPointer,
           [] { return std::string("that are not the device's: a host pointer, or memory that was freed"); });
  const auto offset = static_cast<size_t>(static_cast<const std::byte*>(address) - a->data);
  if (bytes > a->bytes - offset)
    refuse(FaultKind::kOutOfBounds,
           [&] { return "at offset " + std::to_string(offset) + " of an allocation of " + std::to_string(a->bytes); });
  check_order({a->history + offset, false, offset, a->bytes}, access);
}

uint32_t next_block_serial() {
  constexpr uint32_t kLast = (1u << 24) - 1;
  if (g_serial == kLast) {
    forget_histories();
    g_serial = 0;
    machine.first_serial = 0;
  }
  return ++g_serial;
}

void forget_shared() {
  std::memset(static_cast<void*>(g_shared_history), 0, g_shared_touched * sizeof(ByteHistory));
  g_shared_touched = 0;
}

std::string line_of(void* pc) {
#ifdef ANNEAL_EMULATOR_SYMBOLIZE
  char text[512] = "";
  __sanitizer_symbolize_pc(pc, "%s:%l", text, sizeof text);
  const char* name = std::strrchr(text, '/');
  return name ? name + 1 : text;
#else
  char text[64];
  std::snprintf(text, sizeof text, "code at +0x%x", short_pc(pc));
  return text;
#endif
}

void finish_copies(Thread& t, size_t groups_left) {
  const auto arrive = [](const std::vector<PendingCopy>& copies) {
    for (const PendingCopy& c : copies) {
      check_access(c.to, c.bytes, AccessKind::kWrite, true, c.pc);
      if (c.valid_bytes) check_access(c.from, c.valid_bytes, AccessKind::kRead, false, c.pc);
      std::memset(c.to, 0, c.bytes);
      std::memcpy(c.to, c.from, c.valid_bytes);
    }
  };
  while (t.copy_groups.size() > groups_left) {
    arrive(t.copy_groups.front());
    t.copy_groups.erase(t.copy_groups.begin());
  }
}

}  // namespace anneal::emulator

// The calls that the compiler puts before loads and stores.
#define ANNEAL_HOOKS(size)                                                                                           \
  void __tsan_read##size(void* p) { check_access(p, size, AccessKind::kRead, true, __builtin_return_address(0)); }   \
  void __tsan_write##size(void* p) { check_access(p, size, AccessKind::kWrite, true, __builtin_return_address(0)); } \
  void __tsan_unaligned_read##size(void* p) {                                                                        \
    check_access(p, size, AccessKind::kRead, false, __builtin_return_address(0));                                    \
  }                                                                                                                  \
  void __tsan_unaligned_write##size(void* p) {                                                                       \
    check_access(p, size, AccessKind::kWrite, false, __builtin_return_address(0));                                   \
  }

using anneal::emulator::AccessKind;
using anneal::emulator::check_access;

extern "C" {
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
ANNEAL_HOOKS(1)
ANNEAL_HOOKS(2)
ANNEAL_HOOKS(4)
ANNEAL_HOOKS(8)
ANNEAL_HOOKS(16)
void __tsan_read_range(void* p, size_t n) { check_access(p, n, AccessKind::kRead, false, __builtin_return_address(0)); }
void __tsan_write_range(void* p, size_t n) {
  check_access(p, n, AccessKind::kWrite, false, __builtin_return_address(0));
}
}
