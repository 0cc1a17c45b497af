// The engine: a director on a port, and on one more port for each firewall mark that the host's rules steer, with one
// worker per queue of each port. One control thread opens, starts and stops it.
//
// Members stand in reverse order of destruction: workers end first, then the ports go, then the director and its table.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "director/director.h"
#include "engine/event_ring.h"
#include "engine/state_file.h"
#include "engine/sync_backup.h"
#include "engine/sync_bell.h"
#include "engine/sync_master.h"
#include "engine/table_region.h"
#include "engine/worker.h"
#include "fastpath/fast_path.h"
#include "io/packet/icmp_queue.h"
#include "io/port_list.h"

namespace tunvs {

// Packets read from this port carry the mark, which the kernel does not hand on. The main port's device and egress send
// what comes in here.
struct MarkPort {
  PortOptions port;
  uint32_t mark;  // [1, 2^32-1]
};

struct EngineStartOptions {
  PortOptions port;
  std::vector<MarkPort> markPorts;
  std::optional<uint32_t> busyPollUs;
  bool bypassesQdisc = false;  // only by the packet egress
  // Worker N runs on the Nth of these, from the beginning again where there are more workers; empty: on any.
  std::vector<unsigned> cpus;
  // What comes in by these devices is taken by rings, for the prefixes that setRingPrefixes() names. They send by the
  // main port.
  std::vector<PortOptions> rings;
  // Packets that come in by these devices take the fast path, if there is one, before the host has routed them.
  std::vector<std::string> fastIngress;
  bool isHeld = false;  // packets wait in the devices until resume()
};

// Whether established connections are to go by the fast path in the kernel (fastpath/fast_path.h).
enum class FastPathWish : uint8_t { off, automatic, required };

struct FastPathState {
  bool isInForce = false;     // at the TUN devices
  std::string reason;         // why it is not, or what is missing at an ingress; "" when all is there
  std::vector<TcHook> hooks;  // where the program is to run
};

struct RingState {
  std::string device;
  PortState state;
};

struct StartedDevice {
  std::string name;
  bool attached;
};

struct EngineStarted {
  std::string device;
  bool attached = false;
  std::vector<StartedDevice> markDevices;  // in the order of the options
  std::string steering;                    // what chooses a packet's queue: "bpf", "kernel", or "none" of one queue
  std::string egress;
  std::vector<PassedOver> passedOver;
  std::vector<OffloadState> offloads;  // of the main port
  std::vector<std::string> warnings;   // what does not work although the director runs
};

class Engine {
 public:
  // With a fast path the tables lie where its program reads them. FastPathWish::required fails without one.
  // With `stateFolder` they lie in a file there (state_file.h), which the next director finds, and there is no fast
  // path.
  static Result<std::unique_ptr<Engine>> create(const DirectorOptions& options, FastPathWish wish = FastPathWish::off,
                                                const std::string& stateFolder = "");
  ~Engine();

  Director& director() { return *director_; }
  EventRing& events() { return events_; }
  // Returns why what lay in the folder of the state was not taken over; "" when it was, and when nothing lay there.
  std::string whyNotTaken() const { return state_ ? state_->why() : ""; }
  PolicyDesk& policies() { return policies_; }
  // Call this when the director was given real servers or has lost some: from now on their routes are watched.
  void watchRoutes();
  // Call this when services, servers or tunables have changed: what was removed or failed gets nothing more.
  void refreshFastPath() {
    if (fast_ == nullptr) return;
    fast_->refresh();
    fast_->hurry();  // next hops of new servers are being resolved
  }
  FastPathState fastPath() const;
  // Has the rings take what is for these, and leaves all else to the host. No ring takes anything before.
  void setRingPrefixes(const std::vector<AddressPrefix>& prefixes);
  // Looks whether they do, and mends that; in the order of the options. Call this once a second.
  std::vector<RingState> lookAtRings();
  // Call this after answering a worker's questions.
  void wakeForAnswers(size_t worker) {
    if (worker < workers_.size() && policies_.channel(worker).mustWake()) workers_[worker]->wake();
  }

  // Opens the ports and starts the workers, the main port's first. If anything fails, no device stays open.
  // REQUIRES: not started; the queues of all ports == workers
  Result<EngineStarted> start(const EngineStartOptions& options);
  // Does the same on a port that needs no opening, for benchmarks. REQUIRES: not started; port->queueCount() == workers
  Result<void> startOn(std::unique_ptr<Port> port);
  // Has the workers begin that were held at the start. REQUIRES: started with isHeld; not called before
  Result<void> resume();
  // Ends the workers for good and keeps the ports open: packets wait there for another process that has them too. The
  // state is that process's from now on, so nobody changes anything of the director any more.
  void hold();
  // Returns the descriptors of the queues of all devices but rings, the main one's first.
  std::vector<std::vector<int>> deviceQueues() const;
  // Ends the workers and lets go of the ports. Connections stay in the table. It is safe to call twice.
  void stop();
  // Checks that direct routing can reach `server`: the server has to be on a link of this host, and a running
  // director's egress has to be 'packet'.
  Result<void> checkDirectRouting(const IpAddress& server) const;
  // Begins a role of connection sync, which runs beside the workers. Fails when it runs already.
  Result<void> startMaster(const SyncOptions& options);
  Result<void> startBackup(const SyncOptions& options);
  // Returns false when it did not run.
  bool stopMaster();
  bool stopBackup();
  // Null while the role does not run.
  const SyncMaster* master() const { return master_.get(); }
  const SyncBackup* backup() const { return backup_.get(); }
  // Call this when tunables have changed.
  void refreshSync();
  bool isRunning() const { return !ports_.empty(); }
  std::vector<CpuTime> cpu() const;
  // Says of each worker whether it has begun a turn since the call before, and asks each for another.
  std::vector<bool> workersTurned();

 private:
  struct MarkedPort {
    std::unique_ptr<Port> port;
    uint32_t mark;  // 0: none
    bool isRing = false;
  };
  using ErrorQueues = std::vector<std::unique_ptr<DeviceQueue>>;
  ErrorQueues openErrorQueues(EngineStarted& started) const;
  // The first port is the main one. `errors` and `routes` are for the first worker.
  Result<void> makeWorkers(std::vector<MarkedPort> ports, const EngineStartOptions& options, ErrorQueues errors);
  Result<void> startWorkers();
  struct Memory {
    std::unique_ptr<FastPath> fast;     // null without one
    std::optional<StateFile> state;     // nothing when nothing outlives the process
    std::optional<TableRegion> region;  // the tables, when they lie in neither of these
    std::string fastReason;             // why there is no fast path; "" when there is one
  };
  static Result<Memory> memoryFor(const DirectorOptions& options, FastPathWish wish, const std::string& stateFolder);
  Engine(Memory memory, const DirectorOptions& options);
  Result<void> startFastPath(const EngineStarted& started, const EngineStartOptions& options);

  std::vector<IpAddress> sources_;
  std::unique_ptr<FastPath> fast_;  // null without one; the table may lie in it
  FastPathWish wish_ = FastPathWish::off;
  std::string fastReason_;  // why there is none; "" when there is one
  std::optional<StateFile> state_;
  std::optional<TableRegion> region_;
  std::unique_ptr<Director> director_;
  EventRing events_;
  PolicyDesk policies_;
  std::shared_ptr<NextHopResolver> routes_;
  std::vector<MarkedPort> ports_;  // the main one first; empty while it does not run
  SyncBell syncBell_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<unsigned> cpus_;  // as the options have them
  std::unique_ptr<SyncMaster> master_;
  std::unique_ptr<SyncBackup> backup_;
};

}  // namespace tunvs
