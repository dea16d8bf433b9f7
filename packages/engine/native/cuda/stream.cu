#include "cuda/stream.h"

#include "core/error.h"
#include "cuda/device.cuh"

namespace anneal::cuda {

namespace {

cudaStream_t native(const Stream& s) { return static_cast<cudaStream_t>(s.native); }

struct IndexName {
  const char *op, *what;
};
IndexName name_of(IndexFault fault) {
  switch (fault) {
    case IndexFault::kNothing: break;
    case IndexFault::kRopePosition: return {"rope", "position"};
    case IndexFault::kToken: return {"embedding", "token"};
    case IndexFault::kGatherRow: return {"gather_rows", "row"};
    case IndexFault::kScatterRow: return {"scatter_rows", "row"};
    case IndexFault::kTarget: return {"cross_entropy", "target"};
  }
  return {"cuda", "index"};
}

}  // namespace

void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  const auto code = error == cudaErrorMemoryAllocation ? ErrorCode::kOutOfMemory : ErrorCode::kInternal;
  throw Error(code, "cuda_call_failed", "cuda", "{call}: {cause}",
              {{"call", what}, {"cause", cudaGetErrorString(error)}});
}

Stream* create_stream(bool blocking) {
  auto* s = new Stream;
  s->blocking = blocking;
  cudaStream_t stream = nullptr;
  check(cudaStreamCreate(&stream), "cudaStreamCreate");
  s->native = stream;
  void* words = nullptr;
  check(cudaMalloc(&words, sizeof(FaultWords)), "the fault words");
  s->faults = static_cast<FaultWords*>(words);
  zero(*s, words, sizeof(FaultWords));
  return s;
}

void destroy_stream(Stream* s) {
  if (!s) return;
  cudaFree(s->faults);
  cudaStreamDestroy(native(*s));
  delete s;
}

void zero(Stream& s, void* data, size_t bytes) { check(cudaMemsetAsync(data, 0, bytes, native(s)), "cudaMemset"); }

void read_back(Stream& s, void* to, const void* from, size_t bytes) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, native(s)), "cudaMemcpy");
  check(cudaStreamSynchronize(native(s)), "cudaStreamSynchronize");
}

void synchronise(Stream& s) {
  FaultWords words{};
  read_back(s, &words, s.faults, sizeof words);
  if (words.what == 0) return;
  zero(s, s.faults, sizeof words);
  const IndexName name = name_of(static_cast<IndexFault>(words.what));
  throw Error(ErrorCode::kInvalidArgument, "device_index_outside", name.op, "{what} {value} is out of range",
              {{"what", name.what}, {"value", words.value}});
}

void launched(Stream& s) {
  if (s.blocking) synchronise(s);
}

}  // namespace anneal::cuda
