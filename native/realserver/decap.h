// Takes the inner packet out of a tunnel packet, as a real server of LVS/TUN has to.
//
// Thread safety: pure; DecapRules is read-only once made.
// Agrees with what Linux's own tunl0 does (test/golden/decap.json), but for two differences on purpose:
//  1. Only configured directors may be the outer source: tunl0 takes packets from anybody, which lets anybody behind
//  any filter in.
//  2. Only virtual addresses may be the inner destination: tunl0 takes the server's own addresses too.
// Outer fragments: the kernel puts them together before a socket sees them.
#pragma once

#include <span>
#include <vector>

#include "core/address_prefix.h"
#include "core/result.h"
#include "realserver/encapsulation.h"

namespace tunvs {

class DecapRules {
 public:
  // `directors`: a director may use any address of a range, for spreading. An Error names an address that is not
  // unicast, or an empty list.
  static Result<DecapRules> make(std::span<const AddressPrefix> directors, std::span<const IpAddress> virtualAddresses);

  bool isDirector(const IpAddress& address) const;
  bool isVirtualAddress(const IpAddress& address) const;
  // Whether there is an address of this family at all.
  bool hasDirector(Family family) const;
  bool hasVirtualAddress(Family family) const;

 private:
  std::vector<AddressPrefix> directors_;
  std::vector<IpAddress> virtualAddresses_;  // sorted
};

// A tunnel packet without its outer headers, and what is needed of them.
struct TunnelPayload {
  IpAddress source;  // outer
  uint8_t ecn = 0;   // outer, [0, 3]
  std::span<uint8_t> bytes;
};

struct Decapsulated {
  DecapVerdict verdict;
  Family family = Family::ipv4;  // of `inner`
  std::span<uint8_t> inner{};    // within the input; empty unless accepted
};

// May change the inner packet: its ECN bits (RFC 6040 section 4.2), the checksum that GUE's sender left to us, and the
// TCP checksum of a packet that the network card or its driver put together from several (GRO), which leaves it
// unfinished.
Decapsulated decapsulate(const TunnelPayload& payload, const Encapsulation& encapsulation, const DecapRules& rules);

// The same for a packet that begins with its outer IPv4 header, as a raw socket gives it.
Decapsulated decapsulateIpv4(std::span<uint8_t> packet, const Encapsulation& encapsulation, const DecapRules& rules);

}  // namespace tunvs
