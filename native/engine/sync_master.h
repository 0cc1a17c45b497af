// A SyncMaster is the thread that sends what a director's workers note for its backups.
//
// They leave for a multicast group (multicast_outlet.h) or for peers (peer_outlet.h). Notes that found no room in a
// worker's ring are lost and counted.
//
// Thread safety: one control thread opens and ends it; any thread calls counts(), wake() and setQueueMax().
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "director/director.h"
#include "engine/peer_outlet.h"
#include "engine/sync_options.h"
#include "engine/sync_outlet.h"
#include "io/os/loop_thread.h"

namespace tunvs {

struct SyncMasterCounts {
  uint64_t messages = 0, bytes = 0, records = 0;  // sent
  uint64_t notesLost = 0;                         // connections that a worker had no room to tell of
  uint64_t recordsLost = 0;     // of messages that found no room in the queue, or that no message can hold
  uint64_t messagesFailed = 0;  // that the kernel refused
};

class SyncMaster {
 public:
  // The director tells from now on, until the end. REQUIRES: it outlives this
  static Result<std::unique_ptr<SyncMaster>> open(Director& director, const SyncOptions& options);
  ~SyncMaster();

  // Its message size is that in force.
  const SyncOptions& options() const { return options_; }
  SyncMasterCounts counts() const;
  // Empty without peers.
  std::vector<PeerOutlet::Report> peers() const;
  // Takes notes now.
  void wake() { loop_->wake(); }
  // How many messages may wait, of all ports.
  void setQueueMax(size_t messages) { queueMax_.store(messages, std::memory_order_relaxed); }

 private:
  // How long a record waits for others to the same peers. To a group it is as long as with IPVS.
  static constexpr uint64_t kPeerWaitMs = 100;

  SyncMaster(Director& director, const SyncOptions& options, std::unique_ptr<LoopThread> loop);
  Result<void> openOutlet();
  void makeSender();
  void run();
  size_t takeNotes(uint64_t nowMs);
  void noteFast(uint64_t nowMs);
  // Returns how long to sleep.
  int waitMs(size_t taken, uint64_t nowMs) const;

  Director& director_;
  SyncOptions options_;
  std::atomic<size_t> queueMax_{1024};
  std::unique_ptr<SyncOutlet> outlet_;
  PeerOutlet* peers_ = nullptr;  // the outlet, if it has peers
  std::unique_ptr<SyncSender> sender_;
  uint64_t notesLostSeen_ = 0;
  bool isTelling_ = false;
  // Where a round over the table stands that looks for connections of the fast path; UINT64_MAX: none is under way.
  uint64_t fastCursor_ = UINT64_MAX;
  uint64_t fastRoundMs_ = 0;          // when the last round began
  std::unique_ptr<LoopThread> loop_;  // last: it uses all the others
};

}  // namespace tunvs
