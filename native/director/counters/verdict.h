// What became of a packet. Every packet gets exactly one verdict, and every verdict is counted:
//
//   received = forwarded + the sum of all other verdicts          (tested in director_test.cc)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
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

// What became of it, roughly.
enum class VerdictKind : uint8_t { sent, answered, kept, dropped };
inline constexpr std::string_view kVerdictKindNames[] = {"sent", "answered", "kept", "dropped"};

struct VerdictInfo {
  std::string_view name;  // the counter's as well
  VerdictKind kind;
  std::string_view sentence;  // why, without a stop
};

// In the order of the enum.
inline constexpr VerdictInfo kVerdictInfos[] = {
    {"forwarded", VerdictKind::sent, "it goes to a real server"},
    {"answeredEcho", VerdictKind::answered, "it is an echo request for a virtual address"},
    {"answeredTooBig", VerdictKind::answered,
     "it is too long for the path to its real server, and the client is told the MTU"},
    {"relayedIcmp", VerdictKind::sent,
     "it is an ICMP error about a reply, for the real server that had sent the reply"},
    {"recreatedIcmp", VerdictKind::answered,
     "it is an ICMP error about a tunnel packet, and the client is told about its own packet"},
    {"consumedIcmp", VerdictKind::kept,
     "it is an ICMP error about a tunnel packet that is nobody else's business; an MTU that it reports is noted if it "
     "is believed"},
    {"waitingFragment", VerdictKind::kept, "it waits for its datagram's first fragment, which decides"},
    {"parked", VerdictKind::kept, "it is of a new connection, and waits for the answer of the service's policy"},
    {"dropTruncated", VerdictKind::dropped, "it is shorter than its IP header, or than its IP header says"},
    {"dropBadVersion", VerdictKind::dropped, "its IP version is neither 4 nor 6"},
    {"dropBadHeader", VerdictKind::dropped, "the lengths in its IP header cannot be true"},
    {"dropBadChecksum", VerdictKind::dropped, "the checksum of its IPv4 header is wrong"},
    {"dropBadSource", VerdictKind::dropped, "no client can have its source address"},
    {"dropSourceRouted", VerdictKind::dropped, "it carries a source-route option"},
    {"dropTtlExpired", VerdictKind::dropped, "its TTL is 0"},
    {"dropFragment", VerdictKind::dropped,
     "it is a fragment that overlaps, is too small or waited too long, of a ping or a protocol that is not balanced, "
     "or of a datagram that was dropped"},
    {"dropProtocol", VerdictKind::dropped, "its protocol is not balanced; the client is told so"},
    {"dropIcmp", VerdictKind::dropped,
     "it is ICMP that is broken, of a kind that is not handled or answered, or about none of the connections"},
    {"dropShortTransport", VerdictKind::dropped, "it is too short for its TCP, UDP or SCTP header"},
    {"dropNoService", VerdictKind::dropped, "there is no virtual service for it"},
    {"dropNotScheduled", VerdictKind::dropped, "it belongs to no connection and may not begin one"},
    {"dropNoCallId", VerdictKind::dropped, "its service goes by the Call-ID, and it has none"},
    {"dropDefence", VerdictKind::dropped, "it would open a connection, and the defence drop_packet is on"},
    {"dropNoServer", VerdictKind::dropped, "no real server may take a connection"},
    {"dropServerGone", VerdictKind::dropped, "its connection's real server was removed"},
    {"dropNoSource", VerdictKind::dropped, "the director has no source address of the real server's family"},
    {"dropTableFull", VerdictKind::dropped, "the connection table is full, and nothing in it may give way"},
    {"dropTooLong", VerdictKind::dropped, "it is too long for a tunnel packet or for the path to its real server"},
    {"dropParkingFull", VerdictKind::dropped,
     "its connection waits for a policy's answer, and nothing more can wait behind it"},
};
static_assert(std::size(kVerdictInfos) == kVerdicts);

inline constexpr auto kVerdictNames = [] {
  std::array<std::string_view, kVerdicts> names;
  for (size_t i = 0; i < kVerdicts; i++) names[i] = kVerdictInfos[i].name;
  return names;
}();

}  // namespace tunvs
