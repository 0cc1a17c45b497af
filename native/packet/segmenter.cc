#include "packet/segmenter.h"

#include <algorithm>
#include <cassert>

#include "packet/checksum.h"
#include "packet/parse_transport.h"

namespace tunvs {
namespace {

constexpr uint8_t kPush = 0x08, kCongestionWindowReduced = 0x80;

// Returns the length of the IP header without extension headers, or 0 when there is none in `bytes`.
size_t ipHeaderBytes(std::span<const uint8_t> bytes) {
  if (bytes.size() >= kIpv6HeaderBytes && bytes[0] >> 4 == 6) return kIpv6HeaderBytes;
  if (bytes.size() < kIpv4HeaderBytes || bytes[0] >> 4 != 4) return 0;
  const size_t header = (bytes[0] & 0x0f) * size_t{4};
  return header >= kIpv4HeaderBytes && header <= bytes.size() ? header : 0;
}

bool isUdp(const uint8_t* ip) { return (ip[0] >> 4 == 4 ? ip[9] : ip[6]) == static_cast<uint8_t>(IpProtocol::udp); }

}  // namespace

Segmenter::Segmenter(const OutputPacket& packet)
    : packet_(packet.data),
      length_(packet.length),
      outerBytes_(packet.outerBytes),
      transport_(packet.offload.checksumStart),
      segmentBytes_(packet.offload.segmentBytes),
      sealsOuter_(packet.sealsOuter) {
  if (!readHeaders(packet.offload)) return;
  const size_t payloadBytes = length_ - headerBytes_;
  count_ = std::max<size_t>((payloadBytes + segmentBytes_ - 1) / segmentBytes_, 1);
  longestBytes_ = headerBytes_ + std::min(payloadBytes, segmentBytes_);
  const size_t covered = length_ - transport_;
  const uint16_t field = loadUnaligned<uint16_t>(packet_ + transport_ + checksumField_);
  unfinished_ = uint64_t{field} + static_cast<uint16_t>(~Be16::from(static_cast<uint16_t>(covered)).raw);
}

bool Segmenter::readHeaders(const Offload& offload) {
  if (!offload.isToBeCut() || length_ > kMaxPacketBytes || transport_ > length_ || outerBytes_ > transport_)
    return false;
  const size_t ipBytes = ipHeaderBytes({packet_ + outerBytes_, transport_ - outerBytes_});
  if (ipBytes == 0) return false;
  const bool isV4 = packet_[outerBytes_] >> 4 == 4;
  if (outerBytes_ != 0) {
    const size_t outerIpBytes = ipHeaderBytes({packet_, outerBytes_});
    if (outerIpBytes == 0) return false;
    if (isUdp(packet_) && outerIpBytes + kUdpHeaderBytes > outerBytes_) return false;
    if (sealsOuter_ && !isUdp(packet_)) return false;
  } else if (sealsOuter_) {
    return false;
  }
  const size_t covered = length_ - transport_;
  size_t transportBytes = kUdpHeaderBytes;
  isTcp_ = offload.kind != OffloadKind::udp;
  if (isTcp_) {
    if (isV4 != (offload.kind == OffloadKind::tcp4) || covered < kTcpHeaderBytes) return false;
    transportBytes = (packet_[transport_ + 12] >> 4) * size_t{4};
    if (transportBytes < kTcpHeaderBytes) return false;
  }
  if (covered < transportBytes) return false;
  headerBytes_ = transport_ + transportBytes;
  checksumField_ = offload.checksumField();
  return true;
}

size_t Segmenter::next(std::span<uint8_t> room) {
  assert(!isDone() && room.size() >= longestBytes_);
  const size_t start = headerBytes_ + made_ * segmentBytes_;
  const size_t payloadBytes = std::min(length_ - start, segmentBytes_);
  const size_t bytes = headerBytes_ + payloadBytes;
  uint8_t* const to = room.data();
  std::memcpy(to, packet_, headerBytes_);
  std::memcpy(to + headerBytes_, packet_ + start, payloadBytes);

  if (outerBytes_ != 0) writeOuter(to, bytes);
  writeIp(to + outerBytes_, bytes - outerBytes_, /*changesId=*/true);
  uint8_t* const transport = to + transport_;
  const auto covered = static_cast<uint16_t>(bytes - transport_);
  if (isTcp_) {
    writeTcp(transport);
  } else {
    storeBe16(transport + 4, covered);
  }
  std::memset(transport + checksumField_, 0, 2);
  Be16 check = checksum(transport, covered, unfinished_ + Be16::from(covered).raw);
  if (!isTcp_ && check.raw == 0) check.raw = 0xffff;  // 0 would mean that there is no checksum (RFC 768)
  std::memcpy(transport + checksumField_, &check.raw, sizeof check.raw);
  if (sealsOuter_) sealOuter(to, bytes);
  made_++;
  return bytes;
}

// An identification of an IPv4 header goes up by one from segment to segment.
void Segmenter::writeIp(uint8_t* ip, size_t bytes, bool changesId) const {
  if (ip[0] >> 4 == 6) return storeBe16(ip + 4, static_cast<uint16_t>(bytes - kIpv6HeaderBytes));
  storeBe16(ip + 2, static_cast<uint16_t>(bytes));
  if (changesId) storeBe16(ip + 4, static_cast<uint16_t>(loadBe16(ip + 4) + made_));
  std::memset(ip + 10, 0, 2);
  const bool isPlain = (ip[0] & 0x0f) * size_t{4} == kIpv4HeaderBytes;
  const uint64_t sum = isPlain ? checksumAdd20(ip) : checksumAdd(ip, (ip[0] & 0x0f) * size_t{4});
  const Be16 check{static_cast<uint16_t>(~checksumFold(sum))};
  std::memcpy(ip + 10, &check.raw, sizeof check.raw);
}

// An outer header with DF keeps its identification: the director gives 0 to such packets (forward/ipip.h).
void Segmenter::writeOuter(uint8_t* outer, size_t bytes) const {
  writeIp(outer, bytes, (loadBe16(outer + 6) & kIpv4DontFragment) == 0);
  if (!isUdp(outer)) return;
  const size_t ipBytes = outer[0] >> 4 == 6 ? kIpv6HeaderBytes : (outer[0] & 0x0f) * size_t{4};
  storeBe16(outer + ipBytes + 4, static_cast<uint16_t>(bytes - ipBytes));
}

// Makes the outer UDP checksum of a segment that is complete but for it. The inner packet's bytes are summed again:
// what that costs is little beside sending them one by one.
void Segmenter::sealOuter(uint8_t* outer, size_t bytes) const {
  const bool isV4 = outer[0] >> 4 == 4;
  const size_t ipBytes = isV4 ? (outer[0] & 0x0f) * size_t{4} : kIpv6HeaderBytes;
  const size_t addresses = isV4 ? 12 : 8, addressBytes = isV4 ? 8 : 32;
  const auto udpBytes = static_cast<uint16_t>(bytes - ipBytes);
  uint8_t* const udp = outer + ipBytes;
  std::memset(udp + 6, 0, 2);
  const uint64_t pseudo = checksumAdd(outer + addresses, addressBytes) +
                          Be16::from(static_cast<uint16_t>(IpProtocol::udp)).raw + Be16::from(udpBytes).raw;
  Be16 check = checksum(udp, udpBytes, pseudo);
  if (check.raw == 0) check.raw = 0xffff;  // 0 would mean that there is no checksum (RFC 768)
  std::memcpy(udp + 6, &check.raw, sizeof check.raw);
}

void Segmenter::writeTcp(uint8_t* tcp) const {
  storeBe32(tcp + 4, static_cast<uint32_t>(loadBe32(tcp + 4) + made_ * segmentBytes_));
  if (made_ != 0) tcp[13] &= static_cast<uint8_t>(~kCongestionWindowReduced);
  if (made_ + 1 != count_) tcp[13] &= static_cast<uint8_t>(~(kTcpFin | kPush));
}

}  // namespace tunvs
