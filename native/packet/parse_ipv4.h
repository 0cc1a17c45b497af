// Parses an IPv4 packet. What nearly every packet needs is inlined; options and fragments are not.
#pragma once

#include "packet/checksum.h"
#include "packet/parse_transport.h"

namespace tunvs {

// Returns false for an address that no client has (RFC 1122 section 3.2.1.3). Both are in network order.
inline bool isClientAddress(uint32_t source, uint32_t destination) {
  const uint32_t first = Be32{source}.host() >> 24;
  return first - 1 < 223 && first != 127 && source != destination;
}

ParseError checkIpv4Options(const uint8_t* options, size_t bytes);
// Ends the parsing of a packet that is a part of a datagram. `fragment` is the field of flags and offset.
ParseError parseIpv4Fragment(const uint8_t* p, uint16_t fragment, ParsedPacket& parsed);

inline constexpr uint8_t kPlainIpv4 = 0x45;  // the first byte of a header without options

// REQUIRES: the packet has 20 bytes, of which the first says that it is IPv4 with a header of `headerBytes`. Where that
// is a constant, most questions about it are answered by the compiler.
inline ParseError parseIpv4(const Packet& packet, uint32_t headerBytes, ParsedPacket& parsed) {
  const uint8_t* p = packet.data;
  const uint32_t totalBytes = loadBe16(p + 2);
  if (headerBytes < kIpv4HeaderBytes || totalBytes < headerBytes) [[unlikely]]
    return ParseError::badHeader;
  if (totalBytes > packet.length) [[unlikely]]
    return ParseError::truncated;
  const bool hasOptions = headerBytes != kIpv4HeaderBytes;
  if (hasOptions ? checksum(p, headerBytes).raw != 0 : !isChecksumRight20(p)) [[unlikely]]
    return ParseError::badChecksum;
  const auto source = loadUnaligned<uint32_t>(p + 12);
  const auto destination = loadUnaligned<uint32_t>(p + 16);
  if (!isClientAddress(source, destination)) [[unlikely]]
    return ParseError::badSource;
  if (hasOptions) [[unlikely]] {
    const ParseError error = checkIpv4Options(p + kIpv4HeaderBytes, headerBytes - kIpv4HeaderBytes);
    if (error != ParseError::none) return error;
  }
  parsed.ttl = p[8];
  if (parsed.ttl == 0) [[unlikely]]
    return ParseError::ttlExpired;
  parsed.key.family = Family::ipv4;
  parsed.key.words[0] = source | uint64_t{destination} << 32;
  parsed.key.words[1] = parsed.key.words[2] = parsed.key.words[3] = 0;
  parsed.length = totalBytes;
  parsed.transport = static_cast<uint16_t>(headerBytes);
  parsed.protocol = p[9];
  parsed.trafficClass = p[1];
  const uint16_t fragment = loadBe16(p + 6);
  parsed.dontFragment = (fragment & kIpv4DontFragment) != 0;
  if ((fragment & (kIpv4MoreFragments | kIpv4OffsetMask)) != 0) [[unlikely]]
    return parseIpv4Fragment(p, fragment, parsed);
  return parseTransport(p, parsed);
}

}  // namespace tunvs
