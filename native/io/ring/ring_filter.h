// The classic BPF program of a ring's socket: it lets in what nft_drop.h keeps from the host, and nothing else. Those
// are packets for some prefixes that came in for this host, without a VLAN tag, which may be sent on once more, of TCP,
// UDP and ICMP, or their fragments. Of ICMPv6 the host has what never passes a router, as neighbours' solicitations.
//
// Thread safety: pure.
#pragma once

#include <linux/filter.h>

#include <span>
#include <vector>

#include "core/address_prefix.h"

namespace tunvs {

struct RingFilterOptions {
  uint32_t linkBytes = 14;  // in front of the IP header: 14 or 0
  // Before Linux 6.2 a ring comes to a halt at a datagram that is still to be cut, so it takes no UDP there.
  bool takesUdp = true;
};

// Without prefixes it lets nothing in.
std::vector<sock_filter> ringFilter(std::span<const AddressPrefix> prefixes, const RingFilterOptions& options);

// Returns as many of the prefixes, from the first on, as fit into two filters within `bytes` bytes of kernel memory: a
// new one is there before the old one goes.
std::span<const AddressPrefix> fittingRingFilter(std::span<const AddressPrefix> prefixes, size_t bytes);

}  // namespace tunvs
