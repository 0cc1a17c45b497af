#include "sync/peer_datagram.h"

#include <algorithm>

namespace tunvs {
namespace {

constexpr uint32_t kMagic = 0x74767031;  // "tvp1"
constexpr size_t kKindAt = 4, kSignedAt = 5, kFromAt = 8, kToAt = 16, kSequenceAt = 24;
constexpr size_t kLongestBytes = 65507;  // that UDP carries

// Returns the least length of a kind's body; nothing for a kind that there is not.
std::optional<size_t> leastBody(uint8_t kind) {
  switch (static_cast<PeerKind>(kind)) {
    case PeerKind::hello: return 4;
    case PeerKind::welcome:
    case PeerKind::beat: return 8;
    case PeerKind::records: return 0;
    case PeerKind::bulk: return BulkBody::kBytes;
    case PeerKind::status: return StatusBody::kBytes;
  }
  return std::nullopt;
}

}  // namespace

std::vector<uint8_t> writePeer(const PeerSeal& seal, PeerKind kind, uint64_t from, uint64_t to, uint64_t sequence,
                               std::span<const uint8_t> before, std::span<const uint8_t> message) {
  std::vector<uint8_t> datagram(kPeerHeaderBytes);
  datagram.reserve(kPeerHeaderBytes + before.size() + message.size() + seal.bytes());
  storeBe32(&datagram[0], kMagic);
  datagram[kKindAt] = static_cast<uint8_t>(kind);
  datagram[kSignedAt] = seal.isSigning() ? 1 : 0;
  storeBe64(&datagram[kFromAt], from);
  storeBe64(&datagram[kToAt], to);
  storeBe64(&datagram[kSequenceAt], sequence);
  datagram.insert(datagram.end(), before.begin(), before.end());
  datagram.insert(datagram.end(), message.begin(), message.end());
  datagram.resize(datagram.size() + seal.bytes());
  seal.seal(datagram);
  return datagram;
}

std::optional<SyncRefusal> readPeer(const PeerSeal& seal, std::span<const uint8_t> datagram, PeerDatagram& into) {
  if (datagram.size() < kPeerHeaderBytes || datagram.size() > kLongestBytes) return SyncRefusal::peerCut;
  if (loadBe32(&datagram[0]) != kMagic) return SyncRefusal::peerCut;
  const auto least = leastBody(datagram[kKindAt]);
  if (!least) return SyncRefusal::peerCut;
  if (datagram[kSignedAt] != (seal.isSigning() ? 1 : 0)) return SyncRefusal::sealWrong;
  if (datagram.size() < kPeerHeaderBytes + *least + seal.bytes()) return SyncRefusal::peerCut;
  into.kind = static_cast<PeerKind>(datagram[kKindAt]);
  into.from = loadBe64(&datagram[kFromAt]);
  into.to = loadBe64(&datagram[kToAt]);
  into.sequence = loadBe64(&datagram[kSequenceAt]);
  into.body = datagram.subspan(kPeerHeaderBytes, datagram.size() - kPeerHeaderBytes - seal.bytes());
  return std::nullopt;
}

std::vector<uint8_t> writeBulkBody(const BulkBody& body) {
  std::vector<uint8_t> bytes(BulkBody::kBytes);
  storeBe32(&bytes[0], body.transfer);
  storeBe32(&bytes[4], body.isLast ? 1 : 0);
  return bytes;
}

BulkBody readBulkBody(std::span<const uint8_t> body) { return {loadBe32(&body[0]), (loadBe32(&body[4]) & 1) != 0}; }

std::vector<uint8_t> writeStatusBody(const StatusBody& body) {
  std::vector<uint8_t> bytes(StatusBody::kBytes);
  storeBe64(&bytes[0], body.newest);
  storeBe64(&bytes[8], body.lost);
  storeBe64(&bytes[16], body.bulkTaken);
  storeBe32(&bytes[24], body.transfer);
  storeBe32(&bytes[28], (body.isCaughtUp ? 1u : 0u) | (body.isGap ? 2u : 0u));
  return bytes;
}

StatusBody readStatusBody(std::span<const uint8_t> body) {
  return {loadBe64(&body[0]),
          loadBe64(&body[8]),
          loadBe64(&body[16]),
          loadBe32(&body[24]),
          (loadBe32(&body[28]) & 1) != 0,
          (loadBe32(&body[28]) & 2) != 0};
}

}  // namespace tunvs
