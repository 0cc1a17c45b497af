// A Director takes one vector of packets and gives back verdicts and rewritten packets.
//
// It is pure: no thread, no system call, no clock. A TUN loop, a replay, a test, a fuzzer and a benchmark all call
// process().
//
// Thread safety: many workers may call process() and expire() at once, each with its own index. One control thread,
// which may run beside the workers, uses everything behind control() and whatever is marked as the control thread's.
// Invariants:
//  1. Every packet handed to process() is counted with exactly one verdict.
//  2. A server's active + inactive count is the number of live connections that name it.
//  3. Packets of one flow leave in the order in which they came; a datagram's fragments that came before its first one
//  leave behind it.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <span>

#include "director/config/control.h"
#include "director/config/server_pool.h"
#include "director/config/settings.h"
#include "director/connection/connection_row.h"
#include "director/connection/expiry.h"
#include "director/connection/pins.h"
#include "director/connection/server_endings.h"
#include "director/connection/sync_teller.h"
#include "director/connection/synced.h"
#include "director/counters/stats.h"
#include "director/counters/verdict.h"
#include "director/delivery/flow_path.h"
#include "director/delivery/fragment_path.h"
#include "director/delivery/icmp_path.h"
#include "director/explainer.h"
#include "director/fragment/fragment_table.h"
#include "director/worker/pass.h"
#include "packet/output_vector.h"
#include "packet/packet_vector.h"
#include "packet/parse.h"

namespace tunvs {

struct DirectorOptions {
  uint32_t maxConnections = 1u << 20;  // per address family, [ConnTable::kMinCapacity, kMaxCapacity]
  HashSecret secret = HashSecret::fromSeed(0);
  size_t workers = 1;  // [1, Epochs::kMaxWorkers]
  Settings settings;
  Tick now = 0;
  // How often one call of the control thread may hold a shard's lock while it ends a removed server's connections. The
  // calls after it do the rest.
  size_t holdsPerTurn = SIZE_MAX;
};

class Director {
 public:
  // Returns the bytes of zeroed, 64-byte aligned memory that the connection tables need.
  static size_t tableBytes(const DirectorOptions& options);
  // Returns the bytes for what is known of connections beside the tables (Memory::notes).
  static size_t noteBytes(const DirectorOptions& options) { return ConnectionNotes::bytes(options.maxConnections); }

  // `tableRegion` must outlive the director.
  Director(const DirectorOptions& options, std::span<std::byte> tableRegion) : Director(options, Memory{tableRegion}) {}

  // Memory that outlives the process, so that the next one finds the connections in it.
  struct Memory {
    std::span<std::byte> tables;
    std::span<std::byte> servers = {};  // ServerDirectory::bytes() long, or empty: nothing outlives the process
    std::span<std::byte> notes = {};    // noteBytes() long, or empty as well; zeroed, and aligned to 64 bytes
    bool isOld = false;                 // a director has left it
  };
  Director(const DirectorOptions& options, const Memory& memory);
  // Tells whether a director with these options can take over what another process has left.
  static Result<void> checkOld(const DirectorOptions& options, const Memory& memory);
  // What was taken over.
  const Entries::TakenOver& takenOver() const { return takenOver_; }
  ~Director();

  // ---- workers ----

  // Handles at most kVectorSize packets. Outputs may point into the packets' own buffers (kHeadroom in front is used),
  // and hold until the next call of this, resume() or expire(). `out` is reset first. `verdicts`, if given, gets one
  // per packet.
  // REQUIRES: packets.size() <= kVectorSize, worker < workers
  void process(size_t worker, std::span<Packet> packets, Tick now, OutputVector& out, Verdict* verdicts = nullptr);

  // Expires connections and fragments, and forgets connections if drop_entry is on. It looks at no more than `budget`
  // connections of this worker's share; the next call continues from there. With `exact`, connections whose deadline
  // lies in the wheels' current 256 ms end, too. Fragments that the previous call sent give their room back. Returns
  // true when there is nothing left to do.
  bool expire(size_t worker, Tick now, bool exact, size_t budget);

  // ---- connections that wait for a policy's answer, since process() ----

  bool hasParked(size_t worker) const;
  // Writes the next question that was not taken yet to `into`; false when there is none.
  bool takeQuestion(size_t worker, PolicyQuestion& into);
  // Opens connections as the answers say, or as their schedulers say at the deadline, and sends on the packets that
  // waited. Outputs hold as those of process() do. `out` is reset first. REQUIRES: worker < workers
  void resume(size_t worker, std::span<const PolicyAnswer> answers, Tick now, OutputVector& out);
  // Returns a time at or before the first deadline. REQUIRES: hasParked(worker)
  Tick nextDeadline(size_t worker) const;

  // Sets the MTUs of the host's own routes to the real servers: `mtuOf` returns the bytes for an address, 0 if not
  // known. Call it when a route has changed or a server was added. REQUIRES: worker < workers
  template <typename MtuOf>
  void setRouteMtus(size_t worker, MtuOf&& mtuOf) {
    epochs_.enter(worker);
    for (const auto& service : control_.table()->services()) {
      for (const auto& server : service->owned) server->pathMtu->setRoute(settings_.pathMtu, mtuOf(server->address));
    }
  }

  // The worker takes part in memory reclamation, or stays out of it: leave before sleeping, enter after.
  void enter(size_t worker) { epochs_.enter(worker); }
  void leave(size_t worker) { epochs_.leave(worker); }

  // Tells whether a defence depends on how much memory is available. REQUIRES: the worker is within its epoch
  bool wantsAvailablePages() const { return Defence::isAutomatic(control_.table()->tunables()); }
  void setAvailablePages(uint64_t pages) { defence_.setAvailablePages(pages); }

  // Lets the kernel's fast path have the connections that the last vector has shown to be established. Call it after
  // that vector was sent and before the next. `isQueueEmpty`: nothing waits behind it.
  void handOver(size_t worker, bool isQueueEmpty);
  bool hasToHandOver(size_t worker) const;

  WorkerStats& stats(size_t worker);
  size_t workers() const { return workers_; }

  // ---- control thread ----

  // ---- a fast path in the kernel ----

  // From now on its tallies are part of the statistics. REQUIRES: no worker runs
  void joinKernel(const KernelTallies& tallies, std::function<KernelSums()> readSums);
  // Connections are handed over to it while `isOn` is set. Any thread may call this, and what follows.
  void setHandingOver(bool isOn);
  // The kernel's program is a reader of the tables: it announces through these that it has been quiescent since.
  uint64_t kernelEpoch() const { return epochs_.stamp(); }
  void passKernelEpoch(uint64_t epoch) { epochs_.passKernel(epoch); }
  void leaveKernel() { epochs_.leaveKernel(); }
  bool isNearlyFull(Family family) const { return entries_.table(family).isNearlyFull(); }
  bool kernelHurries() { return epochs_.kernelHurries(); }
  // Visits the real servers in the order of their ids, which begin with 0, from one thread at a time: look(view,
  // tunables), for ids below `limit`. The view is null for an id without one, and for all without any service.
  template <typename Look>
  void eachServer(size_t limit, Look&& look) {
    epochs_.enter(kKeeperReader);
    const ServiceTable* services = control_.table();
    const bool isServing = !services->services().empty();
    for (uint32_t id = 0; id < std::min(limit, services->idCount()); id++) {
      look(isServing ? services->server(id) : nullptr, services->tunables());
    }
    epochs_.leave(kKeeperReader);
  }

  // ---- connection sync: a master's half ----

  // From now on the workers note what backups are to be told.
  void beginTelling();
  // Notes no more. REQUIRES: nobody calls takeSyncNotes() any more
  void endTelling();
  // Calls take(const SyncRecord&, SyncVersion) for what was noted, at most `limit` times, from one thread at a time.
  // Returns how many notes were taken. REQUIRES: between beginTelling() and endTelling()
  template <typename Take>
  size_t takeSyncNotes(size_t limit, Take&& take) {
    return sync_.teller->take(limit, take);
  }
  // Has backups told of connections that a fast path carries, whose packets no worker sees: it looks at `limit` entries
  // from `cursor` on, and returns the next cursor; UINT64_MAX at the end. Their notes may be taken then. REQUIRES: as
  // takeSyncNotes(); limit <= SyncTeller::kAgain
  uint64_t noteFast(uint64_t cursor, size_t limit, Tick now);
  // Tells whether there may be such connections. Any thread may call this.
  bool isHandingOver() const;
  // Gives take(const SyncRecord&) what a peer needs that knows nothing yet: it looks at `limit` entries from `cursor`
  // on, and returns the next cursor; UINT64_MAX at the end. REQUIRES: as takeSyncNotes(), and by the same thread
  template <typename Take>
  uint64_t readSyncRecords(uint64_t cursor, size_t limit, Tick now, Take&& take) {
    return eachTellable(cursor, limit, [&](const ServiceTable& services, Family family, const Conn& conn) {
      sync_.teller->read(services, family, conn, now, take);
    });
  }
  // Tells whether a worker's notes should be taken soon. REQUIRES: called by that worker, within its epoch
  bool isSyncHurried(size_t worker) const;
  // Returns how many notes were lost since beginTelling(). REQUIRES: as takeSyncNotes()
  uint64_t syncNotesLost() const { return sync_.teller->lost(); }

  // ---- connection sync: a backup's half ----

  // From now on records are taken, and with the sysctl backup_only no packets. The control thread calls this.
  void beginListening();
  // REQUIRES: nobody takes records any more
  void endListening();
  // Takes records from a peer, between beginListening() and endListening(), from one thread at a time: calls
  // each(take), and take(const SyncRecord&, SyncOrigin = {}) returns a SyncOutcome.
  template <typename Each>
  void takeSyncRecords(Tick now, Each&& each) {
    epochs_.enter(kSyncReader);
    Pass pass{peer_->worker, control_.table(), now, peer_->out};
    peer_->synced.retry(pass, *sync_.cells);
    each([&](const SyncRecord& record, SyncOrigin origin = {}) {
      return peer_->synced.take(pass, *sync_.cells, record, origin);
    });
    epochs_.leave(kSyncReader);
  }
  // Returns how many records wait for their service or their server.
  size_t syncRecordsWaiting() const { return peer_ == nullptr ? 0 : peer_->synced.waiting(); }

  // Sets the firewall mark of this worker's packets; 0: none. REQUIRES: the worker does not run
  void setMark(size_t worker, uint32_t mark);

  const Control& control() const { return control_; }
  const Settings& settings() const { return settings_; }
  Result<void> apply(std::span<const Operation> operations, size_t* failedAt = nullptr);
  // With expire_nodest_conn, apply() ends connections of servers that it has removed, as far as it may in one turn.
  // This continues, and returns true when nothing is left. A server that is back by then keeps the connections that are
  // left.
  bool endRemoved();
  // A director that has taken over what another process had left has all services and servers by now: what is still
  // not there is as if removed now. Call it also where there was nothing. As apply(), it may leave something to
  // endRemoved().
  void settle();
  bool hasRemoved() const { return !endings_.isDone(); }
  // Ends the connections and templates of a configured server. Returns the number of connections. Their next packets
  // are treated as belonging to no connection.
  Result<uint64_t> endConnections(const ServiceKey& service, const ServerKey& server);
  // Does the same in turns: from `cursor` on; begin with 0.
  Result<EndedSome> endConnections(const ServiceKey& service, const ServerKey& server, uint64_t cursor);
  // Pins a flow to a real server that is configured, or was removed and is not forgotten. Returns the pin's name. A
  // flow that has a connection is not pinned.
  Result<uint32_t> pin(const PinRequest& request, Tick now);
  // Ends the pin soon; see Pins.
  void releasePin(uint32_t name, Tick now) { pins_.release(name, now); }
  std::optional<PinReport> pinReport(uint32_t name) const { return pins_.report(name); }
  uint32_t pinCount() const { return pins_.count(); }
  void setTunables(const Tunables& tunables) { control_.setTunables(tunables); }
  // Returns the current value; for an automatic defence, whether it is on.
  int32_t sysctl(const SysctlInfo& info) const;
  // Frees what nobody can use any more. Call it every second or so.
  void collect(Tick now) {
    pins_.collect(now);
    control_.collect(now);
    awaitServers();
    std::erase_if(endedSync_, [&](const auto& ended) { return epochs_.isSafe(ended.first); });
  }
  // Sums all workers. REQUIRES: sums.size() == kCounters
  void readCounters(std::span<uint64_t> sums) const;
  FragmentCounts fragmentCounts() const { return fragments_.counts(); }
  // Returns true when a connection or a datagram in fragments has a deadline. It sums all shards: ask seldom.
  bool hasToExpire() const { return connectionCount() != 0 || fragments_.counts().datagrams != 0; }
  uint64_t connectionCount() const { return connectionCount(Family::ipv4) + connectionCount(Family::ipv6); }
  uint64_t connectionCount(Family family) const { return entries_.table(family).liveCount(); }
  // Returns the memory that persistence engines' data take beside the tables.
  uint64_t persistenceDataBytes() const { return entries_.persistenceData().bytes(); }
  const ConnTable& connTable(Family family) const { return entries_.table(family); }
  const Entries::Ftp& ftp() const { return entries_.ftp(); }
  uint32_t connectionCapacity() const { return entries_.table(Family::ipv4).capacity(); }

  // Says what would become of a packet that came now, and why. Asking changes nothing. `mark` is its device's mark.
  Explanation explain(const ParsedPacket& parsed, Tick now, uint32_t mark = 0);

  // Visits at most `limit` live connections of both families from `cursor` on. Returns the next cursor, or UINT64_MAX
  // at the end.
  template <typename Visit>
  uint64_t forEachConnection(uint64_t cursor, size_t limit, Tick now, Visit&& visit);

 private:
  static constexpr uint64_t kSecondTable = uint64_t{1} << 40;  // the cursors of the IPv6 table begin here
  static constexpr size_t kControlReader = Epochs::kMaxWorkers;
  static constexpr size_t kKeeperReader = kControlReader + 1;
  static constexpr size_t kSyncReader = kKeeperReader + 1;
  static constexpr size_t kTellingReader = kSyncReader + 1;
  struct Worker;

  Verdict handle(Pass& pass, Flow& flow, Packet& packet, size_t cause);
  static void leaveAlone(WorkerContext& worker, std::span<Packet> packets, Verdict* verdicts);
  void reuseEvicted(WorkerContext& worker);
  FlowKey answerTo(const FlowKey& flow, const ServerView& server, Tick now) const;
  Result<EndedSome> endThoseOf(const ServiceKey& service, const ServerKey& server, uint64_t cursor, size_t holds);

  // Calls look(services, family, conn) for `limit` entries of both tables from `cursor` on. Returns the next cursor, or
  // UINT64_MAX at the end.
  template <typename Look>
  uint64_t eachTellable(uint64_t cursor, size_t limit, Look&& look) {
    const Family family = cursor < kSecondTable ? Family::ipv4 : Family::ipv6;
    const uint64_t base = family == Family::ipv4 ? 0 : kSecondTable;
    epochs_.enter(kTellingReader);
    const ServiceTable& services = *control_.table();
    const uint64_t next = entries_.table(family).forEach(cursor - base, limit, [&](const Conn& conn) {
      if (!isReplyEntry(conn)) look(services, family, conn);
    });
    epochs_.leave(kTellingReader);
    if (next != UINT64_MAX) return base + next;
    return family == Family::ipv4 ? kSecondTable : UINT64_MAX;
  }

  // What connection sync needs, while it runs.
  struct Sync {
    std::unique_ptr<SyncCells> cells;    // while a role runs
    std::unique_ptr<SyncTeller> teller;  // while the director is a master
  };
  // Has the workers use what `sync_` holds, and frees what was there before once nobody can use it.
  void publishSync(Sync before);
  void dropUnusedCells(Sync& before);
  // Awaits the servers that a peer has connections to.
  void awaitServers();
  // What takes a peer's records has for itself.
  struct Peer {
    Peer(const Settings& settings, Entries& entries, const HashSecret& secret) : synced(settings, entries, secret) {}
    WorkerContext worker;  // counts what a worker would count
    OutputVector out;      // nothing comes out
    Synced synced;
  };

  size_t workers_;
  size_t holdsPerTurn_;
  Settings settings_;
  Epochs epochs_;
  ServerPool pool_;
  std::optional<ServerDirectory> directory_;
  Control control_;
  Defence defence_;
  Entries entries_;
  Sync sync_;
  std::vector<std::pair<uint64_t, Sync>> endedSync_;  // by epoch
  HashSecret secret_;
  std::unique_ptr<Peer> peer_;  // from the first beginListening() on, for what it has counted
  std::atomic<bool> isListening_{false};
  Pins pins_;
  Expiry expiry_;
  ServerEndings endings_;
  FlowPath flows_;
  FragmentTable fragments_;
  IcmpPath icmp_;
  FragmentPath fragmentPath_;
  Explainer explainer_;
  std::vector<std::unique_ptr<Worker>> worker_;
  std::function<KernelSums()> readKernelSums_;  // empty without a fast path
  Entries::TakenOver takenOver_;
};

template <typename Visit>
uint64_t Director::forEachConnection(uint64_t cursor, size_t limit, Tick now, Visit&& visit) {
  epochs_.enter(kControlReader);
  const ServiceTable* services = control_.table();
  uint64_t next = cursor;
  if (next < kSecondTable) {
    next = entries_.table(Family::ipv4).forEach(next, limit, [&](const Conn& conn) {
      if (!isReplyEntry(conn)) visit(rowOf(entries_, conn, Family::ipv4, *services, now));
    });
    if (next == UINT64_MAX) next = kSecondTable;
  } else {
    next = entries_.table(Family::ipv6).forEach(next - kSecondTable, limit, [&](const Conn& conn) {
      if (!isReplyEntry(conn)) visit(rowOf(entries_, conn, Family::ipv6, *services, now));
    });
    if (next != UINT64_MAX) next += kSecondTable;
  }
  epochs_.leave(kControlReader);
  return next;
}

}  // namespace tunvs
