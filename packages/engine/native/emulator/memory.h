// Device memory of the emulator: every allocation between guard zones, all of it within a budget.
#pragma once
#include <cstddef>
#include <cstdint>

namespace anneal::emulator {

// Who touched a byte last: writer, last reader, and the last reader of another warp. 0: nobody.
struct ByteHistory {
  uint64_t writer = 0, reader = 0, other_reader = 0;
  uint32_t writer_pc = 0, reader_pc = 0, other_reader_pc = 0;
  uint32_t atomic = 0;  // the writer's or reader's access was atomic
};

struct Allocation {
  std::byte* data;
  size_t bytes;
  bool managed;
  ByteHistory* history;  // one per byte, mapped and resident only where a kernel touched it
};

// The allocation that holds the address, or null.
const Allocation* find_allocation(const void* address);

// Whether the address lies in a guard zone.
bool is_guard(const void* address);

// Null when the budget is spent. Filled with 0xff: NaN in every float type.
void* allocate_device(size_t bytes, bool managed);
// False when it is not the start of a live allocation. Throws Fault(kOutOfBounds) when a guard zone was written.
bool free_device(void* data);
void set_device_budget(size_t bytes);  // default: 4 GiB
size_t device_bytes_in_use();
// Throws Fault(kOutOfBounds) when a guard zone was written, by whoever.
void check_guards(const char* kernel);
// Forgets who touched what: the serial numbers of blocks start anew.
void forget_histories();

}  // namespace anneal::emulator
