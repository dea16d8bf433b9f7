// What every kernel is written with: element types, vector accesses, sums over a warp or block, shared memory and the
// launch. Compiled by nvcc, or by the host's compiler for the emulator (ANNEAL_EMULATED, set by its cuda_runtime.h).
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "core/bf16.h"

namespace anneal::cuda {

constexpr unsigned kWholeWarp = 0xffffffffu;

// ---- element types ----

__device__ inline float value_of(float v) { return v; }
__device__ inline float value_of(bf16 v) { return __uint_as_float(static_cast<unsigned>(v.bits) << 16); }
__device__ inline float value_of(f16 v) {
#ifdef ANNEAL_EMULATED
  return to_f32(v);
#else
  float f;
  asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(v.bits));
  return f;
#endif
}

// Rounds to nearest, ties to even.
template <class T>
__device__ inline T rounded(float v);
template <>
__device__ inline float rounded<float>(float v) {
  return v;
}
template <>
__device__ inline bf16 rounded<bf16>(float v) {
  const unsigned u = __float_as_uint(v);
  if ((u & 0x7fffffffu) > 0x7f800000u) return {static_cast<uint16_t>((u >> 16) | 0x40u)};
  return {static_cast<uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16)};
}
template <>
__device__ inline f16 rounded<f16>(float v) {
#ifdef ANNEAL_EMULATED
  return to_f16(v);
#else
  f16 h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h.bits) : "f"(v));
  return h;
#endif
}

// Two values as the halves of a register, the first in the low one.
template <class T>
__device__ inline uint32_t packed(float low, float high) {
  return static_cast<uint32_t>(rounded<T>(low).bits) | static_cast<uint32_t>(rounded<T>(high).bits) << 16;
}

// ---- warp and block sums, in an order that the number of threads gives ----

__device__ inline float warp_sum(float v) {
  for (int lanes = 16; lanes > 0; lanes /= 2) v += __shfl_xor_sync(kWholeWarp, v, lanes);
  return v;
}
__device__ inline float warp_max(float v) {
  for (int lanes = 16; lanes > 0; lanes /= 2) v = fmaxf(v, __shfl_xor_sync(kWholeWarp, v, lanes));
  return v;
}
__device__ inline double warp_sum(double v) {
  for (int lanes = 16; lanes > 0; lanes /= 2) v += __shfl_xor_sync(kWholeWarp, v, lanes);
  return v;
}

// The sum over a block of Threads threads (whole warps), in every thread. `slots` has Threads / 32 values of shared
// memory; it may be used again behind the next barrier of the caller.
template <int Threads, class T>
__device__ inline T block_sum(T v, T* slots) {
  static_assert(Threads % 32 == 0 && Threads <= 1024);
  v = warp_sum(v);
  if constexpr (Threads == 32) return v;
  if (threadIdx.x % 32 == 0) slots[threadIdx.x / 32] = v;
  __syncthreads();
  T sum = 0;
  for (int i = 0; i < Threads / 32; ++i) sum += slots[i];
  return sum;
}
template <int Threads>
__device__ inline float block_max(float v, float* slots) {
  v = warp_max(v);
  if constexpr (Threads == 32) return v;
  if (threadIdx.x % 32 == 0) slots[threadIdx.x / 32] = v;
  __syncthreads();
  float top = slots[0];
  for (int i = 1; i < Threads / 32; ++i) top = fmaxf(top, slots[i]);
  return top;
}

// A barrier of `threads` threads (whole warps) that name the same number, 1 to 15.
__device__ inline void named_barrier(int number, int threads
#ifdef ANNEAL_EMULATED
                                     ,
                                     emulator::Where where = emulator::Where::here()
#endif
) {
#ifdef ANNEAL_EMULATED
  emulator::thread_barrier(static_cast<unsigned>(number), static_cast<unsigned>(threads), "a named barrier", where);
#else
  asm volatile("bar.sync %0, %1;" ::"r"(number), "r"(threads) : "memory");
#endif
}

// ---- vector accesses: 4, 8 or 16 bytes at an address that is a multiple of the size ----

template <class Vector>
__device__ inline Vector load_vector(const void* from) {
#ifdef ANNEAL_EMULATED
  Vector v;
  emulator::load_checked(from, &v, sizeof v);
  return v;
#else
  return *static_cast<const Vector*>(from);
#endif
}
template <class Vector>
__device__ inline void store_vector(void* to, const Vector& v) {
#ifdef ANNEAL_EMULATED
  emulator::store_checked(to, &v, sizeof v);
#else
  *static_cast<Vector*>(to) = v;
#endif
}

}  // namespace anneal::cuda

// ---- shared memory and launches ----

#ifdef ANNEAL_EMULATED
// `type name[count]` shared by the block's threads.
#define ANNEAL_SHARED(type, name, count) \
  static const char name##_key = 0;      \
  type* const name = static_cast<type*>( \
      ::anneal::emulator::static_shared(&name##_key, sizeof(type) * (count), alignof(type) < 16 ? 16 : alignof(type)))
// The bytes that the launch asked for.
#define ANNEAL_DYNAMIC_SHARED(name) \
  unsigned char* const name = reinterpret_cast<unsigned char*>(::anneal::emulator::shared_base())
#define ANNEAL_LAUNCH(kernel, grid, block, dynamic_bytes, stream, ...)                      \
  ((void)(stream), ::anneal::emulator::launch(#kernel, &kernel, grid, block, dynamic_bytes, \
                                              ::anneal::emulator::bind_kernel(&kernel, __VA_ARGS__)))
#else
#define ANNEAL_SHARED(type, name, count) __shared__ __align__(16) type name[count]
#define ANNEAL_DYNAMIC_SHARED(name) extern __shared__ __align__(128) unsigned char name[]
#define ANNEAL_LAUNCH(kernel, grid, block, dynamic_bytes, stream, ...) \
  (kernel<<<grid, block, dynamic_bytes, stream>>>(__VA_ARGS__), ::anneal::cuda::check(cudaGetLastError(), #kernel))
#endif

namespace anneal::cuda {
// Throws anneal::Error: kOutOfMemory for memory, kInternal for anything else.
void check(cudaError_t error, const char* what);
}  // namespace anneal::cuda
