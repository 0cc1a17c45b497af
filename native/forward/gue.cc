#include "forward/gue.h"

#include <cassert>

#include "forward/forwarding_traits.h"

namespace tunvs {
namespace {

constexpr uint16_t kPrivateFlagsPresent = 0x0001;
constexpr uint32_t kRemoteChecksumFlag = 0x80000000;

// `udp` is the UDP header, its checksum field zero.
void sealUdp(const OuterHeader& outer, uint8_t* udp, size_t udpBytes, uint64_t extraSum) {
  const uint8_t* behind = udp + kUdpOuterBytes + kGueBytes;
  const uint64_t length = Be16::from(static_cast<uint16_t>(udpBytes)).raw;
  uint64_t sum = outer.coveredSum + extraSum + 2 * length;  // the length is in the pseudo header and in the UDP header
  sum += loadUnaligned<uint16_t>(udp);
  Be16 check = checksum(behind, udpBytes - kUdpOuterBytes - kGueBytes, sum);
  if (check.raw == 0) check.raw = 0xffff;  // RFC 768: 0 means that there is no checksum
  std::memcpy(udp + 6, &check.raw, sizeof check.raw);
}

void writeUdp(const OuterHeader& outer, uint8_t* udp, size_t udpBytes, uint32_t flowHash) {
  std::memcpy(udp, outer.bytes + outer.ipBytes, kUdpOuterBytes + kGueBytes);
  storeBe16(udp, gueSourcePort(flowHash));
  storeBe16(udp + 4, static_cast<uint16_t>(udpBytes));
}

size_t gueOverhead(const TunnelOptions& options, Family outer, bool isUnfinished) {
  const bool isRemote = isUnfinished && options.checksum == TunnelChecksum::remote;
  return ipBytesOf(outer) + kUdpOuterBytes + kGueBytes + (isRemote ? kGueRemoteChecksumBytes : 0);
}

bool hasForm(const TunnelOptions& options, const StrippedOuter& outer) {
  const uint16_t from = outer.sourcePort.host();
  return outer.kind == OuterKind::gue && options.port == outer.port.host() && from >= kGueFirstSourcePort &&
         from <= kGueLastSourcePort;
}

}  // namespace

OuterHeader makeGueHeader(const TunnelOptions& options, Family inner, const IpAddress& source,
                          const IpAddress& server) {
  OuterHeader outer = makeOuterIp(IpProtocol::udp, source, server);
  outer.method = ForwardingMethod::gue;
  outer.inner = inner;
  outer.checksum = options.checksum;
  uint8_t* udp = outer.bytes + outer.ipBytes;
  storeBe16(udp + 2, options.port);
  udp[kUdpOuterBytes + 1] = static_cast<uint8_t>(protocolOf(inner));
  outer.length = static_cast<uint8_t>(outer.ipBytes + kUdpOuterBytes + kGueBytes);
  outer.coveredSum = checksumAdd(udp, kUdpOuterBytes + kGueBytes) +
                     pseudoHeaderSum(source, server, static_cast<uint8_t>(IpProtocol::udp), 0);
  return outer;
}

Packet encapsulateGue(const OuterHeader& outer, uint8_t* inner, const EncapInput& in) {
  uint8_t* p = inner - outer.length;
  const uint32_t totalBytes = in.length + outer.length;
  const size_t udpBytes = totalBytes - outer.ipBytes;
  uint8_t* udp = p + outer.ipBytes;
  writeOuterIp(outer, p, totalBytes, in);
  writeUdp(outer, udp, udpBytes, in.flowHash);
  if (outer.checksum != TunnelChecksum::none) sealUdp(outer, udp, udpBytes, 0);
  return {p, totalBytes};
}

Packet encapsulateGueUnfinished(const OuterHeader& outer, uint8_t* inner, const EncapInput& in,
                                UnfinishedChecksum unfinished) {
  assert(outer.method == ForwardingMethod::gue && outer.checksum == TunnelChecksum::remote);
  assert(in.length <= maxInnerLength(outer) - kGueRemoteChecksumBytes);
  uint8_t* p = inner - outer.length - kGueRemoteChecksumBytes;
  const uint32_t totalBytes = in.length + outer.length + static_cast<uint32_t>(kGueRemoteChecksumBytes);
  const size_t udpBytes = totalBytes - outer.ipBytes;
  uint8_t* udp = p + outer.ipBytes;
  writeOuterIp(outer, p, totalBytes, in);
  writeUdp(outer, udp, udpBytes, in.flowHash);
  uint8_t* gue = udp + kUdpOuterBytes;
  gue[0] = kGueRemoteChecksumBytes / 4;
  storeBe16(gue + 2, kPrivateFlagsPresent);
  storeBe32(gue + 4, kRemoteChecksumFlag);
  storeBe16(gue + 8, unfinished.start);
  storeBe16(gue + 10, unfinished.field);
  // This is the difference to the plain GUE header, whose sum is in coveredSum with zeros in these places.
  const uint8_t longer[4] = {gue[0], 0, gue[2], gue[3]};
  sealUdp(outer, udp, udpBytes, loadUnaligned<uint32_t>(longer));
  return {p, totalBytes};
}

constinit const ForwardingTraits forwarding::gue = {
    .delivery = Delivery::tunnel,
    .needsSource = true,
    .keepsPorts = true,
    .hasPort = true,
    .takesSource = false,
    .checksums = checksumBits({TunnelChecksum::none, TunnelChecksum::checksum, TunnelChecksum::remote}),
    .overhead = gueOverhead,
    .makeHeader = makeGueHeader,
    .encapsulate = encapsulateGue,
    .hasForm = hasForm,
};

}  // namespace tunvs
