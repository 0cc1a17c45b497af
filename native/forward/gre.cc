#include "forward/gre.h"

#include "forward/forwarding_traits.h"

namespace tunvs {
namespace {

constexpr uint16_t kChecksumPresent = 0x8000;

size_t greOverhead(const TunnelOptions& options, Family outer, bool) {
  return ipBytesOf(outer) + kGreBytes + (options.checksum == TunnelChecksum::none ? 0 : kGreChecksumBytes);
}

}  // namespace

OuterHeader makeGreHeader(const TunnelOptions& options, Family inner, const IpAddress& source,
                          const IpAddress& server) {
  OuterHeader outer = makeOuterIp(IpProtocol::gre, source, server);
  const bool hasChecksum = options.checksum != TunnelChecksum::none;
  const size_t greBytes = kGreBytes + (hasChecksum ? kGreChecksumBytes : 0);
  outer.method = ForwardingMethod::gre;
  outer.inner = inner;
  outer.checksum = options.checksum;
  uint8_t* gre = outer.bytes + outer.ipBytes;
  storeBe16(gre, hasChecksum ? kChecksumPresent : 0);
  storeBe16(gre + 2, etherTypeOf(inner));
  outer.length = static_cast<uint8_t>(outer.ipBytes + greBytes);
  outer.coveredSum = checksumAdd(gre, greBytes);
  return outer;
}

Packet encapsulateGre(const OuterHeader& outer, uint8_t* inner, const EncapInput& in) {
  uint8_t* p = inner - outer.length;
  const uint32_t totalBytes = in.length + outer.length;
  writeOuterIp(outer, p, totalBytes, in);
  uint8_t* gre = p + outer.ipBytes;
  std::memcpy(gre, outer.bytes + outer.ipBytes, outer.length - outer.ipBytes);
  if (outer.checksum != TunnelChecksum::none) {
    const Be16 check = checksum(inner, in.length, outer.coveredSum);
    std::memcpy(gre + kGreBytes, &check.raw, sizeof check.raw);
  }
  return {p, totalBytes};
}

constinit const ForwardingTraits forwarding::gre = {
    .delivery = Delivery::tunnel,
    .needsSource = true,
    .keepsPorts = true,
    .hasPort = false,
    .takesSource = false,
    .checksums = checksumBits({TunnelChecksum::none, TunnelChecksum::checksum}),
    .overhead = greOverhead,
    .makeHeader = makeGreHeader,
    .encapsulate = encapsulateGre,
    .hasForm = [](const TunnelOptions&, const StrippedOuter& outer) { return outer.kind == OuterKind::gre; },
};

}  // namespace tunvs
