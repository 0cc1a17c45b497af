// Describes an IP fragment as the fragment table sees it, and says what is wrong with one that no honest sender makes.
//
// Atomic IPv6 fragments (offset 0, nothing more to come) are whole packets (RFC 6946) and never get here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/inet.h"
#include "packet/parse.h"

namespace tunvs {

// REQUIRES: both addresses are of one family, and the values are what the packet's headers say.
struct FragmentInfo {
  IpAddress source;
  IpAddress destination;
  uint32_t identification = 0;  // IPv4: 16 bits
  // IPv4: from the header. IPv6: of a first fragment the transport protocol, of others the fragment header's Next
  // Header.
  uint8_t protocol = 0;
  // What counts towards 65,535 bytes besides the payload. IPv4: the header. IPv6: the extension headers between the
  // IPv6 header and the fragment header.
  uint16_t headerBytes = 0;
  uint16_t offsetBytes = 0;      // multiple of 8, [0, 65528]
  uint32_t payloadBytes = 0;     // behind the IPv4 header or the IPv6 fragment header
  uint16_t transportOffset = 0;  // first fragment: where in the payload the transport header begins
  bool more = false;             // the M flag

  Family family() const { return source.family; }
  bool isFirst() const { return offsetBytes == 0; }
  bool isAtomic() const { return offsetBytes == 0 && !more; }
  // Returns the bytes that a receiver takes of it. If more fragments follow, Linux trims an IPv4 payload to whole units
  // of 8 bytes, and refuses an IPv6 payload that is not a multiple of 8.
  uint32_t takenBytes() const { return more && family() == Family::ipv4 ? payloadBytes & ~7u : payloadBytes; }
  uint32_t endBytes() const { return offsetBytes + takenBytes(); }
};

// REQUIRES: parsed.packetClass == PacketClass::fragment
FragmentInfo fragmentInfoOf(const ParsedPacket& parsed);

// Why a fragment was dropped.
enum class FragmentDrop : uint8_t {
  none,
  badLength,  // no payload, or one that is no multiple of 8 though more follows (RFC 791, RFC 8200 section 4.5)
  tooLong,    // the datagram would exceed 65,535 bytes: "ping of death"
  tinyFirst,  // the transport header is cut, or a later fragment reaches into it (RFC 1858, RFC 3128, RFC 7112)
  overlap,    // with bytes that were there already (RFC 5722; for IPv4 all but exact duplicates)
  twoEnds,    // two last fragments that disagree, or bytes behind the last one
  tooMany,    // the datagram has more fragments than kMaxFragments
  duplicate,  // a copy of one that waits; the datagram lives on
  noRoom,     // nothing more can wait: the arena is full, or the datagram has used its share of it
  refused,    // the first fragment was refused: see FragmentDecision
  kCount,
};
inline constexpr size_t kFragmentDrops = static_cast<size_t>(FragmentDrop::kCount);
// In the order of the enum; these are also the counters' names.
inline constexpr std::string_view kFragmentDropNames[kFragmentDrops] = {
    "none", "badLength", "tooLong", "tinyFirst", "overlap", "twoEnds", "tooMany", "duplicate", "noRoom", "refused",
};

// Returns the least bytes of a protocol's header that the first fragment must hold for the director to decide by it.
constexpr uint32_t leastTransportBytes(uint8_t protocol) {
  switch (static_cast<IpProtocol>(protocol)) {
    case IpProtocol::tcp: return 20;
    case IpProtocol::sctp: return 16;  // the common header and the first chunk's
    case IpProtocol::udp:
    case IpProtocol::icmp:
    case IpProtocol::icmpv6: return 8;
    default: return 1;
  }
}

// Returns what one fragment alone shows to be wrong; `none` when nothing is.
FragmentDrop checkFragment(const FragmentInfo& info);

// Tells whether a receiver treats such a fragment, of which checkFragment() said `found`, as if it had not come, so
// that its datagram lives on. RFC 8200 section 4.5 and RFC 7112 have IPv6 hosts drop these alone and tell their sender.
bool isDroppedAlone(const FragmentInfo& info, FragmentDrop found);

}  // namespace tunvs
