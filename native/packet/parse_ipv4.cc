#include "packet/parse_ipv4.h"

namespace tunvs {
namespace {

// RFC 791 option numbers.
constexpr uint8_t kOptionEnd = 0, kOptionNop = 1, kOptionLooseRoute = 131, kOptionStrictRoute = 137;

}  // namespace

ParseError checkIpv4Options(const uint8_t* options, size_t bytes) {
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

ParseError parseIpv4Fragment(const uint8_t* p, uint16_t fragment, ParsedPacket& parsed) {
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
