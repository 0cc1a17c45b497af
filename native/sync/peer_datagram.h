// The datagrams that a master and a backup exchange when they know each other's addresses: a header, a body by its
// kind, and a signature. Numbers are in network order.
//
//   byte   0  4  8         16          24         32
//          |'tvp1'|kind|from session|to session|sequence|body ...|signature|
//
//   master                                   backup
//     hello: is anybody there?    ────────►
//                                 ◄────────  welcome: speak to me by this session
//     records, beat, bulk         ────────►
//                                 ◄────────  status: what has come, which transfer is wanted
//
// Whoever speaks to a session has been answered by it, since each side draws its own number. So what was recorded of
// one session means nothing to another; within a session sequence numbers tell what has come before.
//
// Thread safety: pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/inet.h"
#include "sync/peer_seal.h"
#include "sync/sync_refusal.h"

namespace tunvs {

// Each comment says what stands in the body, and what the sequence number counts.
enum class PeerKind : uint8_t {
  hello = 1,    // the syncid, in 4 bytes; 0
  welcome = 2,  // the newest session that the backup has heard of, in 8 bytes; 0
  records = 3,  // a message of connection sync; messages of the session
  bulk = 4,     // BulkBody, and a message of connection sync, which the last may lack; messages of the transfer
  beat = 5,     // the beat's number in the session, in 8 bytes; the last message of the session
  status = 6,   // StatusBody; statuses of the session
};

// Where a peer is.
struct PeerAddress {
  IpAddress address;
  uint16_t port = 0;
  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
};

struct PeerDatagram {
  PeerKind kind{};
  uint64_t from = 0, to = 0;  // sessions; 0: none yet
  uint64_t sequence = 0;
  std::span<const uint8_t> body;
};

inline constexpr size_t kPeerHeaderBytes = 32;

struct BulkBody {
  static constexpr size_t kBytes = 8;
  uint32_t transfer = 0;
  bool isLast = false;
};

struct StatusBody {
  static constexpr size_t kBytes = 32;
  uint64_t newest = 0;     // message that the backup knows of
  uint64_t lost = 0;       // messages, since the session began
  uint64_t bulkTaken = 0;  // messages of the transfer, without a gap
  uint32_t transfer = 0;   // that is wanted, or was the last one
  bool isCaughtUp = false;
  bool isGap = false;  // of the transfer something has come that is behind a message that has not
};

// How many bytes of a datagram are no message.
inline size_t peerOverhead(const PeerSeal& seal) { return kPeerHeaderBytes + BulkBody::kBytes + seal.bytes(); }

// Makes a datagram of `before`, and of `message` behind it, which are its body.
std::vector<uint8_t> writePeer(const PeerSeal& seal, PeerKind kind, uint64_t from, uint64_t to, uint64_t sequence,
                               std::span<const uint8_t> before, std::span<const uint8_t> message = {});

// Reads a datagram as far as it can be read without believing it: the signature is not looked at.
std::optional<SyncRefusal> readPeer(const PeerSeal& seal, std::span<const uint8_t> datagram, PeerDatagram& into);

std::vector<uint8_t> writeBulkBody(const BulkBody& body);
std::vector<uint8_t> writeStatusBody(const StatusBody& body);
// REQUIRES: the datagram was read, so its body is long enough
BulkBody readBulkBody(std::span<const uint8_t> body);
StatusBody readStatusBody(std::span<const uint8_t> body);

}  // namespace tunvs
