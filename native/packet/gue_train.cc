#include "packet/gue_train.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "packet/checksum.h"
#include "packet/parse_transport.h"

namespace tunvs {
namespace {

constexpr auto kUdp = static_cast<uint8_t>(IpProtocol::udp);

// Returns the length of the outer IP header when a UDP header without a checksum is right behind it, and a GUE header
// behind that, or else 0.
size_t outerIpBytes(const OutputPacket& packet) {
  const uint8_t* const ip = packet.data;
  if (packet.length < packet.outerBytes || packet.outerBytes < kIpv4HeaderBytes) return 0;
  const bool isV4 = ip[0] == 0x45;
  if (!isV4 && ip[0] >> 4 != 6) return 0;
  const size_t ipBytes = isV4 ? kIpv4HeaderBytes : kIpv6HeaderBytes;
  if (packet.outerBytes <= ipBytes + kUdpHeaderBytes || (isV4 ? ip[9] : ip[6]) != kUdp) return 0;
  return loadBe16(ip + ipBytes + 6) == 0 ? ipBytes : 0;
}

// Returns what is within the tunnel; a packet that can't be cut when its offload starts in front of that.
OutputPacket innerOf(const OutputPacket& packet) {
  const uint32_t outerBytes = packet.outerBytes;
  if (packet.length < outerBytes || packet.offload.checksumStart < outerBytes) return {};
  OutputPacket inner{packet.data + outerBytes, packet.length - outerBytes, packet.nextHop, packet.offload};
  inner.offload.checksumStart = static_cast<uint8_t>(packet.offload.checksumStart - outerBytes);
  return inner;
}

// Returns the sum of the pseudo header, folded: the checksum field has it until the checksum is finished.
uint16_t pseudoSum(const uint8_t* ip, size_t ipBytes, uint16_t udpBytes) {
  const size_t addresses = ipBytes == kIpv4HeaderBytes ? 12 : 8;
  const uint64_t sum = checksumAdd(ip + addresses, ipBytes - addresses);
  return checksumFold(sum + Be16::from(kUdp).raw + Be16::from(udpBytes).raw);
}

}  // namespace

GueTrain::GueTrain(const OutputPacket& packet)
    : packet_(packet.data),
      ipBytes_(outerIpBytes(packet)),
      gueBytes_(ipBytes_ == 0 ? 0 : packet.outerBytes - repeatedBytes()),
      inner_(innerOf(packet)) {
  if (ipBytes_ == 0 || inner_.count() == 0) return;
  datagramBytes_ = gueBytes_ + inner_.longestBytes();
  if (longestBytes() <= kMaxPacketBytes)
    perTrain_ = std::min(kMaxDatagrams, (kMaxPacketBytes - repeatedBytes()) / datagramBytes_);
}

Packet GueTrain::next(std::span<uint8_t> room) {
  assert(isPossible() && !isDone() && room.size() >= kMaxPacketBytes);
  const size_t before = made_;
  std::memcpy(room.data(), packet_, repeatedBytes());
  const uint8_t* const gue = packet_ + repeatedBytes();
  size_t bytes = repeatedBytes();
  for (datagrams_ = 0; datagrams_ < perTrain_ && !inner_.isDone(); datagrams_++) {
    std::memcpy(room.data() + bytes, gue, gueBytes_);
    bytes += gueBytes_;
    bytes += inner_.next(room.subspan(bytes));
  }
  made_ += datagrams_;
  finishHeaders(room.data(), bytes, before);
  const bool isOne = datagrams_ == 1;
  return {room.data(),
          static_cast<uint32_t>(bytes),
          {.segmentBytes = static_cast<uint16_t>(isOne ? 0 : datagramBytes_),
           .checksumStart = static_cast<uint8_t>(ipBytes_),
           .kind = isOne ? OffloadKind::udpChecksum : OffloadKind::udp}};
}

// Writes the fields of the outer headers that depend on the train, which comes after `before` datagrams. The
// identification of its first datagram is the Segmenter's; a header with DF keeps its own.
void GueTrain::finishHeaders(uint8_t* ip, size_t bytes, size_t before) const {
  const auto udpBytes = static_cast<uint16_t>(bytes - ipBytes_);
  storeBe16(ip + ipBytes_ + 4, udpBytes);
  const uint16_t pseudo = pseudoSum(ip, ipBytes_, udpBytes);
  std::memcpy(ip + ipBytes_ + 6, &pseudo, sizeof pseudo);
  if (ipBytes_ == kIpv6HeaderBytes) return storeBe16(ip + 4, udpBytes);
  storeBe16(ip + 2, static_cast<uint16_t>(bytes));
  if ((loadBe16(ip + 6) & kIpv4DontFragment) == 0) storeBe16(ip + 4, static_cast<uint16_t>(loadBe16(ip + 4) + before));
  std::memset(ip + 10, 0, 2);
  const Be16 check{static_cast<uint16_t>(~checksumFold(checksumAdd20(ip)))};
  std::memcpy(ip + 10, &check.raw, sizeof check.raw);
}

}  // namespace tunvs
