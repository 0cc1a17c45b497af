// From bytes to a flow key: what the director has to know about a packet, or why it can't be balanced.
#pragma once

#include <span>

#include "core/flow_key.h"
#include "packet/packet_vector.h"

namespace tunvs {

inline constexpr uint8_t kTcpFin = 0x01, kTcpSyn = 0x02, kTcpRst = 0x04, kTcpAck = 0x10;
inline constexpr size_t kIpv4HeaderBytes = 20;
inline constexpr size_t kIpv6HeaderBytes = 40;
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
  protocol,
  shortTransport,
};

// Which way a packet goes from here.
enum class PacketClass : uint8_t {
  flow,      // TCP, UDP or SCTP, whole: the key is complete
  icmp,      // ICMP or ICMPv6, whole
  fragment,  // of any protocol; the key's ports hold only in the first fragment of TCP, UDP and SCTP, and only where
             // it holds as much of the transport header as a whole packet must
  other,     // any other protocol, whole: the key's addresses and protocol hold
};

struct ParsedPacket {
  FlowKey key;           // its addresses always hold when there is no error
  const uint8_t* data;   // the packet's own bytes
  Offload offload;       // the packet's own
  uint32_t length;       // bytes of the IP packet: its own total length, never more than was read
  uint16_t transport;    // offset of the transport header; in a later fragment, where it would be
  uint8_t protocol;      // of the transport header
  uint8_t tcpFlags;      // 0 unless TCP
  uint8_t event;         // what moves the connection's state: TcpEvent or SctpEvent; 0 for UDP
  uint8_t trafficClass;  // TOS: DSCP and ECN
  uint8_t ttl;           // or hop limit
  bool dontFragment;     // IPv4's DF; true for IPv6, whose routers never fragment
  PacketClass packetClass;
  ParseError error = ParseError::none;
  // Class fragment only:
  bool moreFragments;
  uint16_t fragmentOffset;   // bytes
  uint16_t fragmentPayload;  // offset of what the fragment carries: behind the IPv4 header or the IPv6 fragment header
  uint32_t identification;

  // Behind the UDP header. REQUIRES: no error, protocol UDP; not a later fragment
  std::span<const uint8_t> udpPayload() const { return {data + transport + 8, length - transport - 8}; }
};

// Fills `parsed`; on an error only `error` holds. True for a packet of PacketClass::flow. Reads nothing beyond the
// packet.
bool parsePacket(const Packet& packet, ParsedPacket& parsed);

// The steps of it that know one family each.
ParseError parseIpv4(const Packet& packet, ParsedPacket& parsed);
ParseError parseIpv6(const Packet& packet, ParsedPacket& parsed);

}  // namespace tunvs
