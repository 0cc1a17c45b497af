#include "forward/gre.h"

namespace tunvs {
namespace {

constexpr uint16_t kChecksumPresent = 0x8000;

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

}  // namespace tunvs
