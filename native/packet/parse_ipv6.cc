#include "packet/next_header.h"
#include "packet/parse_transport.h"
#include "packet/quote.h"

namespace tunvs {
namespace {

// Returns false for an address that no client has: unspecified, loopback, multicast, IPv4-mapped, or the virtual
// address itself.
bool isClientAddress(const uint8_t* source, const uint8_t* destination) {
  const auto high = loadUnaligned<uint64_t>(source);
  const uint32_t third = loadBe32(source + 8), fourth = loadBe32(source + 12);
  if (high == 0 && third == 0 && fourth <= 1) return false;
  if (high == 0 && third == 0xffff) return false;
  return source[0] != 0xff && std::memcmp(source, destination, 16) != 0;
}

}  // namespace

ParseError parseIpv6(const Packet& packet, ParsedPacket& parsed) {
  const uint8_t* p = packet.data;
  if (packet.length < kIpv6HeaderBytes) return ParseError::truncated;
  const size_t payloadBytes = loadBe16(p + 4);
  const size_t totalBytes = kIpv6HeaderBytes + payloadBytes;
  if (totalBytes > packet.length) return ParseError::truncated;
  if (payloadBytes == 0) return ParseError::badHeader;  // it has no transport, or is a jumbogram (RFC 2675)
  if (!isClientAddress(p + 8, p + 24)) return ParseError::badSource;
  parsed.ttl = p[7];
  if (parsed.ttl == 0) return ParseError::ttlExpired;

  parsed.key.family = Family::ipv6;
  std::memcpy(parsed.key.words, p + 8, 32);
  parsed.length = static_cast<uint32_t>(totalBytes);
  parsed.trafficClass = static_cast<uint8_t>(loadBe16(p) >> 4);
  parsed.dontFragment = true;

  bool isFragment = false;
  uint8_t next = p[6];
  size_t offset = kIpv6HeaderBytes;
  for (size_t headers = 0;; headers++) {
    const bool isExtension = next == next_header::kHopByHop || next == next_header::kRouting ||
                             next == next_header::kFragment || next == next_header::kAuthentication ||
                             next == next_header::kDestinationOptions;
    if (!isExtension) break;
    if (headers == kMaxExtensionHeaders || (next == next_header::kHopByHop && headers != 0))
      return ParseError::badHeader;
    if (offset + 8 > totalBytes) {
      if (!isFragment) return ParseError::badHeader;
      offset = totalBytes;  // too little for any next header: the fragment table judges it
      break;
    }
    const uint8_t* header = p + offset;
    // A routing header of type 0 that has places left to visit is refused (RFC 5095); one that has visited all is
    // skipped.
    if (next == next_header::kRouting && header[2] == 0 && header[3] != 0) return ParseError::sourceRouted;
    if (next == next_header::kFragment && isFragment)
      break;  // a fragment within a fragment is of no protocol that is balanced
    if (next == next_header::kFragment) {
      const uint16_t field = loadBe16(header + 2);
      parsed.fragmentOffset = field & 0xfff8;
      parsed.moreFragments = (field & 1) != 0;
      parsed.identification = loadBe32(header + 4);
      next = header[0];
      offset += 8;
      parsed.fragmentPayload = static_cast<uint16_t>(offset);
      // RFC 6946: a fragment that is the whole datagram is not treated as one.
      isFragment = parsed.fragmentOffset != 0 || parsed.moreFragments;
      if (parsed.fragmentOffset != 0) break;
      continue;
    }
    // AH gives its length in units of 4 bytes less 2 (RFC 4302), the others give it in units of 8 less 1.
    const size_t headerBytes =
        next == next_header::kAuthentication ? (header[1] + size_t{2}) * 4 : (header[1] + size_t{1}) * 8;
    next = header[0];
    offset += headerBytes;
    if (offset > totalBytes) {
      if (!isFragment) return ParseError::badHeader;
      offset = totalBytes;
      break;
    }
  }
  parsed.protocol = next;
  parsed.transport = static_cast<uint16_t>(offset);
  if (!isFragment) return parseTransport(p, parsed);
  if (parsed.fragmentOffset != 0 || parseTransport(p, parsed) != ParseError::none)
    parsed.key.tail = FlowKey::makeTail(0, parsed.protocol, FlowKind::connection);
  parsed.packetClass = PacketClass::fragment;
  return ParseError::none;
}

}  // namespace tunvs
