// An ICMP error of one IP version as the other version says it: a client that speaks IPv6 through a tunnel over IPv4
// (6in4), or IPv4 over IPv6 (4in6), can't be told in the tunnel's words.
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

// nullopt for an error without a counterpart, which is dropped. The same family: `kind` itself.
std::optional<IcmpKind> translateIcmpError(IcmpKind kind, Family from, Family to);

}  // namespace tunvs
