// A SyncMaster is the thread that sends what a director's workers note for its backups.
//
// It sends without waiting. What the socket does not take waits in a queue, and what finds no room there is lost and
// counted, as are notes that found no room in a worker's ring.
//
// Thread safety: one control thread opens and ends it; any thread calls counts(), wake() and setQueueMax().
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <vector>

#include "director/director.h"
#include "engine/sync_options.h"
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
  // Takes notes now.
  void wake() { loop_->wake(); }
  // How many messages may wait, of all ports.
  void setQueueMax(size_t messages) { queueMax_.store(messages, std::memory_order_relaxed); }

 private:
  SyncMaster(Director& director, SyncOptions options, std::vector<UniqueFd> sockets, std::unique_ptr<LoopThread> loop);
  void run();
  size_t takeNotes(uint64_t nowMs);
  void noteFast(uint64_t nowMs);
  void send(size_t port, std::span<const uint8_t> message, size_t records);
  // Returns false when the socket can take nothing now.
  bool sendNow(size_t port, std::span<const uint8_t> message, size_t records);
  void sendQueued();

  struct Waiting {
    std::vector<uint8_t> message;
    size_t records;
  };

  Director& director_;
  SyncOptions options_;
  std::vector<UniqueFd> sockets_;
  SyncSender sender_;
  std::vector<std::deque<Waiting>> queues_;  // by port
  size_t queued_ = 0;
  // Where a round over the table stands that looks for connections of the fast path; UINT64_MAX: none is under way.
  uint64_t fastCursor_ = UINT64_MAX;
  uint64_t fastRoundMs_ = 0;  // when the last round began
  std::atomic<size_t> queueMax_{1024};
  std::atomic<uint64_t> messages_{0}, bytes_{0}, records_{0}, recordsLost_{0}, messagesFailed_{0};
  std::unique_ptr<LoopThread> loop_;  // last: it uses all the others
};

}  // namespace tunvs
