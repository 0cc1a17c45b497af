// Splits a datagram of netlink into its messages, for all who read them.
#pragma once

#include <linux/netlink.h>

#include <algorithm>
#include <cstdint>
#include <span>

#include "core/inet.h"

namespace tunvs {

// Calls `visit(header, message)` for each whole message, as long as it returns true. Returns true when the datagram
// held nothing else and every visit returned true.
template <typename Visit>
bool forEachNetlinkMessage(std::span<const uint8_t> datagram, Visit&& visit) {
  while (datagram.size() >= NLMSG_HDRLEN) {
    const auto header = loadUnaligned<nlmsghdr>(datagram.data());
    if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > datagram.size()) return false;
    if (!visit(header, datagram.first(header.nlmsg_len))) return false;
    datagram = datagram.subspan(std::min<size_t>(NLMSG_ALIGN(header.nlmsg_len), datagram.size()));
  }
  return datagram.empty();
}

}  // namespace tunvs
