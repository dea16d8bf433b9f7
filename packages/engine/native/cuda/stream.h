// The order in which a session's kernels run on its device, and what they found wrong in what they read.
#pragma once
#include <cstddef>
#include <cstdint>

namespace anneal::cuda {

// Indices that kernels read from device memory cannot be checked before the launch. A kernel passes over a bad one and
// notes it here; synchronise() throws.
enum class IndexFault : int32_t {
  kNothing = 0,
  kRopePosition,
  kToken,
  kGatherRow,
  kScatterRow,
  kTarget,
};

struct FaultWords {
  int32_t what;  // IndexFault
  int32_t value;
};

struct Stream {
  void* native = nullptr;        // cudaStream_t
  FaultWords* faults = nullptr;  // device memory
  // Wait behind every launch, so that an error is thrown by the call that made it (tests, debugging).
  bool blocking = false;
};

Stream* create_stream(bool blocking);
void destroy_stream(Stream* stream);
// Waits for everything launched; throws anneal::Error for what kernels noted or the device reports.
void synchronise(Stream& stream);
// Called behind every launch: waits where the stream is blocking.
void launched(Stream& stream);
void zero(Stream& stream, void* data, size_t bytes);
// Device to host, behind everything launched.
void read_back(Stream& stream, void* to, const void* from, size_t bytes);

}  // namespace anneal::cuda
