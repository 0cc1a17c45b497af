// A PeerListener is a backup's side of what it has with one peer: it answers the master there, takes its messages once
// each, counts those that are missing, and asks for a transfer of the whole table when a session begins or something
// was lost.
//
// Thread safety: none. It is pure: whoever makes it gives it the time and random numbers, and sends.
// Invariant: with keys, nothing is given to apply() that was not signed with one of them, for the session that goes on.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "sync/peer_datagram.h"
#include "sync/peer_teller.h"
#include "sync/sequence_window.h"

namespace tunvs {

class PeerListener {
 public:
  static constexpr uint64_t kStatusMs = 50, kAckMs = 10, kAwayMs = 1500;
  static constexpr uint64_t kBulkPerStatus = 4;
  // How long it waits after a transfer until it asks for another one, because something was lost.
  static constexpr uint64_t kAgainMs = 10'000;
  // And because there was no room for all records.
  static constexpr uint64_t kNoRoomAgainMs = 300'000;
  // How much of a transfer it keeps that has come before what stands in front of it.
  static constexpr size_t kHeldBytes = 256 << 10;

  using Send = std::function<void(std::span<const uint8_t> datagram, const PeerAddress& to)>;
  using Random = std::function<uint64_t()>;
  // Takes a message; `isTransfer`: of the transfer `transfer`, which goes on; 0: none does. Returns false when there
  // was no room for all that it says.
  using Apply = std::function<bool(std::span<const uint8_t> message, bool isTransfer, uint32_t transfer)>;

  // With the syncid 0 it takes those of any. REQUIRES: seal outlives this
  PeerListener(uint8_t syncid, const PeerSeal& seal, Random random, Send send)
      : syncid_(syncid), seal_(seal), random_(std::move(random)), send_(std::move(send)) {}

  // Takes a datagram that has come from the peer, and gives the message in it to `apply`, if there is one. Returns why
  // not.
  std::optional<SyncRefusal> take(std::span<const uint8_t> datagram, const PeerAddress& from, uint64_t nowMs,
                                  const Apply& apply);
  // Sends what is due.
  void turn(uint64_t nowMs);
  // Returns how long until turn() may have something to do; nothing while it waits for the peer.
  std::optional<uint64_t> waitMs(uint64_t nowMs) const;

  struct Report {
    PeerState state = PeerState::away;  // of a peer that is away it may have all that there was: see isCaughtUp
    bool isCaughtUp = false;            // it has all that the peer had when it was heard last
    uint64_t messages = 0;              // taken, with those of transfers
    uint64_t lost = 0;                  // messages, of all sessions
    uint64_t sessions = 0;
    uint64_t transfers = 0;              // that came to their end
    std::optional<uint64_t> heardMsAgo;  // nothing: never
  };
  Report report(uint64_t nowMs) const;

 private:
  struct Session {
    uint64_t master = 0, own = 0;  // numbers; 0: there is none
  };
  std::optional<SyncRefusal> answerHello(const PeerDatagram& hello, const PeerAddress& from);
  void begin(const Session& session, uint64_t newest, uint64_t nowMs);
  std::optional<SyncRefusal> takeBeat(const PeerDatagram& datagram);
  // Returns false for what is nothing new.
  bool takeBulk(const PeerDatagram& datagram, uint64_t nowMs, const Apply& apply);
  void takeInOrder(std::span<const uint8_t> body, uint64_t nowMs, const Apply& apply);
  void beginTransfer(uint64_t nowMs);
  void give(std::span<const uint8_t> message, bool isTransfer, const Apply& apply);
  bool isCaughtUp() const {
    return hasAll_ && hasRoom_ && window_.lost() == lostAtBegin_ &&
           !window_.isMissing(std::max(window_.newest(), beatSaid_));
  }
  // Returns when it may ask for another transfer; nothing while it needs none.
  std::optional<uint64_t> againAtMs() const;
  void sendStatus(uint64_t nowMs);

  uint8_t syncid_;
  const PeerSeal& seal_;
  Random random_;
  Send send_;

  Session current_, candidate_;  // a candidate becomes the current one when something signed speaks to it
  PeerAddress home_;             // where the current session speaks from
  SequenceWindow window_;
  uint64_t beats_ = 0;     // the last one's number
  uint64_t beatSaid_ = 0;  // the last message, as it said; what is still missing of those at the next beat is lost
  uint64_t statuses_ = 0, statusMs_ = 0;
  bool isStatusDue_ = false;
  uint64_t heardMs_ = 0;
  bool wasHeard_ = false;

  uint32_t transfer_ = 0;
  uint64_t bulkTaken_ = 0;
  std::map<uint64_t, std::vector<uint8_t>> held_;  // bodies, by their numbers
  size_t heldBytes_ = 0;
  bool hasAll_ = false;
  bool hasRoom_ = true;  // for all records since the transfer began
  uint64_t lostAtBegin_ = 0;
  uint64_t beganMs_ = 0, endedMs_ = 0;  // the transfer

  uint64_t lostBefore_ = 0;  // in earlier sessions
  Report counts_;
};

}  // namespace tunvs
