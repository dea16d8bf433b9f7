// What every op gets first: the threads, the scratch memory and the instruction set. One per session; not thread-safe.
#pragma once
#include "core/arena.h"
#include "core/thread_pool.h"
#include "cpu/isa.h"

namespace anneal {

struct CudaBackend;

struct Context {
  ThreadPool& pool;
  Arena& scratch;  // ops take from it inside an ArenaScope and leave it as they found it; on the device that ops run on
  Isa isa = best_isa();
  // Ops run there, and all of their tensors lie there, scratch too. Null: on the CPU.
  const CudaBackend* cuda = nullptr;
};

// Legend of all op headers: N tokens of one micro-batch (all sequences, no padding), S sequences, C channels, F
// feed-forward channels, H query heads, K key/value heads, D head size, V vocabulary, r adapter rank. All ops throw
// Error(kShape) for shapes that do not fit and Error(kInvalidArgument) for dtypes they do not take. Results have the
// same bits for any number of threads.

}  // namespace anneal
