// Takes the inner packet out of a tunnel packet, as a real server of LVS/TUN has to.
//
// Thread safety: pure; DecapRules is read-only once made.
//
// It agrees with Linux's own tunl0 (test/golden/decap.json), except for two differences on purpose:
//  1. Only configured directors may be the outer source. tunl0 takes packets from anybody, and so lets anybody in
//  behind any filter.
//  2. Only virtual addresses may be the inner destination. tunl0 takes the server's own addresses, too.
//
// The kernel reassembles outer fragments before a socket sees them.
#pragma once

#include <span>
#include <vector>

#include "core/address_prefix.h"
#include "core/result.h"
#include "realserver/encapsulation.h"

namespace tunvs {

class DecapRules {
 public:
  // `directors` may be ranges: a director may use any address of one, for spreading. Fails if an address is not
  // unicast, or a list is empty, and names it.
  static Result<DecapRules> make(std::span<const AddressPrefix> directors, std::span<const IpAddress> virtualAddresses);

  bool isDirector(const IpAddress& address) const;
  bool isVirtualAddress(const IpAddress& address) const;
  // Tells whether there is any address of this family.
  bool hasDirector(Family family) const;
  bool hasVirtualAddress(Family family) const;
  std::span<const IpAddress> virtualAddresses() const { return virtualAddresses_; }

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
// TCP or UDP checksum that the sender's host, or who merged several packets (GRO), has left unfinished.
Decapsulated decapsulate(const TunnelPayload& payload, const Encapsulation& encapsulation, const DecapRules& rules);

// Does the same for a packet that begins with its outer IPv4 header, as a raw socket gives it.
Decapsulated decapsulateIpv4(std::span<uint8_t> packet, const Encapsulation& encapsulation, const DecapRules& rules);

}  // namespace tunvs
