// A worker: one thread that owns one queue of a port, and runs the director over what comes in.
//
// Thread safety: the control thread calls start(), stop() and join(); any thread may call cpu().
// Invariants:
//  1. When idle, it sleeps in poll; it spins only for as long as it was told to, or some 20 us while packets come
//     densely (idle_spin.h). While nothing has a deadline, it wakes up once a second, or five times where other workers
//     go by the routes that it reads.
//     Where its queue allows that, and nobody has said how long to spin, it naps in place of spinning.
//  2. After stop() it ends within one vector, whatever the device does.
//  3. It reads into no vector of which its port still holds a buffer; when it has no other, it reads nothing.
#pragma once

#include <atomic>
#include <memory>

#include "director/director.h"
#include "engine/cpu_time.h"
#include "engine/event_ring.h"
#include "engine/idle_spin.h"
#include "engine/loss_report.h"
#include "engine/policy_channel.h"
#include "engine/table_pages.h"
#include "engine/vector_pool.h"
#include "io/os/loop_thread.h"
#include "io/os/unique_fd.h"
#include "io/port/port.h"
#include "io/port/segment_burst.h"
#include "io/route/next_hop_resolver.h"

namespace tunvs {

class Worker {
 public:
  struct Parts {
    Director& director;
    size_t index;
    PortQueue& queue;  // outlives the worker
    size_t maxPacketBytes;
    EventRing& events;
    std::optional<uint32_t> busyPollUs;  // how long to spin on an idle queue before sleeping; see idle_spin.h
    std::vector<std::unique_ptr<DeviceQueue>>
        errors{};                          // ICMP errors about outer packets: read when idle, and now and then
    PolicyChannel* policies = nullptr;     // where new connections are asked about; null: nowhere
    std::function<void()> onNarrowPath{};  // called when a path MTU has fallen; takes no time
    std::shared_ptr<const NextHopResolver> routes =
        nullptr;                          // whose MTUs this worker tells the director; null: nobody's
    std::function<void()> onSyncHurry{};  // called when many notes for backups wait; takes no time
  };

  static Result<std::unique_ptr<Worker>> create(Parts parts);

  Result<void> start();
  // Keeps the worker on one CPU. REQUIRES: started
  Result<void> pin(unsigned cpu) { return loop_->pin(cpu); }
  void stop() { loop_->stop(); }  // asks it to end; join() waits
  void join() { loop_->join(); }
  // Wakes it up if it sleeps. Any thread may call this.
  void wake() { loop_->wake(); }
  // Returns the time as of the worker's last look at its clock, at most about 100 ms ago.
  CpuTime cpu() const;
  // Says whether it has begun a turn since the call before, and asks it for another: one that sleeps wakes up for it.
  // One control thread calls this.
  bool hasTurned();

 private:
  Worker(Parts parts, std::unique_ptr<LoopThread> loop);
  void run();
  size_t receive();
  void sleep(Tick now);
  void nap() const;
  bool isQueueEmpty(size_t received) const;
  int sleepMs(Tick now) const;
  void consultPolicies(Tick now, OutputVector& out);
  void housekeep(Tick now);
  void readMemory(Tick now);
  void lookAtTables(Tick now);
  void send(const OutputVector& out);
  void sendMixed(const OutputVector& out);
  size_t sendWay(const OutputVector& out, OutputWay way);
  void countReads(WorkerStats& stats);
  SendResult sendBy(OutputWay way, std::span<const OutputPacket> packets);
  void readErrors(Tick now, OutputVector& out);
  void readRoutes();
  void tellNarrowPaths();

  Parts parts_;
  VectorPool vectors_;
  PacketVector* vector_;     // read last
  bool isHeldBack_ = false;  // it has no vector to read into
  std::atomic<uint64_t> userNs_{0}, systemNs_{0};
  std::atomic<uint64_t> turnsAsked_{0}, turnAnswered_{0};
  Tick housekept_ = 0;
  bool isExpiryDone_ = true;
  bool isIdle_ = false;      // it slept, and nothing woke it up
  bool errorsWait_ = false;  // it slept, and something is to be read of what errors come by
  bool isDeviceLost_ = false;
  uint64_t oversizedCounted_ = 0;
  ReadCounts readsCounted_;
  uint64_t offloadsRefusedCounted_ = 0;
  SegmentRoom segments_;
  uint64_t narrowPathsTold_ = 0;
  uint64_t routesRead_ = 0;  // generation
  LossReport losses_;
  IdleSpin spin_;
  Tick memoryReadAt_ = 0;
  TablePages tablePages_;
  Tick tablesSeenAt_ = 0;
  std::unique_ptr<LoopThread> loop_;  // last: it uses all the others
};

}  // namespace tunvs
