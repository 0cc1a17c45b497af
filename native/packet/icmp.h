// Reads an ICMP or ICMPv6 message, and has the numbers that both reading and writing need.
//
// Thread safety: pure.
#pragma once

#include <optional>
#include <span>

#include "core/inet.h"

namespace tunvs {

inline constexpr size_t kIcmpHeaderBytes = 8;

// ICMP types (RFC 792) and the codes of "destination unreachable" (RFC 792, 1122, 1812).
namespace icmp4 {
inline constexpr uint8_t kEchoReply = 0, kUnreachable = 3, kSourceQuench = 4, kRedirect = 5, kEchoRequest = 8,
                         kTimeExceeded = 11, kParameterProblem = 12;
inline constexpr uint8_t kNetUnreachable = 0, kHostUnreachable = 1, kProtocolUnreachable = 2, kPortUnreachable = 3,
                         kFragmentationNeeded = 4, kHostProhibited = 10, kAdminProhibited = 13;
}  // namespace icmp4

// ICMPv6 types and codes (RFC 4443). Types below kFirstInformational are errors.
namespace icmp6 {
inline constexpr uint8_t kUnreachable = 1, kPacketTooBig = 2, kTimeExceeded = 3, kParameterProblem = 4,
                         kFirstInformational = 128, kEchoRequest = 128, kEchoReply = 129, kRedirect = 137;
inline constexpr uint8_t kNoRoute = 0, kAdminProhibited = 1, kAddressUnreachable = 3, kPortUnreachable = 4;
inline constexpr uint8_t kErroneousField = 0, kUnknownNextHeader = 1, kIncompleteChain = 3;  // parameter problems
}  // namespace icmp6

struct IcmpMessage {
  Family family = Family::ipv4;
  uint8_t type = 0;
  uint8_t code = 0;
  bool checksumIsRight = false;
  bool isError = false;         // the message is about a packet, which it quotes
  bool isHandledError = false;  // IPVS acts on it: v4 3, 4 and 11, v6 all; a host ignores or logs the other errors
  bool isTooBig = false;        // "fragmentation needed" or "packet too big"
  uint32_t mtu = 0;             // bytes; 0 when the router gave none (before RFC 1191) or when isTooBig is false
  std::span<const uint8_t> quoted{};  // of an error: as much of the packet as is quoted, without RFC 4884 extensions
};

// Reads `message`, from the ICMP header to the end of the packet; nullopt when it is shorter than an ICMP header.
// REQUIRES: source.family == destination.family, the one whose ICMP this is.
std::optional<IcmpMessage> readIcmp(const IpAddress& source, const IpAddress& destination,
                                    std::span<const uint8_t> message);

}  // namespace tunvs
