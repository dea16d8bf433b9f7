// What the emulator refuses: each fault ends the launch and is thrown from it, with kernel, block, thread and line.
#pragma once
#include <stdexcept>
#include <string>

namespace anneal::emulator {

enum class FaultKind {
  kDivergence,     // threads of a block or warp wait at different places, or left
  kRace,           // two threads touch a byte, one writes, nothing orders them
  kOutOfBounds,    // outside every device allocation and the block's shared memory, or in a guard zone
  kHostPointer,    // memory of the host reached a kernel
  kMisaligned,     // an access that is not aligned to its size
  kUninitialised,  // shared memory read before anybody wrote it
  kFloatAtomic,    // a sum whose order is left to chance
  kBadMask,        // a warp function whose mask lacks the caller
  kBadLaunch,      // a grid, block or size that no device takes
};

struct Where {
  const char* file;
  int line;
  static Where here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) { return {file, line}; }
  std::string text() const;
};

class Fault : public std::runtime_error {
 public:
  Fault(FaultKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  FaultKind kind() const { return kind_; }

 private:
  FaultKind kind_;
};

}  // namespace anneal::emulator
