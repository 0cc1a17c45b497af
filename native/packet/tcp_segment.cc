#include "packet/tcp_segment.h"

#include "packet/checksum.h"
#include "packet/parse_ipv4.h"

namespace tunvs {
namespace {

bool isProtocol(uint8_t number, IpProtocol protocol) { return number == static_cast<uint8_t>(protocol); }

TcpView viewIpv4(std::span<const uint8_t> packet) {
  if (isProtocol(packet[9], IpProtocol::udp) || isProtocol(packet[9], IpProtocol::icmp)) return TcpView::never;
  const bool isPart = (loadBe16(&packet[6]) & (kIpv4MoreFragments | kIpv4OffsetMask)) != 0;
  const bool isPlain = packet[0] == kPlainIpv4 && isProtocol(packet[9], IpProtocol::tcp) && !isPart &&
                       loadBe16(&packet[2]) == packet.size();
  return isPlain ? TcpView::plain : TcpView::maybe;
}

TcpView viewIpv6(std::span<const uint8_t> packet) {
  if (isProtocol(packet[6], IpProtocol::udp) || isProtocol(packet[6], IpProtocol::icmpv6)) return TcpView::never;
  const bool isPlain =
      isProtocol(packet[6], IpProtocol::tcp) && loadBe16(&packet[4]) + kIpv6HeaderBytes == packet.size();
  return isPlain ? TcpView::plain : TcpView::maybe;
}

bool isSameRange(const uint8_t* a, const uint8_t* b, size_t from, size_t to) {
  return std::memcmp(a + from, b + from, to - from) == 0;
}

}  // namespace

TcpView viewTcpSegment(std::span<const uint8_t> packet, TcpSegment& segment) {
  TcpView view = TcpView::maybe;
  size_t transport = kIpv4HeaderBytes;
  if (packet.size() >= kIpv4HeaderBytes && packet[0] >> 4 == 4) {
    view = viewIpv4(packet);
  } else if (packet.size() >= kIpv6HeaderBytes && packet[0] >> 4 == 6) {
    view = viewIpv6(packet);
    transport = kIpv6HeaderBytes;
  }
  if (view != TcpView::plain) return view;
  if (packet.size() < transport + kTcpHeaderBytes) return TcpView::maybe;
  const size_t tcpBytes = (packet[transport + 12] >> 4) * size_t{4};
  if (tcpBytes < kTcpHeaderBytes || transport + tcpBytes > packet.size()) return TcpView::maybe;
  segment = {packet.data(), static_cast<uint32_t>(packet.size()), static_cast<uint8_t>(transport),
             static_cast<uint8_t>(transport + tcpBytes)};
  return TcpView::plain;
}

bool TcpSegment::isOfFlow(const TcpSegment& other) const {
  // The ports follow the addresses, in IPv4 as in IPv6.
  const size_t addresses = isV4() ? 12 : 8;
  return transport == other.transport && isSameRange(data, other.data, addresses, transport + size_t{4});
}

bool TcpSegment::hasHeadersOf(const TcpSegment& other) const {
  if (headerBytes != other.headerBytes) return false;
  const bool isIpSame = isV4() ? isSameRange(data, other.data, 0, 2) && isSameRange(data, other.data, 6, 10)
                               : isSameRange(data, other.data, 0, 4) && isSameRange(data, other.data, 6, 8);
  constexpr uint8_t kMayDiffer = kTcpWindowReduced | kTcpPush | kTcpFin;
  const uint8_t* const a = tcp();
  const uint8_t* const b = other.tcp();
  return isIpSame && isSameRange(a, b, 8, 13) && ((a[13] ^ b[13]) & ~kMayDiffer) == 0 && isSameRange(a, b, 14, 16) &&
         isSameRange(a, b, 18, tcpHeaderBytes());
}

bool TcpSegment::hasPlainChecksums() const {
  constexpr uint16_t kOtherZero = 0xffff;
  if (loadBe16(tcp() + 16) == kOtherZero) return false;
  return !isV4() || (loadBe16(data + 10) != kOtherZero && isChecksumRight20(data));
}

bool TcpSegment::isTcpChecksumRight() const {
  const size_t bytes = length - size_t{transport};
  return checksumFold(checksumAdd(tcp(), bytes, tcpPseudoSum(data, bytes))) == 0xffff;
}

uint64_t tcpPseudoSum(const uint8_t* ip, size_t tcpBytes) {
  const bool isV4 = ip[0] >> 4 == 4;
  const uint64_t addresses = checksumAdd(ip + (isV4 ? 12 : 8), isV4 ? 8 : 32);
  return addresses + Be16::from(static_cast<uint16_t>(IpProtocol::tcp)).raw +
         Be16::from(static_cast<uint16_t>(tcpBytes)).raw;
}

}  // namespace tunvs
