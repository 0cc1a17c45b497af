// A SyncBackup is the thread that takes a master's messages, and gives their records to a director.
//
// Nobody says who sent a datagram. So it takes a bounded number of datagrams and records a second; what comes beyond
// waits in the sockets, and the kernel counts what finds no room there.
//
// Thread safety: one control thread opens and ends it; any thread calls counts().
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <vector>

#include "director/director.h"
#include "engine/peer_inlet.h"
#include "engine/sync_options.h"
#include "io/os/loop_thread.h"
#include "sync/sync_refusal.h"

namespace tunvs {

struct SyncBackupCounts {
  uint64_t messages = 0, bytes = 0;                // received
  uint64_t records = 0;                            // of these, that are well formed
  uint64_t messagesLost = 0;                       // in the sockets, for want of room
  uint64_t pauses = 0;                             // times that it took nothing for a while, as there was too much
  std::array<uint64_t, kSyncRefusals> refused{};   // messages and parts of them
  std::array<uint64_t, kSyncOutcomes> outcomes{};  // of records
};

class SyncBackup {
 public:
  // A record costs one unit, and a datagram kDatagramUnits beside its records. At some 0.5 us each, this is less than a
  // quarter of a processor.
  static constexpr uint64_t kUnitsPerSecond = 400'000, kDatagramUnits = 2;
  // A signature is checked at some 5 ns a byte.
  static constexpr uint64_t kSealedBytesPerUnit = 128;

  // REQUIRES: the director outlives this
  static Result<std::unique_ptr<SyncBackup>> open(Director& director, const SyncOptions& options);
  ~SyncBackup();

  // Its message size is the longest that this host takes.
  const SyncOptions& options() const { return options_; }
  SyncBackupCounts counts() const;
  // Empty without peers.
  std::vector<PeerInlet::Report> peers() const;
  // Returns how many records wait for their service or their server.
  size_t waiting() const { return director_.syncRecordsWaiting(); }

 private:
  SyncBackup(Director& director, const SyncOptions& options, std::unique_ptr<LoopThread> loop);
  Result<void> openSockets();
  void run();
  void receive(uint64_t nowMs);
  // Returns false when there is no datagram.
  template <typename Take>
  bool receiveOne(size_t port, uint64_t nowMs, Take&& take);
  struct Taken {
    uint64_t records = 0;
    bool hadRoom = true;  // for each
  };
  template <typename Take>
  Taken takeMessage(std::span<const uint8_t> message, SyncOrigin origin, Take&& take);
  void refuse(SyncRefusal refusal);
  void refill(uint64_t nowMs);
  int waitMs(bool mayGoOn, uint64_t nowMs) const;

  Director& director_;
  SyncOptions options_;
  std::vector<UniqueFd> sockets_;     // of a group; empty with peers
  std::unique_ptr<PeerInlet> peers_;  // null without peers
  std::vector<int> descriptors_;      // of the one or the other
  std::vector<uint32_t> lostSeen_;    // by port: what the kernel said last
  std::unique_ptr<uint8_t[]> room_;
  int64_t units_;  // what it may still spend
  uint64_t refilledMs_ = 0;
  std::atomic<uint64_t> messages_{0}, bytes_{0}, records_{0}, messagesLost_{0}, pauses_{0};
  std::array<std::atomic<uint64_t>, kSyncRefusals> refused_{};
  std::array<std::atomic<uint64_t>, kSyncOutcomes> outcomes_{};
  bool isListening_ = false;
  std::unique_ptr<LoopThread> loop_;  // last: it uses all the others
};

}  // namespace tunvs
