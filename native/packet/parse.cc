#include "packet/parse.h"

#include "packet/parse_ipv4.h"

namespace tunvs {
namespace {

[[gnu::noinline]] ParseError parseOther(const Packet& packet, ParsedPacket& parsed) {
  if (packet.length == 0) return ParseError::truncated;
  const uint8_t first = packet.data[0];
  switch (first >> 4) {
    case 4:
      return packet.length < kIpv4HeaderBytes ? ParseError::truncated : parseIpv4(packet, (first & 0x0f) * 4u, parsed);
    case 6: return parseIpv6(packet, parsed);
    default: return ParseError::badVersion;
  }
}
}  // namespace

bool parsePacket(const Packet& packet, ParsedPacket& parsed) {
  const bool isPlain = packet.length >= kIpv4HeaderBytes && packet.data[0] == kPlainIpv4;
  const ParseError error = isPlain ? parseIpv4(packet, kIpv4HeaderBytes, parsed) : parseOther(packet, parsed);
  parsed.data = packet.data;
  parsed.offload = packet.offload;
  parsed.error = error;
  return error == ParseError::none && parsed.packetClass == PacketClass::flow;
}

}  // namespace tunvs
