#include "packet/checksum.h"
#include "packet/parse_transport.h"

namespace tunvs {
namespace {

// RFC 791 option numbers.
constexpr uint8_t kOptionEnd = 0, kOptionNop = 1, kOptionLooseRoute = 131, kOptionStrictRoute = 137;

// Returns false for an address that no client has (RFC 1122 section 3.2.1.3). `source` is in network order.
bool isClientAddress(uint32_t source, uint32_t destination) {
  const uint32_t first = Be32{source}.host() >> 24;
  return first != 0 && first != 127 && first < 224 && source != destination;
}

ParseError checkOptions(const uint8_t* options, size_t bytes) {
  for (size_t i = 0; i < bytes;) {
    const uint8_t kind = options[i];
    if (kind == kOptionEnd) return ParseError::none;
    if (kind == kOptionNop) {
      i++;
      continue;
    }
    if (i + 1 >= bytes || options[i + 1] < 2 || i + options[i + 1] > bytes) return ParseError::badHeader;
    if (kind == kOptionLooseRoute || kind == kOptionStrictRoute) return ParseError::sourceRouted;
    i += options[i + 1];
  }
  return ParseError::none;
}

}  // namespace

ParseError parseIpv4(const Packet& packet, ParsedPacket& parsed) {
  const uint8_t* p = packet.data;
  if (packet.length < kIpv4HeaderBytes) return ParseError::truncated;
  const size_t headerBytes = (p[0] & 0x0f) * size_t{4};
  const size_t totalBytes = loadBe16(p + 2);
  if (headerBytes < kIpv4HeaderBytes || totalBytes < headerBytes) return ParseError::badHeader;
  if (totalBytes > packet.length) return ParseError::truncated;
  const uint64_t sum = headerBytes == kIpv4HeaderBytes ? checksumAdd20(p) : checksumAdd(p, headerBytes);
  if (checksumFold(sum) != 0xffff) return ParseError::badChecksum;

  const auto source = loadUnaligned<uint32_t>(p + 12);
  const auto destination = loadUnaligned<uint32_t>(p + 16);
  if (!isClientAddress(source, destination)) return ParseError::badSource;
  if (headerBytes > kIpv4HeaderBytes) {
    const ParseError error = checkOptions(p + kIpv4HeaderBytes, headerBytes - kIpv4HeaderBytes);
    if (error != ParseError::none) return error;
  }
  parsed.ttl = p[8];
  if (parsed.ttl == 0) return ParseError::ttlExpired;

  parsed.key.family = Family::ipv4;
  parsed.key.words[0] = source | uint64_t{destination} << 32;
  parsed.key.words[1] = parsed.key.words[2] = parsed.key.words[3] = 0;
  parsed.length = static_cast<uint32_t>(totalBytes);
  parsed.transport = static_cast<uint16_t>(headerBytes);
  parsed.protocol = p[9];
  parsed.trafficClass = p[1];
  const uint16_t fragment = loadBe16(p + 6);
  parsed.dontFragment = (fragment & kIpv4DontFragment) != 0;
  if ((fragment & (kIpv4MoreFragments | kIpv4OffsetMask)) == 0) return parseTransport(p, parsed);

  parsed.fragmentOffset = static_cast<uint16_t>((fragment & kIpv4OffsetMask) * 8);
  parsed.moreFragments = (fragment & kIpv4MoreFragments) != 0;
  parsed.fragmentPayload = parsed.transport;
  parsed.identification = loadBe16(p + 4);
  // The fragment table judges a first fragment that is too short, because the datagram's other fragments wait for it.
  if (parsed.fragmentOffset != 0 || parseTransport(p, parsed) != ParseError::none)
    parsed.key.tail = FlowKey::makeTail(0, parsed.protocol, FlowKind::connection);
  parsed.packetClass = PacketClass::fragment;
  return ParseError::none;
}

}  // namespace tunvs
