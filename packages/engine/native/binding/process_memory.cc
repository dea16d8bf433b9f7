#include "binding/process_memory.h"

#include <cstdio>

namespace anneal {

ProcessMemory process_memory() {
  ProcessMemory memory;
  // getrusage would not do: its peak is that of the process which started this one, if that was larger.
  FILE* file = std::fopen("/proc/self/status", "r");
  if (!file) return memory;
  char line[128];
  unsigned long long kibibytes = 0;
  while (std::fgets(line, sizeof line, file)) {
    if (std::sscanf(line, "VmRSS: %llu kB", &kibibytes) == 1) memory.resident = kibibytes * 1024;
    if (std::sscanf(line, "VmHWM: %llu kB", &kibibytes) == 1) memory.peak = kibibytes * 1024;
  }
  std::fclose(file);
  return memory;
}

}  // namespace anneal
