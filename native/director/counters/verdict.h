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

// Each line gives a verdict's name, which is its counter's, too; roughly what became of the packet; and why, as a
// sentence without its full stop.
// clang-format off
#define TUNVS_VERDICTS(VERDICT) \
  VERDICT(forwarded, sent, "it goes to a real server") \
  VERDICT(pinned, sent, "it belongs to a flow that a health check has pinned to a real server") \
  VERDICT(returned, sent, "it is a real server's reply, and goes to the client in the virtual service's name") \
  VERDICT(passedOn, sent, "it came with replies of real servers, is for no virtual address and none of them, and goes on as it is") \
  VERDICT(answeredEcho, answered, "it is an echo request for a virtual address") \
  VERDICT(answeredTooBig, answered, "it is too long for the path to its real server, and the client is told the MTU") \
  VERDICT(relayedIcmp, sent, "it is an ICMP error about a reply, for the real server that had sent it, or about a rewritten packet, for its client") \
  VERDICT(recreatedIcmp, answered, "it is an ICMP error about a tunnel packet, and the client is told about its own packet") \
  VERDICT(consumedIcmp, kept, "it is an ICMP error about a tunnel packet, and concerns nobody else; an MTU that it reports is noted if it is believed") \
  VERDICT(waitingFragment, kept, "it waits for its datagram's first fragment, which decides") \
  VERDICT(parked, kept, "it belongs to a new connection, and waits for the answer of the service's policy") \
  VERDICT(dropTruncated, dropped, "it is shorter than its IP header, or than its IP header says") \
  VERDICT(dropBadVersion, dropped, "its IP version is neither 4 nor 6") \
  VERDICT(dropBadHeader, dropped, "the lengths in its IP header cannot be true") \
  VERDICT(dropBadChecksum, dropped, "the checksum of its IPv4 header is wrong, or one that it leaves unfinished is not in its transport header") \
  VERDICT(dropBadSource, dropped, "no client can have its source address, or it has a pinned flow and is not from this host") \
  VERDICT(dropSourceRouted, dropped, "it carries a source-route option") \
  VERDICT(dropTtlExpired, dropped, "its TTL is 0") \
  VERDICT(dropFragment, dropped, "it is a fragment that overlaps, is too small or waited too long, of a ping or a protocol that is not balanced, or of a datagram that was dropped") \
  VERDICT(dropProtocol, dropped, "its protocol is not balanced; the client is told so") \
  VERDICT(dropIcmp, dropped, "it is ICMP that is broken, of a kind that is not handled or answered, or about no known connection") \
  VERDICT(dropShortTransport, dropped, "it is too short for its TCP, UDP or SCTP header") \
  VERDICT(dropNoService, dropped, "there is no virtual service for it") \
  VERDICT(dropNotScheduled, dropped, "it belongs to no connection and may not begin one") \
  VERDICT(dropNoCallId, dropped, "its service goes by the Call-ID, and it has none") \
  VERDICT(dropDefence, dropped, "it would open a connection, and the defence drop_packet is on") \
  VERDICT(dropNoServer, dropped, "no real server may take a connection") \
  VERDICT(dropUnmatchedReply, dropped, "it comes from a real server's service, and belongs to no connection; it would show the server's address to the client") \
  VERDICT(dropServerGone, dropped, "its connection's real server was removed") \
  VERDICT(dropServerDown, dropped, "its connection's real server is down") \
  VERDICT(dropConnectionReset, dropped, "its connection's real server is down, and the client is sent a reset") \
  VERDICT(dropNoSource, dropped, "the director has no source address of the real server's family") \
  VERDICT(dropTableFull, dropped, "the connection table is full, and nothing in it may give way") \
  VERDICT(dropNoPort, dropped, "every address and port that full NAT may give to it is in use towards its real server") \
  VERDICT(dropForged, dropped, "its real server is told the client's address within the connection, and it could tell another one") \
  VERDICT(dropTooLong, dropped, "it is too long for a tunnel packet or for the path to its real server") \
  VERDICT(dropParkingFull, dropped, "its connection waits for a policy's answer, and nothing more can wait behind it") \
  VERDICT(dropBackup, dropped, "the director is a backup of connection sync, and the sysctl backup_only is on")
// clang-format on

enum class VerdictKind : uint8_t { sent, answered, kept, dropped };
inline constexpr std::string_view kVerdictKindNames[] = {"sent", "answered", "kept", "dropped"};

#define TUNVS_NAME(name, kind, sentence) name,
enum class Verdict : uint8_t { TUNVS_VERDICTS(TUNVS_NAME) kCount };
#undef TUNVS_NAME
inline constexpr size_t kVerdicts = static_cast<size_t>(Verdict::kCount);

struct VerdictInfo {
  std::string_view name;
  VerdictKind kind;
  std::string_view sentence;
};

// In the order of the enum.
#define TUNVS_INFO(name, kind, sentence) {#name, VerdictKind::kind, sentence},
inline constexpr VerdictInfo kVerdictInfos[] = {TUNVS_VERDICTS(TUNVS_INFO)};
#undef TUNVS_INFO

inline constexpr auto kVerdictNames = [] {
  std::array<std::string_view, kVerdicts> names;
  for (size_t i = 0; i < kVerdicts; i++) names[i] = kVerdictInfos[i].name;
  return names;
}();

}  // namespace tunvs
