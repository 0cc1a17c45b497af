// From bytes to a flow key: what the director has to know about a packet, or why it can't be balanced.
#pragma once

#include "core/flow_key.h"
#include "core/packet_vector.h"

namespace tunvs {

inline constexpr uint8_t kTcpFin = 0x01, kTcpSyn = 0x02, kTcpRst = 0x04, kTcpAck = 0x10;
inline constexpr size_t kIpv4HeaderBytes = 20;
inline constexpr uint16_t kIpv4DontFragment = 0x4000, kIpv4MoreFragments = 0x2000, kIpv4OffsetMask = 0x1fff;

// Why a packet was not parsed; Verdict has one for each.
enum class ParseError : uint8_t {
  none,
  truncated,
  badVersion,
  badHeader,
  badChecksum,
  badSource,
  sourceRouted,
  ttlExpired,
  fragment,
  protocol,
  shortTransport,
};

struct ParsedPacket {
  FlowKey key;
  uint32_t length = 0;        // bytes of the IP packet: its own total length, never more than was read
  uint16_t transport = 0;     // offset of the transport header
  uint8_t tcpFlags = 0;       // 0 for UDP
  uint8_t trafficClass = 0;   // TOS: DSCP and ECN
  uint8_t ttl = 0;
  bool dontFragment = false;
  ParseError error = ParseError::none;
};

// Fills `parsed`; on an error only `error` and, where it is known, `length` hold. Reads nothing beyond the packet.
void parsePacket(const Packet& packet, ParsedPacket& parsed);

}  // namespace tunvs
