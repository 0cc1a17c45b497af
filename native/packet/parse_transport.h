// Parses the transport header. It is inlined into both families' parsers, because every packet passes it.
#pragma once

#include "packet/parse.h"
#include "packet/transport_event.h"

namespace tunvs {

inline constexpr size_t kSctpHeaderBytes = 12 + 4;  // the common header and the first chunk's

// Reads ports, flags and event of TCP, UDP and SCTP, and settles the class of a whole packet. REQUIRES: `length`,
// `transport`, `protocol` and the key's addresses are set.
inline ParseError parseTransport(const uint8_t* packet, ParsedPacket& parsed) {
  const size_t bytes = parsed.length - parsed.transport;
  const uint8_t* transport = packet + parsed.transport;
  parsed.packetClass = PacketClass::flow;
  parsed.tcpFlags = 0;
  parsed.event = 0;
  if (parsed.protocol == static_cast<uint8_t>(IpProtocol::tcp)) [[likely]] {
    if (bytes < kTcpHeaderBytes) return ParseError::shortTransport;
    parsed.tcpFlags = transport[13];
    parsed.event = static_cast<uint8_t>(tcpEventOf(parsed.tcpFlags));
    parsed.key.tail = FlowKey::makeTail(loadUnaligned<uint32_t>(transport), static_cast<uint8_t>(IpProtocol::tcp),
                                        FlowKind::connection);
    return ParseError::none;
  }
  switch (static_cast<IpProtocol>(parsed.protocol)) {
    case IpProtocol::udp:
      if (bytes < kUdpHeaderBytes) return ParseError::shortTransport;
      break;
    case IpProtocol::sctp:
      if (bytes < kSctpHeaderBytes) return ParseError::shortTransport;
      parsed.event = static_cast<uint8_t>(sctpEventOf({transport, bytes}));
      break;
    default: {
      const bool isIcmp =
          parsed.protocol == static_cast<uint8_t>(parsed.key.isV4() ? IpProtocol::icmp : IpProtocol::icmpv6);
      parsed.packetClass = isIcmp ? PacketClass::icmp : PacketClass::other;
      parsed.key.tail = FlowKey::makeTail(0, parsed.protocol, FlowKind::connection);
      return ParseError::none;
    }
  }
  parsed.key.tail = FlowKey::makeTail(loadUnaligned<uint32_t>(transport), parsed.protocol, FlowKind::connection);
  return ParseError::none;
}

}  // namespace tunvs
