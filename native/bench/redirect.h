// Has the kernel send on what comes in by a device for one address, by another device, with nothing done to it: what
// packets cost a way of two links at the least, which a benchmark takes off.
//
// Thread safety: one control thread.
#pragma once

#include <string>

#include "core/inet.h"
#include "core/result.h"
#include "io/tc/tc_attachment.h"

namespace tunvs::bench {

// It ends with what it returns. REQUIRES: `address` is IPv4, and both devices are Ethernet's
Result<TcAttachment> redirect(const std::string& from, const std::string& to, const IpAddress& address);

}  // namespace tunvs::bench
