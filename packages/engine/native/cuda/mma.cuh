// The tensor cores' instructions, each behind one function: mma.sync m16n8k16, ldmatrix, cp.async. All are of sm_80, so
// one family of kernels serves every target. With g = lane / 4 and t = lane % 4, fragments of a warp are:
//   A (16,16): register i = row g + 8 * (i % 2), columns 2t + 8 * (i / 2) and the next
//   B (16,8):  register i = rows 2t + 8 * i and the next, column g
//   D (16,8):  value i = row g + 8 * (i / 2), column 2t + i % 2
#pragma once
#include "cuda/device.cuh"

namespace anneal::cuda {

#ifdef ANNEAL_EMULATED
#define ANNEAL_WHERE , emulator::Where where = emulator::Where::here()
#else
#define ANNEAL_WHERE
#endif

// d += a * b. T: bf16 or f16 operands.
template <class T>
__device__ inline void mma_16816(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2] ANNEAL_WHERE);

#ifdef ANNEAL_EMULATED
template <>
inline void mma_16816<bf16>(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], emulator::Where where) {
  emulator::mma_m16n8k16(emulator::HalfType::kBf16, d, a, b, where);
}
template <>
inline void mma_16816<f16>(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], emulator::Where where) {
  emulator::mma_m16n8k16(emulator::HalfType::kF16, d, a, b, where);
}
#else
#define ANNEAL_MMA(type)                                              \
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." type "." type \
               ".f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "                  \
               "{%8,%9}, {%0,%1,%2,%3};"                              \
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])       \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]))
template <>
__device__ inline void mma_16816<bf16>(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  ANNEAL_MMA("bf16");
}
template <>
__device__ inline void mma_16816<f16>(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  ANNEAL_MMA("f16");
}
#undef ANNEAL_MMA
__device__ inline uint32_t shared_address(const void* p) { return static_cast<uint32_t>(__cvta_generic_to_shared(p)); }
#endif

// Four 8x8 matrices of 16-bit values from shared memory; lane 8 * i + r names row r of matrix i (16 bytes, aligned).
// Register i of a lane: elements 2t and the next of row g; transposed: of column g.
__device__ inline void ldmatrix_x4(uint32_t (&r)[4], const void* row ANNEAL_WHERE) {
#ifdef ANNEAL_EMULATED
  emulator::ldmatrix(4, false, r, row, where);
#else
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
#endif
}
__device__ inline void ldmatrix_x4_transposed(uint32_t (&r)[4], const void* row ANNEAL_WHERE) {
#ifdef ANNEAL_EMULATED
  emulator::ldmatrix(4, true, r, row, where);
#else
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
#endif
}

// 16 bytes to shared memory, there once the thread has waited for its group (others see them behind a barrier).
// Of them valid_bytes are read; the rest is zero.
__device__ inline void copy_async_16(void* shared, const void* global, int valid_bytes) {
#ifdef ANNEAL_EMULATED
  emulator::copy_async(shared, global, 16, static_cast<unsigned>(valid_bytes), __builtin_return_address(0));
#else
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global),
               "r"(valid_bytes)
               : "memory");
#endif
}
__device__ inline void copy_async_commit() {
#ifdef ANNEAL_EMULATED
  emulator::commit_copies();
#else
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
// Waits until at most Groups of this thread's groups are under way.
template <int Groups>
__device__ inline void copy_async_wait() {
#ifdef ANNEAL_EMULATED
  emulator::wait_copies(Groups);
#else
  asm volatile("cp.async.wait_group %0;" ::"n"(Groups) : "memory");
#endif
}

}  // namespace anneal::cuda
