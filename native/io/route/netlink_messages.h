// The messages of a datagram of netlink: one reader for all who take them apart.
#pragma once

#include <linux/netlink.h>

#include <algorithm>
#include <cstdint>
#include <span>

#include "core/inet.h"

namespace tunvs {

// Calls `visit(header, message)` -> true to go on, for each whole message. True when there was nothing but these and
// each went on.
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
