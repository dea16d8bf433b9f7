// Stands where the toolkit's header of this name stands when kernels are compiled by nvcc: what of CUDA the kernels
// use, executed on the CPU. Streams are in order and done when a call returns.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <type_traits>

#include "emulator/machine.h"
#include "emulator/warp.h"

#define ANNEAL_EMULATED 1
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __restrict__ __restrict

// ---- threads ----

inline void __syncthreads(anneal::emulator::Where where = anneal::emulator::Where::here()) {
  anneal::emulator::thread_barrier(0, blockDim.x * blockDim.y * blockDim.z, "__syncthreads", where);
}
inline void __syncwarp(unsigned mask = 0xffffffffu, anneal::emulator::Where where = anneal::emulator::Where::here()) {
  anneal::emulator::meet("__syncwarp", mask, nullptr, 0, nullptr, 0, nullptr, true, where);
}

// ---- warp functions ----

template <class T>
T anneal_emulated_shuffle(anneal::emulator::Shuffle kind, unsigned mask, T value, int operand, int width,
                          const anneal::emulator::Where& where) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = anneal::emulator::shuffle(kind, mask, bits, operand, width, where);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}
template <class T>
T __shfl_sync(unsigned mask, T value, int lane, int width = 32,
              anneal::emulator::Where where = anneal::emulator::Where::here()) {
  return anneal_emulated_shuffle(anneal::emulator::Shuffle::kIndex, mask, value, lane, width, where);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32,
                  anneal::emulator::Where where = anneal::emulator::Where::here()) {
  return anneal_emulated_shuffle(anneal::emulator::Shuffle::kXor, mask, value, lanes, width, where);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, int by, int width = 32,
                 anneal::emulator::Where where = anneal::emulator::Where::here()) {
  return anneal_emulated_shuffle(anneal::emulator::Shuffle::kUp, mask, value, by, width, where);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, int by, int width = 32,
                   anneal::emulator::Where where = anneal::emulator::Where::here()) {
  return anneal_emulated_shuffle(anneal::emulator::Shuffle::kDown, mask, value, by, width, where);
}
inline unsigned __ballot_sync(unsigned mask, int predicate,
                              anneal::emulator::Where where = anneal::emulator::Where::here()) {
  return anneal::emulator::ballot(mask, predicate != 0, where);
}
inline int __any_sync(unsigned mask, int predicate, anneal::emulator::Where where = anneal::emulator::Where::here()) {
  return anneal::emulator::ballot(mask, predicate != 0, where) != 0;
}
inline int __all_sync(unsigned mask, int predicate, anneal::emulator::Where where = anneal::emulator::Where::here()) {
  return anneal::emulator::ballot(mask, predicate != 0, where) == mask;
}
template <class T>
unsigned __match_any_sync(unsigned mask, T value, anneal::emulator::Where where = anneal::emulator::Where::here()) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  return anneal::emulator::match_any(mask, bits, where);
}
inline unsigned __reduce_add_sync(unsigned mask, unsigned value,
                                  anneal::emulator::Where where = anneal::emulator::Where::here()) {
  return anneal::emulator::reduce(anneal::emulator::Reduction::kAdd, mask, value, where);
}
inline unsigned __reduce_max_sync(unsigned mask, unsigned value,
                                  anneal::emulator::Where where = anneal::emulator::Where::here()) {
  return anneal::emulator::reduce(anneal::emulator::Reduction::kMax, mask, value, where);
}
inline unsigned __reduce_min_sync(unsigned mask, unsigned value,
                                  anneal::emulator::Where where = anneal::emulator::Where::here()) {
  return anneal::emulator::reduce(anneal::emulator::Reduction::kMin, mask, value, where);
}

// ---- atomics: integers alone; sums of floats depend on who comes first ----

template <class T>
T atomicAdd(T* at, T value, anneal::emulator::Where where = anneal::emulator::Where::here()) {
  if constexpr (std::is_floating_point_v<T>) {
    anneal::emulator::refuse_float_atomic(where);
  } else {
    anneal::emulator::note_atomic(at, sizeof(T));
    T old;
    anneal::emulator::load_atomic(at, &old, sizeof(T));
    value += old;
    anneal::emulator::store_atomic(at, &value, sizeof(T));
    return old;
  }
}
template <class T>
T atomicMax(T* at, T value) {
  static_assert(std::is_integral_v<T>);
  anneal::emulator::note_atomic(at, sizeof(T));
  T old;
  anneal::emulator::load_atomic(at, &old, sizeof(T));
  if (old < value) anneal::emulator::store_atomic(at, &value, sizeof(T));
  return old;
}
template <class T>
T atomicCAS(T* at, T expected, T value) {
  static_assert(std::is_integral_v<T>);
  anneal::emulator::note_atomic(at, sizeof(T));
  T old;
  anneal::emulator::load_atomic(at, &old, sizeof(T));
  if (old == expected) anneal::emulator::store_atomic(at, &value, sizeof(T));
  return old;
}

// ---- arithmetic ----

struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(16) int4 {
  int x, y, z, w;
};

inline float __uint_as_float(unsigned v) {
  float f;
  std::memcpy(&f, &v, sizeof f);
  return f;
}
inline unsigned __float_as_uint(float v) {
  unsigned u;
  std::memcpy(&u, &v, sizeof u);
  return u;
}
inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<unsigned>(static_cast<uint64_t>(a) * b >> 32); }
inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __ffs(int v) { return __builtin_ffs(v); }
inline float rsqrtf(float v) { return 1.0f / std::sqrt(v); }

// ---- the host's side ----

using cudaStream_t = struct anneal_emulated_stream*;
enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorMemoryAllocation = 2 };
enum cudaMemcpyKind { cudaMemcpyHostToHost, cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
constexpr unsigned cudaMemAttachGlobal = 1;

cudaError_t cudaMalloc(void** data, size_t bytes);
cudaError_t cudaMallocManaged(void** data, size_t bytes, unsigned flags = cudaMemAttachGlobal);
cudaError_t cudaFree(void* data);
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* data, int value, size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreate(cudaStream_t* stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaGetLastError();
const char* cudaGetErrorString(cudaError_t error);
cudaError_t anneal_emulated_allow_shared(const void* kernel, size_t bytes);
size_t anneal_emulated_shared_limit(const void* kernel);
template <class Kernel>
cudaError_t cudaFuncSetAttribute(Kernel* kernel, cudaFuncAttribute, int value) {
  return anneal_emulated_allow_shared(reinterpret_cast<const void*>(kernel), static_cast<size_t>(value));
}
inline cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  return cudaMemcpyAsync(to, from, bytes, kind, nullptr);
}

namespace anneal::emulator {

template <class Kernel, class Call>
void launch(const char* name, Kernel* kernel, dim3 grid, dim3 block, size_t dynamic_bytes, Call call) {
  const LaunchConfig config{name, grid, block, dynamic_bytes,
                            anneal_emulated_shared_limit(reinterpret_cast<const void*>(kernel))};
  run_grid(config, [](void* closure) { (*static_cast<Call*>(closure))(); }, &call, sizeof call);
}

// The call of a kernel with arguments converted to what it takes, as the parameters of a launch are.
template <class... P, class... A>
auto bind_kernel(void (*kernel)(P...), const A&... arguments) {
  return [kernel, bound = std::tuple<std::decay_t<P>...>(static_cast<std::decay_t<P>>(arguments)...)] {
    std::apply(kernel, bound);
  };
}

}  // namespace anneal::emulator
