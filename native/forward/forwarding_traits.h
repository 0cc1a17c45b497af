// ForwardingTraits say what a forwarding method does and what callers need to know of it. Each method's file defines
// its own, as forwarding::NAME; code that treats methods differently asks for a trait, not for a method.
//
// Thread safety: pure.
#pragma once

#include "forward/forwarding_method.h"
#include "forward/outer_header.h"
#include "packet/outer_quote.h"

namespace tunvs {

// A packet leaves for its real server in one of these ways.
enum class Delivery : uint8_t {
  tunnel,   // behind an outer header, by a route
  link,     // as it is, in a frame to a server on the same link
  host,     // as it is, to this host's own stack
  rewrite,  // with other addresses or ports in its own header, by a route
};

struct ForwardingTraits {
  Delivery delivery;
  bool needsSource;   // the packet leaves with an address of the director's: a family without one reaches no server
  bool keepsPorts;    // the server gets the packet's own port
  bool hasPort;       // the tunnel itself uses a port of the server's
  bool takesSource;   // packets leave as if the director were their client (full NAT)
  uint8_t checksums;  // the TunnelChecksums that it knows, as bits: 1 << TunnelChecksum
  // Returns how many bytes go in front of the packet; `isUnfinished` is as in overhead().
  size_t (*overhead)(const TunnelOptions& options, Family outer, bool isUnfinished);
  OuterHeader (*makeHeader)(const TunnelOptions& options, Family inner, const IpAddress& source,
                            const IpAddress& server);
  Packet (*encapsulate)(const OuterHeader& outer, uint8_t* inner, const EncapInput& in);
  // Returns true when a quoted outer packet has the form that this method gives it. Null for a method that makes no
  // outer packets.
  bool (*hasForm)(const TunnelOptions& options, const StrippedOuter& outer);

  constexpr bool isTunnel() const { return delivery == Delivery::tunnel; }
  // Returns true when packets get other addresses and ports in their own headers, in both directions.
  constexpr bool rewrites() const { return delivery == Delivery::rewrite; }
  // Returns true when the path to the server has an MTU.
  constexpr bool hasPath() const { return delivery != Delivery::host; }
  constexpr bool knows(TunnelChecksum checksum) const { return (checksums >> static_cast<int>(checksum) & 1) != 0; }
};

constexpr uint8_t checksumBits(std::initializer_list<TunnelChecksum> checksums) {
  unsigned bits = 0;
  for (const TunnelChecksum checksum : checksums) bits |= 1u << static_cast<unsigned>(checksum);
  return static_cast<uint8_t>(bits);
}

// These are for a method that changes nothing of a packet and puts nothing in front of it.
size_t noOverhead(const TunnelOptions& options, Family outer, bool isUnfinished);
Packet asItIs(const OuterHeader& outer, uint8_t* inner, const EncapInput& in);
template <ForwardingMethod kMethod>
OuterHeader emptyHeader(const TunnelOptions&, Family inner, const IpAddress&, const IpAddress&) {
  OuterHeader outer;
  outer.method = kMethod;
  outer.inner = inner;
  return outer;
}

template <ForwardingMethod kMethod>
constexpr ForwardingTraits untouched(Delivery delivery, bool keepsPorts = true, bool takesSource = false) {
  return {
      .delivery = delivery,
      .needsSource = false,
      .keepsPorts = keepsPorts,
      .hasPort = false,
      .takesSource = takesSource,
      .checksums = checksumBits({TunnelChecksum::none}),
      .overhead = noOverhead,
      .makeHeader = emptyHeader<kMethod>,
      .encapsulate = asItIs,
      .hasForm = nullptr,
  };
}

namespace forwarding {
#define TUNVS_TRAITS(name) extern const ForwardingTraits name;
TUNVS_FORWARDING_METHODS(TUNVS_TRAITS)
#undef TUNVS_TRAITS
}  // namespace forwarding

const ForwardingTraits& traitsOf(ForwardingMethod method);

}  // namespace tunvs
