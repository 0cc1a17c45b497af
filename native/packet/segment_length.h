// How long a packet is on the wire.
#pragma once

#include "packet/parse.h"

namespace tunvs {

// Bytes of the longest IP packet that the kernel or the device makes of it: its own length, or that of a whole segment.
// REQUIRES: no parse error
uint32_t segmentLength(const ParsedPacket& parsed);

}  // namespace tunvs
