// Opens a socket to talk to the kernel by netlink.
#pragma once

#include <cstdint>

#include "core/result.h"
#include "io/os/unique_fd.h"

namespace tunvs {

// About routes, links, addresses, rules, neighbours and TC. The socket is non-blocking and close-on-exec. `groups` are
// bits of the rtnetlink multicast groups that it is told of (RTMGRP_...).
Result<UniqueFd> openRtnetlink(uint32_t groups = 0);
// About nftables; as above.
Result<UniqueFd> openNetfilter();

}  // namespace tunvs
