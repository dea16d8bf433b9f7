// Warp functions and asynchronous copies behind the names that CUDA gives them.
#pragma once
#include <cstddef>
#include <cstdint>

#include "emulator/fault.h"

namespace anneal::emulator {

enum class Shuffle { kIndex, kXor, kUp, kDown };
uint64_t shuffle(Shuffle kind, uint32_t mask, uint64_t bits, int operand, int width, const Where& where);
uint32_t ballot(uint32_t mask, bool predicate, const Where& where);
uint32_t match_any(uint32_t mask, uint64_t bits, const Where& where);
enum class Reduction { kAdd, kMax, kMin };
uint32_t reduce(Reduction kind, uint32_t mask, uint32_t value, const Where& where);

[[noreturn]] void refuse_float_atomic(const Where& where);
void note_atomic(const void* at, size_t bytes);
void load_atomic(const void* at, void* value, size_t bytes);
void store_atomic(void* at, const void* value, size_t bytes);

// Vector accesses: the address must be a multiple of the size.
void load_checked(const void* from, void* value, size_t bytes);
void store_checked(void* to, const void* value, size_t bytes);

// D (16,8) f32 += A (16,16) B (16,8); fragments as PTX lays them out for mma.sync.m16n8k16.row.col with 16-bit
// operands.
enum class HalfType { kBf16, kF16 };
void mma_m16n8k16(HalfType type, float* d, const uint32_t* a, const uint32_t* b, const Where& where);
// `count` (1, 2, 4) 8x8 matrices of 16-bit values; lane 8*i + r gives the address of row r of matrix i.
void ldmatrix(int count, bool transposed, uint32_t* registers, const void* row, const Where& where);

// cp.async: `bytes` (4, 8, 16) arrive in shared memory at the wait; of them valid_bytes are read, the rest is zero.
void copy_async(void* shared, const void* global, unsigned bytes, unsigned valid_bytes, void* pc);
void commit_copies();
void wait_copies(unsigned groups_left);

}  // namespace anneal::emulator
