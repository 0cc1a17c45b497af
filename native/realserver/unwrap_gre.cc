// Generic routing encapsulation (RFC 2784):
//
//   byte 0, 1  flags and version: checksum present (0x8000); key and sequence number (0x3000) are RFC 2890's
//   byte 2, 3  EtherType of the inner packet
//   byte 4-7   only with a checksum: it, over header and packet, and two reserved bytes
#include "packet/checksum.h"
#include "realserver/encapsulation.h"
#include "realserver/ip_view.h"

namespace tunvs {
namespace {

constexpr size_t kGreHeaderBytes = 4, kChecksumBytes = 4;
constexpr uint16_t kChecksumPresent = 0x8000;
constexpr uint16_t kReserved = 0x07f8;  // ignored on receipt (RFC 2784 section 2.3)
constexpr uint16_t kEtherTypeIpv4 = 0x0800, kEtherTypeIpv6 = 0x86dd;

// Receive offload (GRO) checks the checksums of several packets, merges them and leaves the first one's GRE checksum in
// place. It does so only to TCP, and leaves the mark of finishTransportChecksum().
bool isPutTogether(std::span<uint8_t> packet, Family family) {
  const auto view = viewIp(packet, family);
  return view.has_value() && hasUnfinishedTcpChecksum(packet.first(view->totalBytes), *view);
}

}  // namespace

Unwrapped unwrapGre(std::span<uint8_t> payload) {
  constexpr Unwrapped kBad{.verdict = DecapVerdict::badTunnelHeader};
  if (payload.size() < kGreHeaderBytes) return kBad;
  const uint16_t flags = loadBe16(&payload[0]);
  if ((flags & ~(kChecksumPresent | kReserved)) != 0) return kBad;
  const bool hasChecksum = (flags & kChecksumPresent) != 0;
  const size_t headerBytes = kGreHeaderBytes + (hasChecksum ? kChecksumBytes : 0);
  const uint16_t etherType = loadBe16(&payload[2]);
  if (payload.size() < headerBytes || (etherType != kEtherTypeIpv4 && etherType != kEtherTypeIpv6)) return kBad;

  const Family family = etherType == kEtherTypeIpv4 ? Family::ipv4 : Family::ipv6;
  const std::span<uint8_t> packet = payload.subspan(headerBytes);
  if (hasChecksum && checksumFold(checksumAdd(payload.data(), payload.size())) != 0xffff &&
      !isPutTogether(packet, family)) {
    return {.verdict = DecapVerdict::badTunnelChecksum};
  }
  return {.family = family, .packet = packet};
}

}  // namespace tunvs
