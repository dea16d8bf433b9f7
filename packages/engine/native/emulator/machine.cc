#include "emulator/machine.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>
#include <utility>

#include "core/philox.h"
#include "emulator/memory.h"
#include "emulator/race.h"

uint3 threadIdx{}, blockIdx{};
dim3 blockDim, gridDim;

namespace anneal::emulator {

Machine machine;

namespace {

Order g_order = Order::kForward;
uint64_t g_seed = 0;
alignas(128) std::byte g_shared[kSharedBytes];
void (*g_body)(void*) = nullptr;

void permute(std::vector<unsigned>& order, uint32_t round) {
  for (unsigned i = 0; i < order.size(); ++i) order[i] = i;
  if (g_order == Order::kReversed) std::reverse(order.begin(), order.end());
  if (g_order != Order::kShuffled) return;
  const RandomStream stream{g_seed, machine.block_serial, round};
  for (unsigned i = static_cast<unsigned>(order.size()); i > 1; --i) std::swap(order[i - 1], order[stream.bits(i) % i]);
}

void enter_thread(void*) {
  fiber_entered(machine.host);
  g_body(const_cast<void*>(machine.parameters));
  Thread& thread = *machine.current;
  finish_copies(thread, 0);
  thread.state = Thread::State::kDone;
  machine.current = nullptr;
  switch_fiber(thread.fiber, machine.host);
}

std::string kernel_and(const std::string& what) { return std::string(machine.config.kernel) + ": " + what; }

// All threads wait or have left, and nobody can go on.
std::unique_ptr<Fault> stalled() {
  const Thread *waiting = nullptr, *other = nullptr;
  for (const auto& t : machine.threads) {
    if (t->state != Thread::State::kWaiting) continue;
    if (!waiting) waiting = t.get();
    if (t->where.line != waiting->where.line || t->waits_for != waiting->waits_for) other = other ? other : t.get();
  }
  for (const auto& t : machine.threads)
    if (!other && t->state == Thread::State::kDone) other = t.get();
  std::string text = name_of(*waiting) + " waits at " + waiting->waits_for + " (" + waiting->where.text() + ")";
  if (other) {
    text += other->state == Thread::State::kDone
                ? ", " + name_of(*other) + " has left the kernel"
                : ", " + name_of(*other) + " at " + other->waits_for + " (" + other->where.text() + ")";
  }
  return std::make_unique<Fault>(FaultKind::kDivergence, kernel_and("divergence: " + text));
}

void start_block(uint3 block) {
  blockIdx = block;
  machine.block_serial = next_block_serial();
  machine.statics.clear();
  machine.shared_used = (machine.config.dynamic_bytes + 127) / 128 * 128;
  machine.barriers.fill({});
  for (Warp& warp : machine.warps) {
    warp.meetings.fill({});
    warp.clock.fill(0);
  }
  for (size_t i = 0; i < machine.warps.size(); ++i) machine.warps[i].clock[i] = 1;
  std::memset(g_shared, 0xff, sizeof g_shared);  // a NaN in every float type
  forget_shared();
  for (auto& t : machine.threads) {
    t->state = Thread::State::kReady;
    t->barrier = -1;
    t->copy_groups.clear();
    t->open_copies.clear();
    prepare(t->fiber, enter_thread, t.get());
  }
}

void run_block() {
  std::vector<unsigned> order(machine.threads.size());
  size_t done = 0;
  for (uint32_t round = 0; done < order.size(); ++round) {
    permute(order, round);
    bool moved = false;
    for (unsigned i : order) {
      Thread& t = *machine.threads[i];
      if (t.state != Thread::State::kReady) continue;
      moved = true;
      machine.current = &t;
      threadIdx = t.index;
      switch_fiber(machine.host, t.fiber);
      if (machine.fault) throw *std::exchange(machine.fault, nullptr);
      done += t.state == Thread::State::kDone;
    }
    if (!moved) throw *stalled();
  }
}

void check_config(const LaunchConfig& c) {
  const uint64_t threads = uint64_t{c.block.x} * c.block.y * c.block.z;
  const uint64_t blocks = uint64_t{c.grid.x} * c.grid.y * c.grid.z;
  const auto refuse = [&](const std::string& what) {
    throw Fault(FaultKind::kBadLaunch, std::string(c.kernel) + ": " + what);
  };
  if (machine.current) refuse("a launch from within a kernel");
  if (threads == 0 || threads > kMaxThreads) refuse("a block of " + std::to_string(threads) + " threads");
  if (blocks == 0 || c.grid.x > 0x7fffffffu || c.grid.y > 65535 || c.grid.z > 65535)
    refuse("a grid of (" + std::to_string(c.grid.x) + ", " + std::to_string(c.grid.y) + ", " +
           std::to_string(c.grid.z) + ") blocks");
  if (c.dynamic_bytes > std::min(c.dynamic_limit, kSharedBytes))
    refuse(std::to_string(c.dynamic_bytes) + " bytes of dynamic shared memory; the kernel may have " +
           std::to_string(c.dynamic_limit));
}

void make_threads(dim3 block) {
  const unsigned count = block.x * block.y * block.z;
  while (machine.threads.size() > count) {
    free_stack(machine.threads.back()->fiber);
    machine.threads.pop_back();
  }
  while (machine.threads.size() < count) {
    machine.threads.push_back(std::make_unique<Thread>());
    allocate_stack(machine.threads.back()->fiber);
  }
  for (unsigned i = 0; i < count; ++i) {
    Thread& t = *machine.threads[i];
    t.linear = i, t.lane = i % kWarp, t.warp = i / kWarp;
    t.index = {i % block.x, i / block.x % block.y, i / (block.x * block.y)};
  }
  machine.warps.assign((count + kWarp - 1) / kWarp, {});
}

}  // namespace

std::string Where::text() const {
  const char* name = std::strrchr(file, '/');
  return std::string(name ? name + 1 : file) + ":" + std::to_string(line);
}

void set_order(Order order, uint64_t seed) { g_order = order, g_seed = seed; }

std::string name_of(const Thread& t) {
  const auto triple = [](unsigned x, unsigned y, unsigned z) {
    return "(" + std::to_string(x) + ", " + std::to_string(y) + ", " + std::to_string(z) + ")";
  };
  return "block " + triple(blockIdx.x, blockIdx.y, blockIdx.z) + " thread " + triple(t.index.x, t.index.y, t.index.z);
}

void note_fault(FaultKind kind, const std::string& what, const std::string& where) {
  machine.fault =
      std::make_unique<Fault>(kind, kernel_and(name_of(*machine.current) + " " + what + " (" + where + ")"));
}

void leave_kernel() {
  Thread& thread = *machine.current;
  machine.current = nullptr;
  switch_fiber(thread.fiber, machine.host);
  std::abort();
}

void wait_here(const char* what, const Where& where) {
  Thread& t = *machine.current;
  t.state = Thread::State::kWaiting;
  t.waits_for = what;
  t.where = where;
  machine.current = nullptr;
  switch_fiber(t.fiber, machine.host);
}

void thread_barrier(unsigned id, unsigned count, const char* what, const Where& where) {
  Thread& me = *machine.current;
  if (id >= kNamedBarriers || count == 0 || count % kWarp != 0 || count > machine.warps.size() * kWarp) {
    if (id != 0)
      raise(FaultKind::kDivergence, where, [&] {
        return "names barrier " + std::to_string(id) + " for " + std::to_string(count) +
               " threads; a count must be whole warps of the block";
      });
  }
  Barrier& b = machine.barriers[id];
  if (b.arrived == 0) {
    b.expected = count, b.where = where, b.first = me.linear;
  } else if (b.where.line != where.line || b.expected != count) {
    raise(FaultKind::kDivergence, where, [&] {
      return std::string("is at ") + what + " while " + name_of(*machine.threads[b.first]) + " waits at " +
             b.where.text();
    });
  }
  me.barrier = static_cast<int>(id);
  if (++b.arrived < b.expected) return wait_here(what, where);
  b.arrived = 0;
  std::array<uint32_t, kWarp> known{};
  const auto takes_part = [&](const Thread& t) { return t.barrier == static_cast<int>(id); };
  for (const auto& t : machine.threads)
    if (takes_part(*t))
      for (unsigned w = 0; w < machine.warps.size(); ++w)
        known[w] = std::max(known[w], machine.warps[t->warp].clock[w]);
  std::array<bool, kWarp> joined{};
  for (const auto& t : machine.threads)
    if (takes_part(*t)) {
      t->state = Thread::State::kReady;
      t->barrier = -1;
      joined[t->warp] = true;
    }
  for (unsigned w = 0; w < machine.warps.size(); ++w)
    if (joined[w]) {
      machine.warps[w].clock = known;
      ++machine.warps[w].clock[w];
    }
  // The last to come goes on at once, the others in their order.
}

void meet(const char* what, uint32_t mask, const void* in, size_t in_bytes, void* out, size_t out_bytes,
          Combine combine, bool orders, const Where& where) {
  Thread& me = *machine.current;
  if (!(mask >> me.lane & 1))
    raise(FaultKind::kBadMask, where,
          [&] { return std::string("calls ") + what + " with a mask that lacks its lane"; });
  Warp& warp = machine.warps[me.warp];
  Meeting& m = warp.meetings[std::countr_zero(mask)];
  const unsigned first_thread = me.warp * kWarp;
  if (m.arrived == 0) {
    m.mask = mask, m.what = what, m.where = where;
    for (unsigned lane = 0; lane < kWarp; ++lane)
      if (mask >> lane & 1 && first_thread + lane >= machine.threads.size())
        raise(FaultKind::kBadMask, where,
              [&] { return std::string("calls ") + what + " with lanes that the block does not have"; });
  } else if (m.mask != mask || m.where.line != where.line || std::strcmp(m.what, what) != 0) {
    raise(FaultKind::kDivergence, where, [&] {
      return std::string("is at ") + what + " while " +
             name_of(*machine.threads[first_thread + static_cast<unsigned>(std::countr_zero(m.arrived))]) +
             " waits at " + m.what + " (" + m.where.text() + ")";
    });
  }
  if (in_bytes) std::memcpy(me.in.data(), in, in_bytes);
  m.arrived |= 1u << me.lane;
  if (m.arrived != m.mask) {
    wait_here(what, where);
  } else {
    if (combine) {
      std::array<const std::byte*, kWarp> operands{};
      std::array<std::byte*, kWarp> results{};
      for (unsigned lane = 0; lane < kWarp; ++lane)
        if (mask >> lane & 1) {
          operands[lane] = machine.threads[first_thread + lane]->in.data();
          results[lane] = machine.threads[first_thread + lane]->out.data();
        }
      combine(mask, operands.data(), results.data());
    }
    m.arrived = 0;
    for (unsigned lane = 0; lane < kWarp; ++lane)
      if (mask >> lane & 1) machine.threads[first_thread + lane]->state = Thread::State::kReady;
    if (orders) ++warp.clock[me.warp];
  }
  if (out_bytes) std::memcpy(out, me.out.data(), out_bytes);
}

std::byte* shared_base() { return g_shared; }

void* static_shared(const void* key, size_t bytes, size_t alignment) {
  for (const StaticShared& s : machine.statics)
    if (s.key == key) return g_shared + s.offset;
  const size_t offset = (machine.shared_used + alignment - 1) / alignment * alignment;
  if (offset + bytes > kSharedBytes || offset + bytes - machine.config.dynamic_bytes > kDefaultSharedBytes)
    raise(FaultKind::kBadLaunch, Where::here(),
          [] { return std::string("has more static shared memory than a block may"); });
  machine.statics.push_back({key, offset});
  machine.shared_used = offset + bytes;
  return g_shared + offset;
}

void run_grid(const LaunchConfig& config, void (*body)(void*), void* closure, size_t closure_bytes) {
  check_config(config);
  machine.config = config;
  make_threads(config.block);
  blockDim = config.block, gridDim = config.grid;
  g_body = body;
  machine.parameters = closure, machine.parameter_bytes = closure_bytes;
  machine.first_serial = next_block_serial();
  const uint64_t blocks = uint64_t{config.grid.x} * config.grid.y * config.grid.z;
  try {
    for (uint64_t i = 0; i < blocks; ++i) {
      const auto at = static_cast<unsigned>(g_order == Order::kForward ? i : blocks - 1 - i);
      start_block({at % config.grid.x, at / config.grid.x % config.grid.y, at / (config.grid.x * config.grid.y)});
      run_block();
    }
  } catch (...) {
    machine.current = nullptr;
    machine.parameters = nullptr, machine.parameter_bytes = 0;
    throw;
  }
  machine.parameters = nullptr, machine.parameter_bytes = 0;
  check_guards(config.kernel);
}

}  // namespace anneal::emulator
