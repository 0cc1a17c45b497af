// Writes the TCP reset with which a host answers a segment that belongs to no connection and no listener.
//
// Thread safety: pure.
#pragma once

#include <span>

#include "packet/transport_checksum.h"

namespace tunvs {

inline constexpr size_t kTcpResetMaxBytes = 60;  // IPv6; 40 for IPv4

// Writes the reset to `segment`, a whole IPv4 or IPv6 packet (RFC 9293 section 3.10.7.1). Its sequence number is the
// acknowledged one when the segment has one; otherwise it acknowledges all of the segment. DSCP is the segment's, ECN
// is clear, TTL is 64, DF is set, and the flow label is 0. Returns its bytes; 0 with `out` untouched when it does not
// fit or when none is due: for a reset, a wrong checksum (unless trusted), a fragment, an inconsistent header, or an
// address that is not a single host's. `out` may overlap `segment`.
size_t writeTcpReset(std::span<uint8_t> out, std::span<const uint8_t> segment,
                     ChecksumTrust trust = ChecksumTrust::none);

}  // namespace tunvs
