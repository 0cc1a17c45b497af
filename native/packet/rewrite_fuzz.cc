// Takes any bytes as a packet and rewrites it: as one of the connection's own, and as an ICMP error. Nothing but what a
// translation may change does change, header checksums come out right, and the reverse brings the packet back.
//
// The first byte says which addresses of an ICMP error are replaced, by its two lowest bits, whether its checksum is
// made right first, by the third, and which kind of offload the packet has, by the next three. The second is what other
// endpoints are made of. The packet follows.
#include <cstdlib>

#include "packet/quote.h"
#include "packet/rewrite_against.h"
#include "packet/rewrite_icmp.h"
#include "packet/transport_checksum.h"
#include "support/key_against.h"
#include "support/random_packets.h"

using namespace tunvs;
using namespace tunvs::testing;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void blank(std::span<uint8_t> bytes, size_t at, size_t count) {
  require(at + count <= bytes.size());
  std::fill_n(bytes.begin() + static_cast<ptrdiff_t>(at), count, uint8_t{0});
}

void blankAddresses(std::span<uint8_t> packet, bool isV4) { blank(packet, isV4 ? 10 : 8, isV4 ? 10 : 32); }

// Makes 0 and 0xffff, which are the same number, one. A whole UDP packet without checksum has got one.
void settleZeros(uint8_t* field, bool isDropped) {
  if (loadBe16(field) == 0xffff || isDropped) storeBe16(field, 0);
}

// What may differ behind a rewriting and its reverse: a zero that is written in another way.
void settle(std::span<uint8_t> packet, const ParsedPacket& parsed, bool hadNone) {
  if (parsed.key.isV4()) settleZeros(&packet[10], false);
  const auto protocol = static_cast<IpProtocol>(parsed.protocol);
  if (protocol == IpProtocol::sctp) return;
  settleZeros(&packet[parsed.transport + checkField(protocol)], hadNone);
}

void rewriteFlow(const Bytes& bytes, const ParsedPacket& parsed, const Endpoints& to) {
  Endpoints allowed = to;
  if (!canRewrite(parsed, to)) {
    const Endpoints own = endpointsOf(parsed);
    allowed.source.port = own.source.port;
    allowed.destination.port = own.destination.port;
    if (!canRewrite(parsed, allowed)) return;
  }
  const Exact held(bytes);
  rewrite(held.span().data(), parsed, allowed);
  require(isIpv4HeaderRight(held.span()));
  const auto protocol = static_cast<IpProtocol>(parsed.protocol);
  const size_t field = parsed.transport + checkField(protocol);
  const bool hadNone = protocol == IpProtocol::udp && parsed.packetClass == PacketClass::flow &&
                       parsed.offload.isNone() && loadBe16(&bytes[field]) == 0;
  if (takesAgainst(parsed)) {
    const Exact other(bytes);
    rewriteAgainst(other.span().data(), parsed, keyAgainst(allowed));
    require(bytesOf(other.span()) == bytesOf(held.span()));
  }

  Bytes before = bytes, after = bytesOf(held.span());
  for (Bytes* each : {&before, &after}) {
    blankAddresses(*each, parsed.key.isV4());
    blank(*each, parsed.transport, 4);
    blank(*each, field, protocol == IpProtocol::sctp ? 4 : 2);
  }
  require(before == after);

  const ParsedPacket now = parsedFrom(held.span(), parsed.offload);
  require(now.error == ParseError::none && now.transport == parsed.transport && endpointsOf(now) == allowed);
  rewrite(held.span().data(), now, endpointsOf(parsed));
  Bytes back = bytesOf(held.span()), original = bytes;
  settle(back, parsed, hadNone);
  settle(original, parsed, hadNone);
  require(back == original);
}

void rewriteWithoutPorts(const Bytes& bytes, const ParsedPacket& parsed, const Endpoints& to) {
  const Exact held(bytes);
  rewriteAddresses(held.span().data(), parsed, to.source.address, to.destination.address);
  require(isIpv4HeaderRight(held.span()));
  Bytes before = bytes, after = bytesOf(held.span());
  blankAddresses(before, parsed.key.isV4());
  blankAddresses(after, parsed.key.isV4());
  require(before == after);
}

std::span<const uint8_t> messageOf(std::span<const uint8_t> packet, const ParsedPacket& parsed) {
  return packet.subspan(parsed.transport, parsed.length - parsed.transport);
}

// Few mutations would get past the checksum by themselves.
void sealIcmp(Bytes& bytes, const ParsedPacket& parsed) {
  const auto length = static_cast<uint32_t>(parsed.length - parsed.transport);
  if (length < 4) return;
  seal(std::span(bytes).subspan(parsed.transport, length), 2,
       parsed.key.isV4() ? 0 : pseudoHeaderSum(parsed.key.client(), parsed.key.virtualAddress(), 58, length));
}

void rewriteError(const Bytes& bytes, const ParsedPacket& parsed, const Endpoints& to, uint8_t choice) {
  std::optional<IpAddress> source, destination;
  if ((choice & 1) != 0) source = to.source.address;
  if ((choice & 2) != 0) destination = to.destination.address;
  const Exact held(bytes);
  if (!rewriteIcmpError(held.span(), parsed, source, destination, to)) return require(bytesOf(held.span()) == bytes);

  require(isIpv4HeaderRight(held.span()));
  const ParsedPacket now = parsedFrom(held.span());
  if (source.value_or(parsed.key.client()) == destination.value_or(parsed.key.virtualAddress()))
    return require(now.error == ParseError::badSource);
  require(now.error == ParseError::none && now.key.client() == source.value_or(parsed.key.client()));
  require(now.key.virtualAddress() == destination.value_or(parsed.key.virtualAddress()));
  const auto wasRight = transportChecksumIsRight(parsed.key.client(), parsed.key.virtualAddress(), parsed.protocol,
                                                 messageOf(bytes, parsed));
  require(wasRight == transportChecksumIsRight(now.key.client(), now.key.virtualAddress(), parsed.protocol,
                                               messageOf(held.span(), parsed)));
  const size_t quotedAt = parsed.transport + size_t{8};
  const auto quote = readQuote(held.span().subspan(quotedAt)).value();
  require(quote.hasPorts && quote.source == to.source.address && quote.destination == to.destination.address);
  require(quote.sourcePort == to.source.port && quote.destinationPort == to.destination.port);
  require(isIpv4HeaderRight(held.span().subspan(quotedAt)));

  Bytes before = bytes, after = bytesOf(held.span());
  for (Bytes* each : {&before, &after}) {
    const std::span<uint8_t> all(*each);
    blankAddresses(all, parsed.key.isV4());
    blank(all, parsed.transport + size_t{2}, 2);
    blankAddresses(all.subspan(quotedAt), parsed.key.isV4());
    blank(all, quotedAt + quote.headerBytes, 4);
  }
  require(before == after);
}

Offload offloadOf(uint8_t choice, const ParsedPacket& parsed) {
  const uint8_t kind = choice >> 3 & 7;
  if (kind > static_cast<uint8_t>(OffloadKind::udp) || parsed.transport > Offload::kMaxChecksumStart) return {};
  Offload offload;
  offload.kind = static_cast<OffloadKind>(kind);
  if (kind != 0) offload.checksumStart = static_cast<uint8_t>(parsed.transport);
  return offload;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > kMaxPacketBytes) return 0;
  Bytes bytes(data + 2, data + size);
  ParsedPacket parsed = parsedFrom(bytes);
  if (parsed.error != ParseError::none) return 0;
  parsed.offload = offloadOf(data[0], parsed);
  Random random(data[1]);
  const Endpoints to = randomEndpoints(random, parsed.key.family);
  if (parsed.packetClass == PacketClass::icmp && (data[0] & 4) != 0) sealIcmp(bytes, parsed);
  rewriteFlow(bytes, parsed, to);
  rewriteWithoutPorts(bytes, parsed, to);
  rewriteError(bytes, parsed, to, data[0]);
  return 0;
}
