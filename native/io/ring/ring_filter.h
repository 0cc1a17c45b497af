// The classic BPF program of a ring's socket: it lets in what nft_drop.h keeps from the host, and nothing else. Those
// are IP packets for some prefixes that came in for this host, without a VLAN tag, which may be sent on once more.
//
// Thread safety: pure.
#pragma once

#include <linux/filter.h>

#include <span>
#include <vector>

#include "core/address_prefix.h"

namespace tunvs {

// Without prefixes it lets nothing in.
std::vector<sock_filter> ringFilter(std::span<const AddressPrefix> prefixes);

// Returns as many of the prefixes, from the first on, as a filter has room for: some 500 of IPv4, or 200
// of IPv6.
std::span<const AddressPrefix> fittingRingFilter(std::span<const AddressPrefix> prefixes);

}  // namespace tunvs
