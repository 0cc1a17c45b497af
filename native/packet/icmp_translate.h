// Translates an ICMP error of one IP version into the other's: a client that speaks IPv6 through a tunnel over IPv4
// (6in4), or IPv4 over IPv6 (4in6), does not understand the tunnel's own ICMP.
//
// Where RFC 7915 (translators) and RFC 2473 section 8 (tunnels) differ, the tunnel's view wins: a route or a host
// missing inside the tunnel is an address that can't be reached.
#pragma once

#include <optional>

#include "core/inet.h"

namespace tunvs {

struct IcmpKind {
  uint8_t type = 0;
  uint8_t code = 0;
  friend bool operator==(IcmpKind, IcmpKind) = default;
};

// Returns nullopt for an error without a counterpart, which is dropped, and `kind` itself if the families are the same.
std::optional<IcmpKind> translateIcmpError(IcmpKind kind, Family from, Family to);

}  // namespace tunvs
