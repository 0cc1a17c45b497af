#include "packet/rewrite_icmp.h"

#include <cassert>

#include "packet/icmp.h"
#include "packet/quote.h"

namespace tunvs {
namespace {

constexpr size_t kIcmpCheck = 2;

void put(uint8_t* to, const IpAddress& address) { std::memcpy(to, address.bytes.data(), addressBytes(address.family)); }

// The sums of a region before and after it is written make the difference that the ICMP checksum has to follow. Every
// region begins at an even offset from the ICMP header.
uint64_t complementOf(const uint8_t* bytes, size_t length) {
  return static_cast<uint16_t>(~checksumFold(checksumAdd(bytes, length)));
}

void putEndpoints(uint8_t* packet, const Quote& quote, const Endpoints& to) {
  const bool isV4 = quote.source.isV4();
  uint8_t* const addresses = packet + (isV4 ? kIpv4Addresses : kIpv6Addresses);
  put(addresses, to.source.address);
  put(addresses + addressBytes(quote.family()), to.destination.address);
  if (isV4) {
    std::memset(packet + kIpv4Check, 0, 2);
    const Be16 check = checksum(packet, quote.headerBytes);
    std::memcpy(packet + kIpv4Check, &check, sizeof check);
  }
  std::memcpy(packet + quote.headerBytes, &to.source.port, 2);
  std::memcpy(packet + quote.headerBytes + 2, &to.destination.port, 2);
}

// Returns the difference that this makes to the sum over the quote. REQUIRES: quote.hasPorts
uint64_t rewriteQuote(uint8_t* packet, const Quote& quote, const Endpoints& to) {
  const size_t bytes = quote.headerBytes + size_t{4};
  const uint64_t without = complementOf(packet, bytes);
  putEndpoints(packet, quote, to);
  return checksumAdd(packet, bytes, without);
}

// Rewrites the addresses of the error itself, and returns the difference that this makes to its pseudo header.
uint64_t rewriteOuter(uint8_t* packet, const ParsedPacket& parsed, const std::optional<IpAddress>& source,
                      const std::optional<IpAddress>& destination) {
  const bool isV4 = parsed.key.isV4();
  uint8_t* const addresses = packet + (isV4 ? kIpv4Addresses : kIpv6Addresses);
  const size_t bytes = addressBytes(parsed.key.family);
  const uint64_t without = complementOf(addresses, 2 * bytes);
  if (source) put(addresses, *source);
  if (destination) put(addresses + bytes, *destination);
  return checksumAdd(addresses, 2 * bytes, without);
}

}  // namespace

bool rewriteIcmpError(std::span<uint8_t> packet, const ParsedPacket& parsed, const std::optional<IpAddress>& source,
                      const std::optional<IpAddress>& destination, const Endpoints& quoted) {
  const Family family = parsed.key.family;
  assert(parsed.error == ParseError::none && (!source || source->family == family) &&
         (!destination || destination->family == family));
  if (parsed.packetClass != PacketClass::icmp || parsed.length > packet.size()) return false;
  const auto message = packet.subspan(parsed.transport, parsed.length - parsed.transport);
  const auto icmp = readIcmp(parsed.key.client(), parsed.key.virtualAddress(), message);
  if (!icmp || !icmp->isError) return false;
  const auto quote = readQuote(icmp->quoted);
  if (!quote || !quote->hasPorts || quote->family() != family) return false;
  if (quoted.source.address.family != family || quoted.destination.address.family != family) return false;

  const auto quotedAt = static_cast<size_t>(icmp->quoted.data() - message.data());
  uint64_t difference = rewriteQuote(message.data() + quotedAt, *quote, quoted);
  if (source || destination) {
    const uint64_t addresses = rewriteOuter(packet.data(), parsed, source, destination);
    if (family == Family::ipv4) {
      updateChecksum(packet.data() + kIpv4Check, addresses);
    } else {
      difference += addresses;
    }
  }
  updateChecksum(message.data() + kIcmpCheck, difference);
  return true;
}

}  // namespace tunvs
