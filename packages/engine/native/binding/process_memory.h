// What the whole process holds, as the system counts it.
#pragma once
#include <cstdint>

namespace anneal {

struct ProcessMemory {
  uint64_t resident = 0;
  uint64_t peak = 0;  // the most that was ever resident
};

// Zeros where the system does not say.
ProcessMemory process_memory();

}  // namespace anneal
