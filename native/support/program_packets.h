// The packets that a director's program sends, in the terms of its bytes.
#pragma once

#include "support/raw_bytes.h"

namespace tunvs::testing {

// A client's packet to one of the services.
Bytes programFlow(uint8_t service, uint16_t client, uint8_t flags);
// One of the `pieces` of 8 bytes of a UDP datagram, the one `at`.
Bytes programPiece(uint16_t client, uint8_t number, size_t pieces, size_t at);
// A ping, or a packet to a port that nobody serves.
Bytes programAnswered(uint16_t client, size_t bytes);

}  // namespace tunvs::testing
