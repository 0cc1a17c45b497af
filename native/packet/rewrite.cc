#include "packet/rewrite.h"

#include <cassert>

#include "packet/crc32c.h"
#include "packet/parse_transport.h"

namespace tunvs {
namespace {

constexpr size_t kUdpCheck = 6, kSctpCheck = 8;  // offsets of the checksum in the transport header

bool is(const ParsedPacket& parsed, IpProtocol protocol) { return parsed.protocol == static_cast<uint8_t>(protocol); }

// An unfinished checksum is the sum of the pseudo header as it is, which has addresses and no ports.
void updateUnfinished(uint8_t* field, uint64_t addresses) {
  const uint16_t sum = checksumFold(addresses + loadUnaligned<uint16_t>(field));
  std::memcpy(field, &sum, sizeof sum);
}

// Returns the difference that new IPv4 addresses make.
uint64_t writeIpv4(uint8_t* packet, Be32 source, Be32 destination) {
  uint8_t* const addresses = packet + kIpv4Addresses;
  const uint32_t oldSource = loadUnaligned<uint32_t>(addresses),
                 oldDestination = loadUnaligned<uint32_t>(addresses + 4);
  std::memcpy(addresses, &source, 4);
  std::memcpy(addresses + 4, &destination, 4);
  const uint64_t difference = uint64_t{~oldSource} + ~oldDestination + source.raw + destination.raw;
  updateChecksum(packet + kIpv4Check, difference);
  return difference;
}

uint64_t writeIpv6(uint8_t* packet, const IpAddress& source, const IpAddress& destination) {
  uint8_t* const addresses = packet + kIpv6Addresses;
  const auto without = static_cast<uint16_t>(~checksumFold(checksumAdd(addresses, 32)));
  std::memcpy(addresses, source.bytes.data(), 16);
  std::memcpy(addresses + 16, destination.bytes.data(), 16);
  return checksumAdd(addresses, 32, without);
}

uint64_t writeAddresses(uint8_t* packet, const ParsedPacket& parsed, const IpAddress& source,
                        const IpAddress& destination) {
  assert(source.family == parsed.key.family && destination.family == parsed.key.family);
  return parsed.key.isV4() ? writeIpv4(packet, source.asV4(), destination.asV4())
                           : writeIpv6(packet, source, destination);
}

// A checksum of 0 says that there is none. A whole packet then gets one over all that the IP header announces; a
// fragment stays as it is, since it would take all of the datagram.
void updateUdp(uint8_t* transport, const ParsedPacket& parsed, const Endpoints& to, uint64_t difference) {
  uint8_t* const field = transport + kUdpCheck;
  auto check = loadUnaligned<Be16>(field);
  if (check.raw != 0) {
    check = checksumChange(check, difference);
  } else if (parsed.packetClass == PacketClass::flow) {
    const uint32_t bytes = parsed.length - parsed.transport;
    check =
        checksum(transport, bytes, pseudoHeaderSum(to.source.address, to.destination.address, parsed.protocol, bytes));
  } else {
    return;
  }
  if (check.raw == 0) check.raw = 0xffff;  // RFC 768
  std::memcpy(field, &check, sizeof check);
}

void updateSctp(uint8_t* transport, const ParsedPacket& parsed, uint32_t oldPorts, uint32_t ports) {
  if (oldPorts == ports) return;
  uint8_t* const field = transport + kSctpCheck;
  const auto raw = loadUnaligned<uint32_t>(field);
  constexpr bool isLittle = std::endian::native == std::endian::little;  // as SCTP's is, unlike all others on the wire
  const uint32_t crc =
      crc32cReplace(isLittle ? raw : __builtin_bswap32(raw), oldPorts, ports, parsed.length - parsed.transport);
  const uint32_t changed = isLittle ? crc : __builtin_bswap32(crc);
  std::memcpy(field, &changed, sizeof changed);
}

uint32_t portsOf(const Endpoints& endpoints) {
  const Be16 both[2] = {endpoints.source.port, endpoints.destination.port};
  return loadUnaligned<uint32_t>(both);
}

// Tells whether the unfinished checksum is that of the packet's own transport header.
bool isOwn(const Offload& offload, const ParsedPacket& parsed) {
  if (offload.checksumStart != parsed.transport) return false;
  const bool isUdp = offload.kind == OffloadKind::udp || offload.kind == OffloadKind::udpChecksum;
  return is(parsed, isUdp ? IpProtocol::udp : IpProtocol::tcp);
}

size_t leastBytes(const ParsedPacket& parsed) {
  if (is(parsed, IpProtocol::tcp)) return kTcpHeaderBytes;
  return is(parsed, IpProtocol::udp) ? kUdpHeaderBytes : kSctpHeaderBytes;
}

}  // namespace

bool canRewrite(const ParsedPacket& parsed, const Endpoints& to) {
  assert(parsed.error == ParseError::none);
  if (parsed.packetClass == PacketClass::flow) return parsed.offload.isNone() || isOwn(parsed.offload, parsed);
  if (parsed.packetClass != PacketClass::fragment || parsed.fragmentOffset != 0) return false;
  if (!parsed.offload.isNone() || parsed.length - size_t{parsed.transport} < leastBytes(parsed)) return false;
  if (is(parsed, IpProtocol::sctp)) return parsed.key.ports() == portsOf(to);
  return is(parsed, IpProtocol::tcp) || is(parsed, IpProtocol::udp);
}

void rewrite(uint8_t* packet, const ParsedPacket& parsed, const Endpoints& to) {
  assert(canRewrite(parsed, to));
  const uint64_t addresses = writeAddresses(packet, parsed, to.source.address, to.destination.address);
  uint8_t* const transport = packet + parsed.transport;
  const auto oldPorts = loadUnaligned<uint32_t>(transport);
  const uint32_t ports = portsOf(to);
  std::memcpy(transport, &ports, sizeof ports);
  if (!parsed.offload.isNone()) return updateUnfinished(transport + parsed.offload.checksumField(), addresses);
  const uint64_t difference = addresses + static_cast<uint32_t>(~oldPorts) + ports;
  if (is(parsed, IpProtocol::tcp)) return updateChecksum(transport + kTcpCheck, difference);
  if (is(parsed, IpProtocol::udp)) return updateUdp(transport, parsed, to, difference);
  updateSctp(transport, parsed, oldPorts, ports);
}

void rewriteAddresses(uint8_t* packet, const ParsedPacket& parsed, const IpAddress& source,
                      const IpAddress& destination) {
  assert(parsed.error == ParseError::none);
  writeAddresses(packet, parsed, source, destination);
}

}  // namespace tunvs
