// What became of a packet. Every packet gets exactly one verdict, and every verdict is counted:
//
//   received = forwarded + the sum of all other verdicts          (tested in director_test.cc)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tunvs {

enum class Verdict : uint8_t {
  forwarded,           // sent to its connection's real server
  answeredEcho,        // an echo request for a virtual address
  answeredTooBig,      // too long for the path to its real server: the client was told the MTU
  relayedIcmp,         // an ICMP error about a reply: sent to the real server that had sent the reply
  recreatedIcmp,       // an ICMP error about a tunnel packet: told to the client in its own terms
  consumedIcmp,        // an ICMP error about a tunnel packet that is nobody else's business; its MTU was noted
  waitingFragment,     // came before its datagram's first fragment, which decides
  parked,              // of a new connection that a policy is asked about
  dropTruncated,       // shorter than its IP header, or than its IP header says
  dropBadVersion,      // the IP version is neither 4 nor 6
  dropBadHeader,       // IHL below 5 or beyond the packet, or a total length that is below the header's
  dropBadChecksum,     // the IPv4 header's checksum is wrong
  dropBadSource,       // a source that no client can have: unspecified, loopback, multicast, broadcast, the VIP itself
  dropSourceRouted,    // carries a source-route option (RFC 7126 says to drop these)
  dropTtlExpired,      // TTL 0
  dropFragment,        // overlaps, is too small, waited too long, or belongs to a datagram that was dropped
  dropProtocol,        // a protocol that is not balanced
  dropIcmp,            // ICMP that is about none of our connections, is malformed, or of a kind that is not handled
  dropShortTransport,  // too short for its TCP or UDP header
  dropNoService,       // no virtual service at this address, protocol and port
  dropNotScheduled,    // belongs to no connection and may not begin one (TCP without SYN, or with RST)
  dropNoCallId,        // its service is persistent by Call-ID, and it has none
  dropDefence,         // would have opened a connection, and drop_packet is on
  dropNoServer,        // the service has no real server that may take a connection
  dropServerGone,      // its connection's real server was removed
  dropNoSource,        // the director has no address of the real server's family
  dropTableFull,       // no room for a connection, and none could be evicted
  dropTooLong,         // with the outer header it would exceed 65,535 bytes
  dropParkingFull,     // its connection waits for a policy's answer, and there is no room to wait behind it
  kCount,
};
inline constexpr size_t kVerdicts = static_cast<size_t>(Verdict::kCount);

// In the order of the enum; also the counters' names.
inline constexpr std::string_view kVerdictNames[kVerdicts] = {
    "forwarded",        "answeredEcho",    "answeredTooBig", "relayedIcmp",        "recreatedIcmp",
    "consumedIcmp",     "waitingFragment", "parked",         "dropTruncated",      "dropBadVersion",
    "dropBadHeader",    "dropBadChecksum", "dropBadSource",  "dropSourceRouted",   "dropTtlExpired",
    "dropFragment",     "dropProtocol",    "dropIcmp",       "dropShortTransport", "dropNoService",
    "dropNotScheduled", "dropNoCallId",    "dropDefence",    "dropNoServer",       "dropServerGone",
    "dropNoSource",     "dropTableFull",   "dropTooLong",    "dropParkingFull",
};

}  // namespace tunvs
