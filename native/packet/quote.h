// Reads a packet that an ICMP error quotes: only its beginning is there, and nobody vouches for it.
//
// A whole packet is a quote that lacks nothing, so the answers (answer_icmp4.h and others) read what they answer with
// the same code.
//
// Thread safety: pure.
#pragma once

#include <optional>
#include <span>

#include "core/flow_key.h"

namespace tunvs {

inline constexpr size_t kMaxExtensionHeaders = 8;  // RFC 8504 section 5.3 lets a host give up here

// Invariant: headerBytes <= quotedBytes <= totalBytes.
struct Quote {
  IpAddress source;
  IpAddress destination;
  uint8_t protocol = 0;       // IPv6: what follows the extension headers
  uint8_t trafficClass = 0;   // TOS: DSCP and ECN
  bool dontFragment = false;  // always true for IPv6, whose routers do not fragment
  bool moreFragments = false;
  bool hasPorts = false;        // TCP, UDP or SCTP, not a later fragment, and the four bytes are there
  Be16 sourcePort;              // REQUIRES: hasPorts
  Be16 destinationPort;         // REQUIRES: hasPorts
  uint32_t fragmentOffset = 0;  // bytes
  uint32_t headerBytes = 0;     // IP header with options or extension headers; the transport header begins behind it
  uint32_t quotedBytes = 0;     // of the packet, without padding and whatever else follows it
  uint32_t totalBytes = 0;      // what its IP header says

  Family family() const { return source.family; }
  bool isFragment() const { return moreFragments || fragmentOffset != 0; }
  bool isWhole() const { return quotedBytes == totalBytes; }
};

// Returns nullopt when the quote ends within the IP header or its extension headers, when the header is inconsistent,
// or when there are more than kMaxExtensionHeaders. Checksums are not looked at, as a router may have changed the TTL.
std::optional<Quote> readQuote(std::span<const uint8_t> bytes);

// The quoted packet went one of these ways.
enum class QuotedDirection : uint8_t {
  toVirtual,  // client to VIP: the error comes from the tunnel's side
  toClient,   // VIP to client: the error comes from the client's side
};

// Returns the key of the connection that a quoted packet belongs to, as the client's own packets name it. REQUIRES:
// quote.hasPorts.
FlowKey flowKeyOf(const Quote& quote, QuotedDirection direction);

}  // namespace tunvs
