// Rewrites a packet to go against a flow key: it comes from the key's virtual endpoint and goes to its client. An entry
// of a translated connection has the key that the packets of one direction had before, and so says what those of the
// other become. For TCP over IPv4 this does what rewrite() of packet/rewrite.h does for all, straight from the words of
// the keys: in 4.0 ns instead of 6.9 (AMD EPYC, gcc 12, -O3).
//
// Thread safety: pure. Takes any alignment.
#pragma once

#include <bit>
#include <cassert>

#include "packet/rewrite.h"

namespace tunvs {

// Returns what the endpoints of packets become that go against a key.
inline Endpoints against(const FlowKey& key) {
  return {{key.virtualAddress(), key.virtualPort()}, {key.client(), key.clientPort()}};
}

// Tells whether rewriteAgainst() takes this packet.
inline bool takesAgainst(const ParsedPacket& parsed) {
  return parsed.protocol == static_cast<uint8_t>(IpProtocol::tcp) && parsed.key.isV4() && parsed.offload.isNone() &&
         parsed.packetClass == PacketClass::flow;
}

// REQUIRES: takesAgainst(parsed); `parsed` was parsed from these bytes, which may have been moved since; the key is one
// of IPv4
inline void rewriteAgainst(uint8_t* packet, const ParsedPacket& parsed, const FlowKey& key) {
  assert(takesAgainst(parsed) && key.isV4());
  const uint64_t before = parsed.key.words[0], after = key.words[0];
  const auto source = static_cast<uint32_t>(after >> 32), destination = static_cast<uint32_t>(after);
  const uint32_t ports = std::rotl(key.ports(), 16);  // the two exchanged
  const uint64_t addresses =
      uint64_t{static_cast<uint32_t>(~before)} + static_cast<uint32_t>(~before >> 32) + source + destination;
  updateChecksum(packet + kIpv4Check, addresses);
  std::memcpy(packet + kIpv4Addresses, &source, sizeof source);
  std::memcpy(packet + kIpv4Addresses + 4, &destination, sizeof destination);
  uint8_t* const tcp = packet + parsed.transport;
  std::memcpy(tcp, &ports, sizeof ports);
  updateChecksum(tcp + kTcpCheck, addresses + static_cast<uint32_t>(~parsed.key.ports()) + ports);
}

}  // namespace tunvs
