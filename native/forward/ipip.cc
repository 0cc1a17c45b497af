#include "forward/ipip.h"

namespace tunvs {

OuterHeader makeIpipHeader(const IpAddress& source, const IpAddress& server) {
  OuterHeader outer;
  outer.length = kIpv4HeaderBytes;
  outer.bytes[0] = 0x45;
  outer.bytes[9] = static_cast<uint8_t>(IpProtocol::ipip);
  std::memcpy(outer.bytes + 12, source.bytes.data(), 4);
  std::memcpy(outer.bytes + 16, server.bytes.data(), 4);
  outer.sum = checksumAdd(outer.bytes, kIpv4HeaderBytes);
  return outer;
}

}  // namespace tunvs
