#include "core/parse.h"

#include "core/checksum.h"

namespace tunvs {
namespace {

constexpr size_t kTcpHeaderBytes = 20;
constexpr size_t kUdpHeaderBytes = 8;

// RFC 791 option numbers.
constexpr uint8_t kOptionEnd = 0, kOptionNop = 1, kOptionLooseRoute = 131, kOptionStrictRoute = 137;

// `source` in network order: what is no client's address (RFC 1122 section 3.2.1.3).
bool isClientAddress(uint32_t source, uint32_t destination) {
  const uint32_t host = Be32{source}.host();
  const uint32_t first = host >> 24;
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

ParseError parseTransport(const uint8_t* p, uint8_t protocol, ParsedPacket& parsed) {
  const size_t bytes = parsed.length - parsed.transport;
  const uint8_t* transport = p + parsed.transport;
  switch (static_cast<IpProtocol>(protocol)) {
    case IpProtocol::tcp:
      if (bytes < kTcpHeaderBytes) return ParseError::shortTransport;
      parsed.tcpFlags = transport[13];
      break;
    case IpProtocol::udp:
      if (bytes < kUdpHeaderBytes) return ParseError::shortTransport;
      parsed.tcpFlags = 0;
      break;
    default:
      return ParseError::protocol;
  }
  parsed.key.tail = FlowKey::makeTail(loadUnaligned<uint32_t>(transport), protocol, FlowKind::connection);
  return ParseError::none;
}

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
  const uint16_t fragment = loadBe16(p + 6);
  if ((fragment & (kIpv4MoreFragments | kIpv4OffsetMask)) != 0) return ParseError::fragment;

  parsed.key.family = Family::ipv4;
  parsed.key.words[0] = source | uint64_t{destination} << 32;
  parsed.key.words[1] = parsed.key.words[2] = parsed.key.words[3] = 0;
  parsed.length = static_cast<uint32_t>(totalBytes);
  parsed.transport = static_cast<uint16_t>(headerBytes);
  parsed.trafficClass = p[1];
  parsed.dontFragment = (fragment & kIpv4DontFragment) != 0;
  return parseTransport(p, p[9], parsed);
}

}  // namespace

void parsePacket(const Packet& packet, ParsedPacket& parsed) {
  if (packet.length == 0) {
    parsed.error = ParseError::truncated;
    return;
  }
  switch (packet.data[0] >> 4) {
    case 4:
      parsed.error = parseIpv4(packet, parsed);
      return;
    case 6:
      parsed.error = ParseError::protocol;
      return;
    default:
      parsed.error = ParseError::badVersion;
      return;
  }
}

}  // namespace tunvs
