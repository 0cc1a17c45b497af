// What one worker keeps from vector to vector, and what it hands from stage to stage.
//
// Thread safety: none, except that any thread may read `stats`.
#pragma once

#include "core/rate_limit.h"
#include "director/config/server_pool.h"
#include "director/counters/stats.h"
#include "director/worker/defence.h"
#include "director/worker/identifications.h"
#include "director/worker/loose.h"
#include "director/worker/parking.h"
#include "director/worker/path_round.h"
#include "packet/output_vector.h"
#include "packet/parse.h"
#include "table/conn_table.h"

namespace tunvs {

// Counts up and skips 0, which marks packets that must not be fragmented.
constexpr uint16_t nextIdentification(uint16_t& counter) {
  if (++counter == 0) counter = 1;
  return counter;
}

// What the stages know about one packet of the vector.
struct Flow {
  ParsedPacket parsed;
  uint64_t hash;
  ConnTable::Home home;
  Conn* candidate;  // ConnTable::candidate()
};

// Each kind of answer has a budget of its own, so that a flood of one does not silence the others.
struct AnswerLimits {
  // The burst is a second's worth: packets come in vectors, and a capture's burst is answered as by a kernel without
  // limits.
  static constexpr uint32_t kPerSecond = 1000, kBurst = 1000;
  RateLimit unreachable{kPerSecond, kBurst};
  RateLimit reset{kPerSecond, kBurst};
  RateLimit tooBig{kPerSecond, kBurst};
  RateLimit echo{kPerSecond, kBurst};
  RateLimit recreated{kPerSecond, kBurst};
  RateLimit lookUps{100, 100};  // for a server that a short quote names: a look-up goes through all of them
};

// How far a worker's rounds of expiry have come.
struct ExpiryRound {
  uint32_t next = 0;         // the shard, of all, that is looked at next
  std::vector<Loose> loose;  // room for Entries::expire()
};

// The connections that a fast path in the kernel may take over: those of the current vector, and those that earlier
// ones have shown since the queue was seen empty. They are kept by their keys, as an entry may be another's by then.
struct HandOver {
  // Without seeing its queue empty a worker hands a connection over at this many packets the first time, and when the
  // count is a multiple of the second number again: under load the queue may never be empty, and then a few packets may
  // overtake others.
  static constexpr uint32_t kPacketsUnderLoad = 16, kPacketsUntilAgain = 256;
  static constexpr uint32_t kLeastPackets = 3;

  static constexpr size_t kPlaces = 256;  // for those that wait; each has one, by its hash, and gives way to another

  std::atomic<bool> isOn{false};
  size_t count = 0;
  FlowKey keys[kVectorSize];
  size_t waiting = 0;
  bool isTaken[kPlaces] = {};
  FlowKey places[kPlaces];

  // `isSuitable`: the program can send to its server. `packets`: those of the connection so far. One that has shown
  // little may soon give way to another.
  void note(const Conn& conn, const FlowKey& key, uint32_t packets, bool isSuitable) {
    if (!isSuitable || packets < kLeastPackets || (conn.flags.load(std::memory_order_relaxed) & kConnFast) != 0 ||
        count == kVectorSize)
      return;
    keys[count++] = key;
  }
  bool hasAny() const { return count + waiting != 0; }
  void wait(const FlowKey& key, uint64_t hash) {
    const size_t place = hash % kPlaces;
    waiting += isTaken[place] ? 0 : 1;
    isTaken[place] = true;
    places[place] = key;
  }
};

class SyncTeller;

struct alignas(64) WorkerContext {
  WorkerStats stats;
  size_t index = 0;
  uint32_t mark = 0;             // firewall mark of the packets from its device; 0: none
  uint16_t identification = 0;   // of outer IPv4 headers without DF
  uint32_t identification6 = 0;  // of outer IPv6 fragments
  AnswerIdentifications answerIdentifications;
  AnswerLimits limits;
  uint64_t forwardedBytes = 0;  // not yet in stats
  PathRound paths;
  EveryNth dropPacket;
  ExpiryRound expiry;
  uint64_t evicted = 0;  // entries evicted as of the last vector
  Parking parking;
  PolicyTurn asking;  // of the current packet
  HandOver handOver;
  std::atomic<SyncTeller*> sync{nullptr};  // null unless the director is a master of connection sync
  Flow flows[kVectorSize];                 // of the current vector: here, so that no call has to clear them
};

}  // namespace tunvs
