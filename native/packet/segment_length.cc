#include "packet/segment_length.h"

#include <algorithm>

#include "packet/parse_transport.h"

namespace tunvs {

uint32_t segmentLength(const ParsedPacket& parsed) {
  if (!parsed.offload.isToBeCut() || parsed.packetClass != PacketClass::flow) return parsed.length;
  size_t transportBytes = kUdpHeaderBytes;
  if (parsed.protocol == static_cast<uint8_t>(IpProtocol::tcp))
    transportBytes = std::max((parsed.data[parsed.transport + 12] >> 4) * size_t{4}, kTcpHeaderBytes);
  const size_t segment = parsed.transport + transportBytes + parsed.offload.segmentBytes;
  return std::min(parsed.length, static_cast<uint32_t>(segment));
}

}  // namespace tunvs
