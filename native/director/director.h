// The director: one vector of packets in, verdicts and rewritten packets out.
//
// Pure: no thread, no system call, no clock. A TUN loop, a replay, a test, a fuzzer and a benchmark all call process().
//
// Thread safety: process() and expire() by many workers at once, each with its own index. Everything behind control() and
// what is said to be for the control thread, by one control thread, which may run beside the workers.
// Invariants:
//  1. Every packet handed to process() is counted with exactly one verdict.
//  2. A server's active + inactive count is the number of live connections that name it.
//  3. Packets of one flow leave in the order in which they came.
#pragma once

#include <optional>
#include <span>

#include "core/conn_table.h"
#include "core/packet_vector.h"
#include "core/parse.h"
#include "director/control.h"
#include "director/server_pool.h"
#include "director/stats.h"
#include "director/verdict.h"

namespace tunvs {

// What process() gives back. `causes[i]` is the index in the input of the packet that caused `packets[i]`.
struct OutputVector {
  static constexpr size_t kMax = kVectorSize;
  OutputPacket packets[kMax];
  uint8_t causes[kMax];
  size_t count = 0;
};

struct DirectorOptions {
  uint32_t maxConnections = 1u << 20;  // [ConnTable::kMinCapacity, kMaxCapacity]
  HashSecret secret = HashSecret::fromSeed(0);
  size_t workers = 1;                  // [1, Epochs::kMaxReaders - 1]
  Control::Sources sources;
  Tick now = 0;
};

// How a connection looks from outside.
struct ConnectionRow {
  FlowKey key;
  ServerKey server;
  std::string_view state;  // IPVS's name
  int64_t expiresMs;       // from now; below 0 when it is overdue
  bool active;
};

class Director {
 public:
  // Bytes of zeroed, 64-byte aligned memory that the connection table needs.
  static size_t tableBytes(const DirectorOptions& options);

  // `tableRegion` outlives the director.
  Director(const DirectorOptions& options, std::span<std::byte> tableRegion);
  ~Director();

  // ---- workers ----

  // Handles packets of at most kVectorSize. Outputs point into the packets' own buffers (kHeadroom in front is used) and
  // hold until the buffers are used again. `verdicts`, where given, gets one per packet.
  // REQUIRES: packets.size() <= kVectorSize, worker < workers
  void process(size_t worker, std::span<Packet> packets, Tick now, OutputVector& out, Verdict* verdicts = nullptr);

  // Lets connections expire: this worker's share of the table, at most about `budget` looked at. With `exact`, those whose
  // deadline lies in the wheel's current 64 ms too. True when there is nothing left to do.
  bool expire(size_t worker, Tick now, bool exact, size_t budget);

  // The worker takes part in / stays out of memory reclamation: leave before sleeping, enter after.
  void enter(size_t worker) { epochs_.enter(worker); }
  void leave(size_t worker) { epochs_.leave(worker); }

  WorkerStats& stats(size_t worker) { return stats_[worker]; }
  size_t workers() const { return workers_; }

  // ---- control thread ----

  const Control& control() const { return control_; }
  Result<void> apply(std::span<const Operation> operations, size_t* failedAt = nullptr);
  void setTunables(const Tunables& tunables) { control_.setTunables(tunables); }
  // Frees what nobody can use any more. Call every second or so.
  void collect(Tick now) { control_.collect(now); }
  // Sums all workers. REQUIRES: sums.size() == kCounters
  void readCounters(std::span<uint64_t> sums) const;
  uint64_t connectionCount() const { return table_.liveCount(); }
  uint32_t connectionCapacity() const { return table_.capacity(); }

  // Visits live connections from `cursor` on, at most `limit`; the next cursor, or UINT64_MAX at the end.
  template <typename Visit>
  uint64_t forEachConnection(uint64_t cursor, size_t limit, Tick now, Visit&& visit);

 private:
  struct Flow;  // what the stages know about one packet of the vector

  struct Worker;

  Verdict forwardFlow(size_t worker, const ServiceTable*& services, Flow& flow, Packet& packet, size_t index, Tick now,
                      OutputVector& out);
  Verdict openConnection(size_t worker, const ServiceTable*& services, const ParsedPacket& parsed, uint64_t hash, Tick now,
                         const ServerView*& server);
  bool mustEnd(const Conn& conn, const ServerView& server, const ParsedPacket& parsed, const Tunables& tunables) const;
  void updateState(Conn* conn, const ServerView& server, const ParsedPacket& parsed, uint64_t hash, Tick now,
                   const Tunables& tunables);
  void updateStateLocked(Conn* conn, const ServerView& server, const ParsedPacket& parsed, uint64_t hash, Tick now,
                         const Tunables& tunables);
  void bind(const ServerView& server, bool active);
  void unbind(const Conn& conn);
  const ServerView* serverOf(const ServiceTable*& services, uint32_t id) const;
  ConnectionRow rowOf(const Conn& conn, const ServiceTable& services, Tick now) const;

  size_t workers_;
  Epochs epochs_;
  ServerPool pool_;
  ConnTable table_;
  Control control_;
  std::unique_ptr<Worker[]> worker_;
  std::unique_ptr<WorkerStats[]> stats_;  // the last is the control thread's
};

template <typename Visit>
uint64_t Director::forEachConnection(uint64_t cursor, size_t limit, Tick now, Visit&& visit) {
  const size_t reader = Epochs::kMaxReaders - 1;
  epochs_.enter(reader);
  const ServiceTable* services = control_.table();
  const uint64_t next = table_.forEach(cursor, limit, [&](const Conn& conn) { visit(rowOf(conn, *services, now)); });
  epochs_.leave(reader);
  return next;
}

}  // namespace tunvs
