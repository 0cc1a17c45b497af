#include "packet/parse.h"

namespace tunvs {

bool parsePacket(const Packet& packet, ParsedPacket& parsed) {
  ParseError error = ParseError::truncated;
  if (packet.length != 0) {
    const uint8_t version = packet.data[0] >> 4;
    error = version == 4   ? parseIpv4(packet, parsed)
            : version == 6 ? parseIpv6(packet, parsed)
                           : ParseError::badVersion;
  }
  parsed.data = packet.data;
  parsed.offload = packet.offload;
  parsed.error = error;
  return error == ParseError::none && parsed.packetClass == PacketClass::flow;
}

}  // namespace tunvs
