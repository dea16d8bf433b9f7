// The host's side of CUDA: memory and copies, with what is passed held to what it claims to be.
#include <map>

#include "emulator/cuda_runtime.h"
#include "emulator/memory.h"

using anneal::emulator::find_allocation;

namespace {

cudaError_t g_last_error = cudaSuccess;
std::map<const void*, size_t>& shared_limits() {
  static std::map<const void*, size_t> limits;
  return limits;
}

cudaError_t report(cudaError_t error) {
  if (error != cudaSuccess) g_last_error = error;
  return error;
}

bool is_device(const void* data, size_t bytes) {
  const auto* a = find_allocation(data);
  return a && bytes <= a->bytes - static_cast<size_t>(static_cast<const std::byte*>(data) - a->data);
}

}  // namespace

cudaError_t cudaMalloc(void** data, size_t bytes) {
  *data = anneal::emulator::allocate_device(bytes, false);
  return report(*data ? cudaSuccess : cudaErrorMemoryAllocation);
}
cudaError_t cudaMallocManaged(void** data, size_t bytes, unsigned) {
  *data = anneal::emulator::allocate_device(bytes, true);
  return report(*data ? cudaSuccess : cudaErrorMemoryAllocation);
}
cudaError_t cudaFree(void* data) {
  return report(!data || anneal::emulator::free_device(data) ? cudaSuccess : cudaErrorInvalidValue);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t) {
  if (bytes == 0) return cudaSuccess;
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (to_device != is_device(to, bytes) || from_device != is_device(from, bytes)) return report(cudaErrorInvalidValue);
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* data, int value, size_t bytes, cudaStream_t) {
  if (bytes == 0) return cudaSuccess;
  if (!is_device(data, bytes)) return report(cudaErrorInvalidValue);
  std::memset(data, value, bytes);
  return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  *stream = nullptr;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaGetLastError() {
  const cudaError_t error = g_last_error;
  g_last_error = cudaSuccess;
  return error;
}
const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorMemoryAllocation: return "out of memory";
  }
  return "unknown error";
}

cudaError_t anneal_emulated_allow_shared(const void* kernel, size_t bytes) {
  if (bytes > anneal::emulator::kSharedBytes) return report(cudaErrorInvalidValue);
  shared_limits()[kernel] = bytes;
  return cudaSuccess;
}
size_t anneal_emulated_shared_limit(const void* kernel) {
  const auto it = shared_limits().find(kernel);
  return it == shared_limits().end() ? anneal::emulator::kDefaultSharedBytes : it->second;
}
