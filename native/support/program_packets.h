// Makes the packets that a director's program sends, in the terms of its bytes.
#pragma once

#include "support/raw_bytes.h"

namespace tunvs::testing {

// Makes a client's packet to one of the services.
Bytes programFlow(uint8_t service, uint16_t client, uint8_t flags);
// Makes the piece `at` of a UDP datagram of `pieces` pieces of 8 bytes.
Bytes programPiece(uint16_t client, uint8_t number, size_t pieces, size_t at);
// Makes a packet of a real server's to a client of its service, or of an FTP data connection.
Bytes programReply(uint8_t service, uint8_t server, uint16_t client, uint8_t flags);
// Makes a piece of a real server's datagram to a client, as programPiece() does of the client's.
Bytes programReplyPiece(uint8_t server, uint16_t client, uint8_t number, size_t pieces, size_t at);
// Makes a segment of an FTP control connection, or the first one of a data connection. `isServers`: the server sends it
Bytes programFtp(uint8_t server, uint16_t client, bool isServers, uint8_t what);
// Makes an ICMP error about a packet, as `from` sends it to the packet's sender. It quotes `bytes` at most.
Bytes programError(const Bytes& about, const IpAddress& from, uint8_t what, size_t bytes);
// Makes a ping, or a packet to a port that nobody serves.
Bytes programAnswered(uint16_t client, size_t bytes);

}  // namespace tunvs::testing
