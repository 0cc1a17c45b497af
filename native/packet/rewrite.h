// Puts other endpoints into a packet's own headers, as network address translation does.
//
// Checksums are updated by the difference (RFC 1624), never computed: a right one stays right, and a wrong one stays
// wrong by the same amount, so that whoever receives the packet still finds out. The only exception is a whole UDP
// packet that has no checksum, which gets one, as Linux's IPVS does it. Nothing else of a packet changes.
//
// Neither UDP's length nor TCP's data offset is looked at, so it does not matter whether they lie.
//
// Thread safety: pure. Takes any alignment.
#pragma once

#include <cstring>

#include "packet/checksum.h"
#include "packet/parse.h"

namespace tunvs {

// Where the fields that change lie in an IP header, and the checksum in a TCP header.
inline constexpr size_t kIpv4Check = 10, kIpv4Addresses = 12, kIpv6Addresses = 8, kTcpCheck = 16;

struct Endpoint {
  IpAddress address;
  Be16 port;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// What the endpoints of a packet are, or become.
struct Endpoints {
  Endpoint source, destination;
  friend bool operator==(const Endpoints&, const Endpoints&) = default;
};

// Tells whether rewrite() takes this packet. It does not take
//  - what is not TCP, UDP or SCTP, or is a later fragment, or a first one that is too short for its ports to be known;
//  - the first fragment of SCTP if ports change: the checksum covers them, and how far they lie from the end of the
//    datagram is unknown;
//  - an unfinished checksum (packet/offload.h) that is not the one in the packet's own transport header.
// REQUIRES: no parse error
bool canRewrite(const ParsedPacket& parsed, const Endpoints& to);

// Rewrites a whole TCP, UDP or SCTP packet, or the first fragment of one. `parsed` goes on saying what the packet was.
// REQUIRES: `parsed` was parsed from these bytes, which may have been moved since; canRewrite(parsed, to); `to` has the
// packet's family
void rewrite(uint8_t* packet, const ParsedPacket& parsed, const Endpoints& to);

// Rewrites a later fragment, or whatever else has no ports. A transport checksum is not looked at. REQUIRES:
// `parsed` was parsed from these bytes without error; the addresses have the packet's family
void rewriteAddresses(uint8_t* packet, const ParsedPacket& parsed, const IpAddress& source,
                      const IpAddress& destination);

// Returns `check` after what it covers changed by `difference`, the sum of what is there now and of the complement of
// what was there before. A result that stands for zero is 0, never 0xffff. REQUIRES: difference in [1, 2^48)
inline Be16 checksumChange(Be16 check, uint64_t difference) {
  return {static_cast<uint16_t>(~foldBySwapping(difference + static_cast<uint16_t>(~check.raw)))};
}

// Updates a checksum where it lies.
inline void updateChecksum(uint8_t* field, uint64_t difference) {
  const Be16 check = checksumChange(loadUnaligned<Be16>(field), difference);
  std::memcpy(field, &check, sizeof check);
}

}  // namespace tunvs
