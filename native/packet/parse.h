// Parsing turns bytes into a flow key and the rest of what the director has to know about a packet, or tells why the
// packet can't be balanced.
#pragma once

#include <span>

#include "core/flow_key.h"
#include "core/header_bytes.h"
#include "packet/packet_vector.h"

namespace tunvs {

inline constexpr uint8_t kTcpFin = 0x01, kTcpSyn = 0x02, kTcpRst = 0x04, kTcpAck = 0x10;
inline constexpr uint16_t kIpv4DontFragment = 0x4000, kIpv4MoreFragments = 0x2000, kIpv4OffsetMask = 0x1fff;

// A ParseError says why a packet was not parsed; Verdict has a value for each.
enum class ParseError : uint8_t {
  none,
  truncated,
  badVersion,
  badHeader,
  badChecksum,
  badSource,
  sourceRouted,
  ttlExpired,
  protocol,
  shortTransport,
};

// A packet is handled by its class from here on.
enum class PacketClass : uint8_t {
  flow,      // TCP, UDP or SCTP, whole: the key is complete
  icmp,      // ICMP or ICMPv6, whole
  fragment,  // of any protocol; the key's ports hold only in the first fragment of TCP, UDP and SCTP, and only if it
             // has as much of the transport header as a whole packet must have
  other,     // any other protocol, whole: the key's addresses and protocol hold
};

struct ParsedPacket {
  FlowKey key;           // its addresses hold unless there is an error
  const uint8_t* data;   // the packet's own bytes
  Offload offload;       // the packet's own
  uint32_t length;       // bytes of the IP packet: its own total length, never more than was read
  uint16_t transport;    // offset of the transport header; in a later fragment, where it would be
  uint8_t protocol;      // of the transport header
  uint8_t tcpFlags;      // 0 unless TCP
  uint8_t event;         // what changes the connection's state: TcpEvent or SctpEvent; 0 for UDP
  uint8_t trafficClass;  // TOS: DSCP and ECN
  uint8_t ttl;           // or hop limit
  bool dontFragment;     // IPv4's DF; true for IPv6, whose routers never fragment
  PacketClass packetClass;
  ParseError error = ParseError::none;
  // These hold only for the class `fragment`.
  bool moreFragments;
  uint16_t fragmentOffset;   // bytes
  uint16_t fragmentPayload;  // offset of the fragment's data, behind the IPv4 header or the IPv6 fragment header
  uint32_t identification;

  // Returns what follows the UDP header. REQUIRES: no error, protocol UDP; not a later fragment
  std::span<const uint8_t> udpPayload() const { return {data + transport + 8, length - transport - 8}; }
};

// Fills `parsed`; on an error only `error` holds. Returns true for a packet of PacketClass::flow. Reads nothing beyond
// the packet.
bool parsePacket(const Packet& packet, ParsedPacket& parsed);

// This step of parsePacket() knows IPv6; packet/parse_ipv4.h has the other.
ParseError parseIpv6(const Packet& packet, ParsedPacket& parsed);

}  // namespace tunvs
