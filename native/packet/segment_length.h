// Tells how long a packet is on the wire.
#pragma once

#include "packet/parse.h"

namespace tunvs {

// Returns the length of the longest IP packet that the kernel or the device makes of this one: its own, or that of a
// whole segment. REQUIRES: no parse error
uint32_t segmentLength(const ParsedPacket& parsed);

}  // namespace tunvs
