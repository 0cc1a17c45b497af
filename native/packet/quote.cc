#include "packet/quote.h"

#include <algorithm>
#include <cassert>

#include "core/header_bytes.h"
#include "packet/next_header.h"

namespace tunvs {
namespace {

constexpr uint16_t kDontFragment = 0x4000, kMoreFragments = 0x2000, kOffsetMask = 0x1fff;
constexpr size_t kPortsBytes = 4;

bool isExtensionHeader(uint8_t number) {
  switch (number) {
    case next_header::kHopByHop:
    case next_header::kRouting:
    case next_header::kFragment:
    case next_header::kAuthentication:
    case next_header::kDestinationOptions:
    case next_header::kMobility:
    case next_header::kHostIdentity:
    case next_header::kShim6: return true;
    default: return false;
  }
}

// REQUIRES: `header` has at least two bytes.
size_t extensionHeaderBytes(uint8_t number, const uint8_t* header) {
  if (number == next_header::kFragment) return 8;
  if (number == next_header::kAuthentication) return (header[1] + size_t{2}) * 4;  // RFC 4302 section 2.2
  return (header[1] + size_t{1}) * 8;
}

void readPorts(std::span<const uint8_t> bytes, Quote& quote) {
  if (quote.fragmentOffset != 0 || quote.quotedBytes - quote.headerBytes < kPortsBytes) return;
  switch (static_cast<IpProtocol>(quote.protocol)) {
    case IpProtocol::tcp:
    case IpProtocol::udp:
    case IpProtocol::sctp: break;
    default: return;
  }
  quote.sourcePort = loadUnaligned<Be16>(bytes.data() + quote.headerBytes);
  quote.destinationPort = loadUnaligned<Be16>(bytes.data() + quote.headerBytes + 2);
  quote.hasPorts = true;
}

std::optional<Quote> readIpv4(std::span<const uint8_t> bytes) {
  const uint8_t* p = bytes.data();
  if (bytes.size() < kIpv4HeaderBytes) return std::nullopt;
  Quote quote;
  quote.headerBytes = (p[0] & 0x0fu) * 4;
  quote.totalBytes = loadBe16(p + 2);
  if (quote.headerBytes < kIpv4HeaderBytes || quote.headerBytes > bytes.size()) return std::nullopt;
  if (quote.totalBytes < quote.headerBytes) return std::nullopt;
  quote.quotedBytes = static_cast<uint32_t>(std::min<size_t>(bytes.size(), quote.totalBytes));
  quote.source = IpAddress::v4(loadUnaligned<Be32>(p + 12));
  quote.destination = IpAddress::v4(loadUnaligned<Be32>(p + 16));
  quote.protocol = p[9];
  quote.trafficClass = p[1];
  const uint16_t fragment = loadBe16(p + 6);
  quote.dontFragment = (fragment & kDontFragment) != 0;
  quote.moreFragments = (fragment & kMoreFragments) != 0;
  quote.fragmentOffset = (fragment & kOffsetMask) * 8u;
  readPorts(bytes, quote);
  return quote;
}

// Moves headerBytes and protocol behind the extension headers; false when they can't be walked.
bool skipExtensionHeaders(std::span<const uint8_t> bytes, Quote& quote) {
  for (size_t walked = 0; isExtensionHeader(quote.protocol); walked++) {
    const size_t left = quote.quotedBytes - quote.headerBytes;
    if (walked == kMaxExtensionHeaders || left < 8) return false;
    const uint8_t* header = bytes.data() + quote.headerBytes;
    const size_t length = extensionHeaderBytes(quote.protocol, header);
    if (length > left) return false;
    if (quote.protocol == next_header::kFragment) {
      const uint16_t fragment = loadBe16(header + 2);
      quote.fragmentOffset = fragment & 0xfff8u;
      quote.moreFragments = (fragment & 1) != 0;
    }
    quote.protocol = header[0];
    quote.headerBytes += static_cast<uint32_t>(length);
    if (quote.fragmentOffset != 0) return true;  // the middle of a payload follows
  }
  return true;
}

std::optional<Quote> readIpv6(std::span<const uint8_t> bytes) {
  const uint8_t* p = bytes.data();
  if (bytes.size() < kIpv6HeaderBytes) return std::nullopt;
  Quote quote;
  quote.headerBytes = kIpv6HeaderBytes;
  quote.totalBytes = kIpv6HeaderBytes + loadBe16(p + 4);
  quote.quotedBytes = static_cast<uint32_t>(std::min<size_t>(bytes.size(), quote.totalBytes));
  quote.source = IpAddress::v6(p + 8);
  quote.destination = IpAddress::v6(p + 24);
  quote.protocol = p[6];
  quote.trafficClass = static_cast<uint8_t>(loadBe16(p) >> 4);
  quote.dontFragment = true;
  if (!skipExtensionHeaders(bytes, quote)) return std::nullopt;
  readPorts(bytes, quote);
  return quote;
}

}  // namespace

std::optional<Quote> readQuote(std::span<const uint8_t> bytes) {
  if (bytes.empty()) return std::nullopt;
  switch (bytes[0] >> 4) {
    case 4: return readIpv4(bytes);
    case 6: return readIpv6(bytes);
    default: return std::nullopt;
  }
}

FlowKey flowKeyOf(const Quote& quote, QuotedDirection direction) {
  assert(quote.hasPorts);
  if (direction == QuotedDirection::toVirtual) {
    return FlowKey::make(quote.source, quote.sourcePort, quote.destination, quote.destinationPort, quote.protocol);
  }
  return FlowKey::make(quote.destination, quote.destinationPort, quote.source, quote.sourcePort, quote.protocol);
}

}  // namespace tunvs
