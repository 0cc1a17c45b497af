#include "realserver/ip_view.h"

#include "packet/checksum.h"
#include "packet/parse.h"

namespace tunvs {
namespace {

constexpr size_t kTcpCheckAt = 16, kUdpCheckAt = 6;

IpAddress addressAt(std::span<const uint8_t> packet, Family family, size_t at) {
  if (family == Family::ipv6) return IpAddress::v6(packet.data() + at);
  return IpAddress::v4(Be32{loadUnaligned<uint32_t>(packet.data() + at)});
}

bool isWhole(std::span<const uint8_t> packet, const IpView& view, IpProtocol protocol, size_t headerBytes) {
  const auto number = static_cast<uint8_t>(protocol);
  if (packet.size() < view.headerBytes + headerBytes) return false;
  if (view.family == Family::ipv6) return packet[6] == number;
  return packet[9] == number && (loadBe16(&packet[6]) & (kIpv4MoreFragments | kIpv4OffsetMask)) == 0;
}

// Tells whether the checksum at `at` behind the IP header is the pseudo header's sum alone.
bool isUnfinished(std::span<const uint8_t> packet, const IpView& view, IpProtocol protocol, size_t at) {
  const IpAddress source = addressAt(packet, view.family, view.family == Family::ipv4 ? 12 : 8);
  const uint64_t pseudoSum = pseudoHeaderSum(source, view.destination(packet), static_cast<uint8_t>(protocol),
                                             static_cast<uint32_t>(packet.size() - view.headerBytes));
  return loadUnaligned<uint16_t>(&packet[view.headerBytes + at]) == checksumFold(pseudoSum);
}

bool hasUnfinishedUdpChecksum(std::span<const uint8_t> packet, const IpView& view) {
  if (!isWhole(packet, view, IpProtocol::udp, kUdpHeaderBytes)) return false;
  const uint8_t* udp = &packet[view.headerBytes];
  // A checksum of 0 is none (RFC 768).
  if (loadBe16(udp + 4) != packet.size() - view.headerBytes || loadBe16(udp + kUdpCheckAt) == 0) return false;
  return isUnfinished(packet, view, IpProtocol::udp, kUdpCheckAt);
}

// The pseudo header's sum is in the field, so summing the segment as it is covers it.
Be16 finished(std::span<const uint8_t> segment) { return checksum(segment.data(), segment.size()); }

}  // namespace

IpAddress IpView::destination(std::span<const uint8_t> packet) const {
  return addressAt(packet, family, family == Family::ipv4 ? 16 : 24);
}

uint8_t IpView::ecn(std::span<const uint8_t> packet) const {
  return family == Family::ipv4 ? packet[1] & 0x03 : packet[1] >> 4 & 0x03;
}

std::optional<IpView> viewIp(std::span<const uint8_t> packet, Family family) {
  if (packet.empty() || packet[0] >> 4 != static_cast<uint8_t>(family)) return std::nullopt;
  IpView view{family, 0, 0};
  if (family == Family::ipv4) {
    if (packet.size() < kIpv4HeaderBytes) return std::nullopt;
    view.headerBytes = size_t{packet[0] & 0x0fu} * 4;
    view.totalBytes = loadBe16(&packet[2]);
    if (view.headerBytes < kIpv4HeaderBytes) return std::nullopt;
  } else {
    if (packet.size() < kIpv6HeaderBytes) return std::nullopt;
    view.headerBytes = kIpv6HeaderBytes;
    view.totalBytes = kIpv6HeaderBytes + loadBe16(&packet[4]);
  }
  if (view.totalBytes < view.headerBytes || view.totalBytes > packet.size()) return std::nullopt;
  return view;
}

bool isHeaderChecksumRight(std::span<const uint8_t> packet, const IpView& view) {
  return view.family == Family::ipv6 || checksumFold(checksumAdd(packet.data(), view.headerBytes)) == 0xffff;
}

void setEcn(std::span<uint8_t> packet, const IpView& view, uint8_t ecn) {
  if (view.family == Family::ipv6) {
    packet[1] = static_cast<uint8_t>((packet[1] & 0xcf) | ecn << 4);
    return;
  }
  const Be16 before{loadUnaligned<uint16_t>(packet.data())};
  packet[1] = static_cast<uint8_t>((packet[1] & 0xfc) | ecn);
  const Be16 after{loadUnaligned<uint16_t>(packet.data())};
  const Be16 check = checksumReplace({loadUnaligned<uint16_t>(packet.data() + 10)}, before, after);
  std::memcpy(packet.data() + 10, &check.raw, sizeof check.raw);
}

bool hasUnfinishedTcpChecksum(std::span<const uint8_t> packet, const IpView& view) {
  return isWhole(packet, view, IpProtocol::tcp, kTcpHeaderBytes) &&
         isUnfinished(packet, view, IpProtocol::tcp, kTcpCheckAt);
}

void finishTransportChecksum(std::span<uint8_t> packet, const IpView& view) {
  const std::span<uint8_t> segment = packet.subspan(view.headerBytes);
  if (hasUnfinishedTcpChecksum(packet, view)) {
    const Be16 check = finished(segment);
    std::memcpy(&segment[kTcpCheckAt], &check.raw, sizeof check.raw);
  } else if (hasUnfinishedUdpChecksum(packet, view)) {
    Be16 check = finished(segment);
    if (check.raw == 0) check.raw = 0xffff;  // RFC 768
    std::memcpy(&segment[kUdpCheckAt], &check.raw, sizeof check.raw);
  }
}

}  // namespace tunvs
