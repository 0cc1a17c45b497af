// Implements the part of netlink.h that is told of changes.
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>

#include "io/netlink/netlink_socket.h"
#include "io/os/socket_buffer.h"
#include "io/route/netlink.h"

namespace tunvs {

Result<std::unique_ptr<NetlinkMonitor>> NetlinkMonitor::open() {
  constexpr uint32_t kRules = 0x80 | 0x40000;  // RTMGRP_IPV4_RULE and the bit of RTNLGRP_IPV6_RULE
  auto socket = openRtnetlink(RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | kRules);
  if (!socket) return socket.error();
  // The buffer holds what comes while nobody looks; the size is best effort.
  constexpr int kReceiveBufferBytes = 4 << 20;
  raiseReceiveBuffer(socket.value().get(), kReceiveBufferBytes);
  return std::unique_ptr<NetlinkMonitor>(new NetlinkMonitor(std::move(socket).value()));
}

bool NetlinkMonitor::drain(const NeighbourFilter& isOurs) {
  std::array<uint8_t, 8192> scratch;
  bool hasChanged = false;
  while (true) {
    const auto received =
        retryOnInterrupt([&] { return ::recv(socket_.get(), scratch.data(), scratch.size(), MSG_TRUNC); });
    if (received < 0 && errno != ENOBUFS) return hasChanged;
    // With ENOBUFS the kernel has dropped notifications, so anything may have changed. The same holds for a datagram
    // that does not fit.
    const bool isWhole = received >= 0 && static_cast<size_t>(received) <= scratch.size();
    hasChanged |= !isWhole || isNews(std::span(scratch).first(static_cast<size_t>(received)), isOurs);
  }
}

}  // namespace tunvs
