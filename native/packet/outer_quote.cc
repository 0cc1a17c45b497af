#include "packet/outer_quote.h"

#include "core/header_bytes.h"
#include "packet/quote.h"

namespace tunvs {
namespace {

constexpr size_t kGueHeaderBytes = 4, kGreHeaderBytes = 4, kGreChecksumBytes = 4;
constexpr uint8_t kGueVersionAndControl = 0xe0, kGueOptionWords = 0x1f;
constexpr uint16_t kGreChecksumPresent = 0x8000;
constexpr uint16_t kEtherTypeIpv4 = 0x0800, kEtherTypeIpv6 = 0x86dd;

std::optional<Family> familyOf(uint8_t protocol) {
  if (protocol == static_cast<uint8_t>(IpProtocol::ipip)) return Family::ipv4;
  if (protocol == static_cast<uint8_t>(IpProtocol::ipv6)) return Family::ipv6;
  return std::nullopt;
}

std::span<const uint8_t> behind(std::span<const uint8_t> bytes, size_t offset) {
  return offset < bytes.size() ? bytes.subspan(offset) : std::span<const uint8_t>{};
}

// Takes what lies `offset` bytes into `payload` as the inner packet; false when it is of another IP version.
bool takeInner(std::span<const uint8_t> payload, size_t offset, Family family, StrippedOuter& outer) {
  outer.inner = behind(payload, offset);
  return outer.inner.empty() || outer.inner[0] >> 4 == static_cast<uint8_t>(family);
}

bool stripGue(const Quote& quote, std::span<const uint8_t> payload, StrippedOuter& outer) {
  if (!quote.hasPorts) return false;
  outer.kind = OuterKind::gue;
  outer.port = quote.destinationPort;
  outer.sourcePort = quote.sourcePort;
  const auto gue = behind(payload, kUdpHeaderBytes);
  if (gue.size() < kGueHeaderBytes) return true;
  if ((gue[0] & kGueVersionAndControl) != 0) return false;
  const auto family = familyOf(gue[1]);
  return family && takeInner(gue, kGueHeaderBytes + (gue[0] & kGueOptionWords) * size_t{4}, *family, outer);
}

bool stripGre(std::span<const uint8_t> payload, StrippedOuter& outer) {
  if (payload.size() < kGreHeaderBytes) return false;
  outer.kind = OuterKind::gre;
  const uint16_t flags = loadBe16(payload.data());
  if ((flags & ~kGreChecksumPresent) != 0) return false;
  const uint16_t etherType = loadBe16(payload.data() + 2);
  if (etherType != kEtherTypeIpv4 && etherType != kEtherTypeIpv6) return false;
  const Family family = etherType == kEtherTypeIpv4 ? Family::ipv4 : Family::ipv6;
  return takeInner(payload, kGreHeaderBytes + (flags != 0 ? kGreChecksumBytes : 0), family, outer);
}

}  // namespace

std::optional<StrippedOuter> stripOuter(std::span<const uint8_t> quoted) {
  const auto quote = readQuote(quoted);
  if (!quote || quote->fragmentOffset != 0) return std::nullopt;
  const auto payload = quoted.first(quote->quotedBytes).subspan(quote->headerBytes);
  StrippedOuter outer;
  outer.source = quote->source;
  outer.server = quote->destination;
  outer.totalBytes = quote->totalBytes;
  outer.isDontFragment = quote->dontFragment;
  outer.isFirstFragment = quote->moreFragments;
  bool isTunnelPacket = false;
  switch (static_cast<IpProtocol>(quote->protocol)) {
    case IpProtocol::ipip:
    case IpProtocol::ipv6: isTunnelPacket = takeInner(payload, 0, *familyOf(quote->protocol), outer); break;
    case IpProtocol::udp: isTunnelPacket = stripGue(*quote, payload, outer); break;
    case IpProtocol::gre: isTunnelPacket = stripGre(payload, outer); break;
    default: break;
  }
  if (!isTunnelPacket) return std::nullopt;
  return outer;
}

}  // namespace tunvs
