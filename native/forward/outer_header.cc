#include "forward/outer_header.h"

#include <cassert>

namespace tunvs {

OuterHeader makeOuterIp(IpProtocol protocol, const IpAddress& source, const IpAddress& server) {
  assert(source.family == server.family);
  OuterHeader outer;
  if (source.isV4()) {
    outer.ipBytes = kIpv4HeaderBytes;
    outer.bytes[0] = 0x45;
    outer.bytes[9] = static_cast<uint8_t>(protocol);
    std::memcpy(outer.bytes + 12, source.bytes.data(), 4);
    std::memcpy(outer.bytes + 16, server.bytes.data(), 4);
    outer.sum = checksumAdd(outer.bytes, kIpv4HeaderBytes);
  } else {
    outer.ipBytes = kIpv6OuterBytes;
    outer.bytes[0] = 0x60;
    outer.bytes[6] = static_cast<uint8_t>(protocol);
    std::memcpy(outer.bytes + 8, source.bytes.data(), 16);
    std::memcpy(outer.bytes + 24, server.bytes.data(), 16);
  }
  outer.length = outer.ipBytes;
  return outer;
}

void writeOuterIp(const OuterHeader& outer, uint8_t* p, uint32_t totalBytes, const EncapInput& in) {
  if (outer.ipBytes == kIpv4HeaderBytes) {
    const bool dontFragment = outer.inner == Family::ipv4 && in.dontFragment && in.pmtuDisc;
    writeOuterIpv4(outer, p, totalBytes, in.trafficClass, in.ttl, in.identification, dontFragment);
    return;
  }
  std::memcpy(p, outer.bytes, kIpv6OuterBytes);
  storeBe32(p, 0x60000000 | uint32_t{outerTrafficClass(in.trafficClass)} << 20);  // the flow label is 0, as IPVS's
  storeBe16(p + 4, static_cast<uint16_t>(totalBytes - kIpv6OuterBytes));
  p[7] = in.ttl;
}

}  // namespace tunvs
