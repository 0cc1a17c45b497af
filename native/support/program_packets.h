// Makes the packets that a director's program sends, in the terms of its bytes.
#pragma once

#include "support/raw_bytes.h"

namespace tunvs::testing {

// Makes a client's packet to one of the services.
Bytes programFlow(uint8_t service, uint16_t client, uint8_t flags);
// Makes the piece `at` of a UDP datagram of `pieces` pieces of 8 bytes.
Bytes programPiece(uint16_t client, uint8_t number, size_t pieces, size_t at);
// Makes a ping, or a packet to a port that nobody serves.
Bytes programAnswered(uint16_t client, size_t bytes);

}  // namespace tunvs::testing
