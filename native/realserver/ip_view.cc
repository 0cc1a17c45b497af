#include "realserver/ip_view.h"

#include "packet/checksum.h"
#include "packet/parse.h"

namespace tunvs {
namespace {

constexpr size_t kTcpHeaderBytes = 20, kTcpCheckAt = 16;

IpAddress addressAt(std::span<const uint8_t> packet, Family family, size_t at) {
  if (family == Family::ipv6) return IpAddress::v6(packet.data() + at);
  return IpAddress::v4(Be32{loadUnaligned<uint32_t>(packet.data() + at)});
}

bool isWholeTcp(std::span<const uint8_t> packet, const IpView& view) {
  constexpr auto kTcp = static_cast<uint8_t>(IpProtocol::tcp);
  if (packet.size() < view.headerBytes + kTcpHeaderBytes) return false;
  if (view.family == Family::ipv6) return packet[6] == kTcp;
  return packet[9] == kTcp && (loadBe16(&packet[6]) & (kIpv4MoreFragments | kIpv4OffsetMask)) == 0;
}

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
  if (!isWholeTcp(packet, view)) return false;
  const IpAddress source = addressAt(packet, view.family, view.family == Family::ipv4 ? 12 : 8);
  const uint64_t pseudoSum = pseudoHeaderSum(source, view.destination(packet), static_cast<uint8_t>(IpProtocol::tcp),
                                             static_cast<uint32_t>(packet.size() - view.headerBytes));
  return loadUnaligned<uint16_t>(&packet[view.headerBytes + kTcpCheckAt]) == checksumFold(pseudoSum);
}

void finishTcpChecksum(std::span<uint8_t> packet, const IpView& view) {
  if (!hasUnfinishedTcpChecksum(packet, view)) return;
  const std::span<uint8_t> segment = packet.subspan(view.headerBytes);
  // The pseudo header's sum is in the field, so summing the segment as it is covers it.
  const Be16 check = checksum(segment.data(), segment.size());
  std::memcpy(&segment[kTcpCheckAt], &check.raw, sizeof check.raw);
}

}  // namespace tunvs
