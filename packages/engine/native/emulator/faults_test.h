// Kernels with a planted fault each, and the right ones beside them.
#pragma once
#include <cstdint>

namespace anneal::emulator::planted {

void reverse(float* x, int n, bool barrier);           // a block reverses 64 values through shared memory
void warp_reverse(float* x, bool barrier);             // 32 values, ordered by __syncwarp
void write_index(float* x, int index);                 // x[index] = 1
void read_index(const float* x, float* y, int index);  // y[0] = x[index]
void halves(float* x, bool divergent);                 // a barrier that half of the block reaches elsewhere
void leave_early(float* x, bool early);                // threads leave before a barrier
void vote(int* x, bool divergent);                     // lanes of a warp vote at two places
void shuffle_with_mask(int* x, unsigned mask);         // all lanes call with this mask
void sum_float(float* x);                              // atomicAdd of a float
void sum_int(int* x);                                  // atomicAdd of an int by every thread
void shared_beyond(float* x, int index);               // reads an array in shared memory at the index
void shared_unwritten(float* x);                       // reads shared memory that nobody wrote
void vector_at(const float* x, float* y, int index);   // 16 bytes from x + index
void blocks_overlap(float* x, int stride);             // block b writes x[b * stride .. + 32)
void product(const uint16_t* a, const uint16_t* b, float* d, int wrong_lane);  // (16,16) (16,8), one lane off if >= 0
void copy_behind(const float* x, float* y, bool wait);  // cp.async, read with or without the wait
void wide_block(int threads);                           // a launch with so many threads
void shared_bytes(int bytes);                           // a launch with so much dynamic shared memory
void handshake(float* x, bool same_barrier);            // two warps exchange through a named barrier

}  // namespace anneal::emulator::planted
