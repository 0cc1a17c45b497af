// Tells a real server which client a TCP connection comes from, in the connection itself.
//
// TOA is a TCP option: 254, its length, the client's port and address. The kernel modules of that name, and DPVS, take
// it from the packet that ends the handshake. It changes no sequence number.
//
// PROXY protocol version 2 (HAProxy's proxy-protocol.txt, section 2.2) is a header in front of the first byte that the
// client sends.
//
// Thread safety: pure.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "packet/parse.h"

namespace tunvs {

inline constexpr size_t kMaxTcpHeaderBytes = 60;
inline constexpr size_t kMaxProxyHeaderBytes = 16 + 36, kMaxToaBytes = 20;

constexpr size_t proxyHeaderBytes(Family family) { return 16 + 2 * addressBytes(family) + 4; }
constexpr size_t toaBytes(Family family) { return 4 + addressBytes(family); }

// Write the header, or the option, of a connection with this key. Return its length.
size_t writeProxyHeader(std::span<char, kMaxProxyHeaderBytes> room, const FlowKey& flow);
size_t writeToa(std::span<char, kMaxToaBytes> room, const FlowKey& flow);

// Puts a TCP option in front of all others of a whole packet of `length` bytes that `room` begins with, and mends its
// lengths and checksums. Returns the packet's new length; nothing when the header, or `room`, has no place for it.
// REQUIRES: the option's length is a multiple of 4; no offload
std::optional<size_t> insertTcpOption(std::span<uint8_t> room, size_t length, size_t transport,
                                      std::string_view option);

// Turns options of TOA's kind, which a client has set, into ones of no meaning. REQUIRES: a whole TCP packet
void hideToa(uint8_t* tcp, size_t segmentBytes, const Offload& offload);

// Takes the urgent mark off: a receiver takes the byte that the mark is for out of what it reads, whoever wrote it.
// REQUIRES: a whole TCP packet
void clearUrgent(uint8_t* tcp, const Offload& offload);

// Moves a segment's own number up, and what it acknowledges down; not what it acknowledges selectively. REQUIRES: a
// whole TCP packet
void moveNumbers(uint8_t* tcp, uint32_t sequenceUp, uint32_t acknowledgedDown, const Offload& offload);

// Writes a segment of its own into `room`, with the headers of a TCP packet and with this payload. Returns its length;
// 0 when there is no room for it. FIN, which is the packet's own, is not in it. REQUIRES: `like` was parsed without
// error
size_t writeSegment(std::span<uint8_t> room, const ParsedPacket& like, std::string_view payload);

}  // namespace tunvs
