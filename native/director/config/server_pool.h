// Real servers by stable id: their shared state and every worker's counters for them. Nothing here ever moves.
//
// Thread safety: the control thread calls add() and release(); any thread may call state() and counters() for ids that
// were handed out.
// Invariant: an id is handed out again only when no connection, snapshot or reader can name it any more.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "core/result.h"
#include "director/counters/kernel_tally.h"
#include "director/counters/stats.h"
#include "forward/path_mtu.h"
#include "scheduler/server_state.h"

namespace tunvs {

class ServerPool {
 public:
  static constexpr uint32_t kChunk = 256;
  static constexpr uint32_t kMaxServers = 1u << 18;

  explicit ServerPool(size_t workers) : workers_(workers), chunks_(kMaxServers / kChunk) {}

  // Hands out an unused id, with its state and counters zeroed.
  Result<uint32_t> add();
  // REQUIRES: nobody can name `id` any more.
  void release(uint32_t id) { free_.push_back(id); }
  // Hands out ids that a table names already, which was taken over. REQUIRES: none was handed out yet, ascending ids
  void adopt(std::span<const uint32_t> ids);

  ServerState& state(uint32_t id) { return chunkOf(id).states[id % kChunk]; }
  ServerCounters& counters(size_t worker, uint32_t id) { return chunkOf(id).counters[worker * kChunk + id % kChunk]; }
  // Returns a worker's counters for a server, from those of worker 0.
  static ServerCounters& ofWorker(ServerCounters* ofFirst, size_t worker) { return ofFirst[worker * kChunk]; }
  PathMtu& pathMtu(uint32_t id) { return chunkOf(id).pathMtus[id % kChunk]; }
  // Counts what names the server: connections and persistence entries. It can't be released before this is 0.
  std::atomic<int32_t>& references(uint32_t id) { return chunkOf(id).references[id % kChunk]; }
  size_t workers() const { return workers_; }
  // What the kernel's fast path has sent to the servers, beside the workers; empty without one. REQUIRES: of set:
  // nobody uses the pool yet
  const KernelTallies& kernel() const { return kernel_; }
  void setKernel(const KernelTallies& tallies) { kernel_ = tallies; }

 private:
  struct Chunk {
    explicit Chunk(size_t workers)
        : states(std::make_unique<ServerState[]>(kChunk)),
          pathMtus(std::make_unique<PathMtu[]>(kChunk)),
          references(std::make_unique<std::atomic<int32_t>[]>(kChunk)),
          counters(std::make_unique<ServerCounters[]>(workers * kChunk)) {}
    std::unique_ptr<ServerState[]> states;
    std::unique_ptr<PathMtu[]> pathMtus;
    std::unique_ptr<std::atomic<int32_t>[]> references;
    std::unique_ptr<ServerCounters[]> counters;
  };
  // A worker learns of an id only through a snapshot or the table. Both order it behind the making of its chunk.
  Chunk& chunkOf(uint32_t id) { return *chunks_[id / kChunk]; }

  size_t workers_;
  KernelTallies kernel_;
  uint32_t used_ = 0;
  std::vector<uint32_t> free_;
  std::vector<std::unique_ptr<Chunk>> chunks_;
};

}  // namespace tunvs
