// Every load and store of emulated kernels: kernels are compiled with -fsanitize=thread and its calls end here instead
// of in that sanitizer's library. Checks bounds, alignment and the order of accesses.
#pragma once
#include <cstdint>
#include <string>

namespace anneal::emulator {

enum class AccessKind { kRead, kWrite, kAtomic };

// One access of the running thread. Addresses of its own stack, of the kernel's parameters and (reads only) of the
// program's constants are passed over.
void check_access(const void* address, size_t bytes, AccessKind kind, bool must_align, void* pc);

uint32_t next_block_serial();
void forget_shared();           // a new block's shared memory was never written
std::string line_of(void* pc);  // "file:line" where the sanitizers' library can say it
struct Thread;
void finish_copies(Thread& thread, size_t groups_left);

}  // namespace anneal::emulator
