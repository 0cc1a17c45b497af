// A PeerTeller is a master's side of what it has with one peer: it calls the peer until that answers, tells it all that
// changes, and transfers the whole table when the peer asks for it, as one does that begins late or has lost something.
//
// Messages that change something are sent once. Those of a transfer are sent again until the peer has taken them, the
// first that is missing, and no faster than the network takes them: at
// most kWindowBytes of them ahead, which a socket's buffer has room for.
//
// Thread safety: none. It is pure: whoever makes it gives it the time, and sends.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "sync/peer_datagram.h"

namespace tunvs {

enum class PeerState : uint8_t {
  away,          // nothing is heard of it
  transferring,  // it does not have all yet
  caughtUp,      // it has been told all that there is
};
constexpr std::string_view toString(PeerState state) {
  constexpr std::string_view kNames[] = {"away", "transferring", "caughtUp"};
  return kNames[static_cast<size_t>(state)];
}

class PeerTeller {
 public:
  static constexpr uint64_t kHelloMs = 500, kBeatMs = 250, kAwayMs = 1500, kResendMs = 200, kMostResendMs = 2000;
  static constexpr size_t kLeastWindow = 4, kFirstWindow = 16, kWindow = 64, kWindowBytes = 96 << 10;

  // A TableWalk gives the table as it is, in messages.
  class TableWalk {
   public:
    virtual ~TableWalk() = default;
    // Goes to the beginning.
    virtual void begin() = 0;
    // Returns the next message; an empty one at the end, and nothing where it has looked for long enough: then it is
    // called again at the next turn.
    virtual std::optional<std::vector<uint8_t>> next() = 0;
  };
  // Returns false when the datagram could not be sent.
  using Send = std::function<bool(std::span<const uint8_t> datagram)>;

  // `session` is greater than that of any teller before, as a clock's time is. REQUIRES: seal and walk outlive this
  PeerTeller(uint8_t syncid, const PeerSeal& seal, uint64_t session, TableWalk& walk, Send send)
      : syncid_(syncid), seal_(seal), session_(session), walk_(walk), send_(std::move(send)) {}

  // Tells the peer a message of connection sync.
  void tell(std::span<const uint8_t> message, uint64_t nowMs);
  // Something could not be told: the peer finds that a message is missing.
  void skip() { sequence_++; }
  // Takes what has come from the peer.
  std::optional<SyncRefusal> take(std::span<const uint8_t> datagram, uint64_t nowMs);
  // Does what is due.
  void turn(uint64_t nowMs);
  // Returns how long until turn() has something to do.
  uint64_t waitMs(uint64_t nowMs) const;

  struct Report {
    PeerState state = PeerState::away;
    uint64_t messages = 0, bytes = 0;  // sent, with those of transfers, of headers, and of what goes to and fro
    uint64_t lost = 0;                 // messages, as the peer has found in all its sessions
    uint64_t transfers = 0;            // begun
    uint64_t transferred = 0;          // messages of transfers that the peer has taken
    uint64_t resent = 0;               // messages of transfers
    uint64_t lagMs = 0;                // how long the oldest message has been waiting for its confirmation
  };
  Report report(uint64_t nowMs) const;

 private:
  // When a message was sent that is not confirmed yet.
  struct Sent {
    uint64_t sequence, atMs;
  };
  static constexpr size_t kSentMax = 4096;

  bool isOpen() const { return peer_ != 0; }
  void send(const std::vector<uint8_t>& datagram);
  void sayHello(uint64_t nowMs);
  void welcome(const PeerDatagram& datagram, uint64_t nowMs);
  std::optional<SyncRefusal> hear(const PeerDatagram& datagram, uint64_t nowMs);
  void beat(uint64_t nowMs);
  void dropAhead(size_t datagrams);
  void sendAhead();
  void sendAgain(uint64_t nowMs);
  void slowDown();
  void speedUp(uint64_t taken);
  void beginTransfer(uint32_t transfer, uint64_t nowMs);

  uint8_t syncid_;
  const PeerSeal& seal_;
  uint64_t session_;
  TableWalk& walk_;
  Send send_;

  uint64_t peer_ = 0;      // the peer's session; 0: it is away
  uint64_t lastPeer_ = 0;  // the one before it went away
  uint64_t sequence_ = 0;  // of the last message
  uint64_t heard_ = 0;     // the last status
  uint64_t beats_ = 0;
  uint64_t heardMs_ = 0, helloMs_ = 0, beatMs_ = 0;
  bool hasCalled_ = false;
  bool isCaughtUp_ = false;
  std::deque<Sent> unconfirmed_;
  uint64_t lostHere_ = 0, lostBefore_ = 0;  // in this session, and in those before

  uint32_t transfer_ = 0;   // that goes on, or was the last one; 0: none yet
  uint64_t bulkFirst_ = 1;  // number of the first that waits for its confirmation
  bool isWalkOver_ = true;
  std::deque<std::vector<uint8_t>> ahead_;  // datagrams, from bulkFirst_ on
  size_t aheadBytes_ = 0;
  uint64_t progressMs_ = 0;  // when the peer has last taken one, or one was sent again
  uint64_t resendMs_ = kResendMs;
  uint64_t resentFirst_ = 0;  // the number that was sent again last because the peer has said that it is missing
  // As TCP does it (RFC 5681), in messages: the window doubles up to the threshold, and grows by one from there on.
  size_t window_ = kFirstWindow, threshold_ = kWindow, grown_ = 0;
  bool isWalkPaused_ = false;

  Report counts_;
};

}  // namespace tunvs
