// Opens a socket to talk to the kernel about routes, links, addresses, rules and neighbours.
#pragma once

#include <cstdint>

#include "core/result.h"
#include "io/os/unique_fd.h"

namespace tunvs {

// The socket is non-blocking and close-on-exec. `groups` are bits of the rtnetlink multicast groups that it is told of
// (RTMGRP_...).
Result<UniqueFd> openRtnetlink(uint32_t groups = 0);

}  // namespace tunvs
