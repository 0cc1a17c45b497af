#include "realserver/decap.h"

#include <algorithm>
#include <optional>

#include "packet/parse.h"
#include "realserver/ip_view.h"

namespace tunvs {
namespace {

enum Ecn : uint8_t { notEct = 0, ect1 = 1, ect0 = 2, ce = 3 };

// Returns the inner ECN bits after decapsulation (RFC 6040 figure 4); nullopt when the packet has to be dropped.
std::optional<uint8_t> innerEcn(uint8_t outer, uint8_t inner) {
  if (outer == ce) return inner == notEct ? std::nullopt : std::optional<uint8_t>(ce);
  return outer == ect1 && inner == ect0 ? static_cast<uint8_t>(ect1) : inner;
}

Error refusal(const std::string& address, const char* what) {
  return Error::make(ErrorCode::invalidArgument, address + " can't be a " + what + "; it must be unicast");
}

Error missing(const char* what) {
  return Error::make(ErrorCode::invalidArgument, std::string("at least one ") + what + " is needed");
}

}  // namespace

Result<DecapRules> DecapRules::make(std::span<const AddressPrefix> directors,
                                    std::span<const IpAddress> virtualAddresses) {
  if (directors.empty()) return missing("director");
  if (virtualAddresses.empty()) return missing("virtual address");
  for (const AddressPrefix& director : directors) {
    if (!isUnicast(director.base)) return refusal(toString(director), "director");
  }
  for (const IpAddress& address : virtualAddresses) {
    if (!isUnicast(address)) return refusal(toString(address), "virtual address");
  }
  DecapRules rules;
  rules.directors_.assign(directors.begin(), directors.end());
  rules.virtualAddresses_.assign(virtualAddresses.begin(), virtualAddresses.end());
  std::ranges::sort(rules.virtualAddresses_);
  return rules;
}

bool DecapRules::isDirector(const IpAddress& address) const {
  return std::ranges::any_of(directors_, [&](const AddressPrefix& range) { return range.contains(address); });
}

bool DecapRules::isVirtualAddress(const IpAddress& address) const {
  return std::ranges::binary_search(virtualAddresses_, address);
}

bool DecapRules::hasDirector(Family family) const {
  return std::ranges::any_of(directors_, [&](const AddressPrefix& range) { return range.base.family == family; });
}

bool DecapRules::hasVirtualAddress(Family family) const {
  return std::ranges::any_of(virtualAddresses_, [&](const IpAddress& address) { return address.family == family; });
}

Decapsulated decapsulate(const TunnelPayload& payload, const Encapsulation& encapsulation, const DecapRules& rules) {
  if (!rules.isDirector(payload.source)) return {DecapVerdict::unknownDirector};
  const Unwrapped unwrapped = encapsulation.unwrap(payload.bytes);
  if (unwrapped.verdict != DecapVerdict::accepted) return {unwrapped.verdict};
  const auto view = viewIp(unwrapped.packet, unwrapped.family);
  if (!view) return {DecapVerdict::badInner};
  const std::span<uint8_t> inner = unwrapped.packet.first(view->totalBytes);  // what follows is padding
  if (!isHeaderChecksumRight(inner, *view)) return {DecapVerdict::badInnerChecksum};
  if (!rules.isVirtualAddress(view->destination(inner))) return {DecapVerdict::notVirtualAddress};

  const uint8_t was = view->ecn(inner);
  const auto ecn = innerEcn(payload.ecn, was);
  if (!ecn) return {DecapVerdict::congestionNotSignallable};
  if (*ecn != was) setEcn(inner, *view, *ecn);
  finishTransportChecksum(inner, *view);
  return {DecapVerdict::accepted, view->family, inner};
}

Decapsulated decapsulateIpv4(std::span<uint8_t> packet, const Encapsulation& encapsulation, const DecapRules& rules) {
  const auto outer = viewIp(packet, Family::ipv4);
  if (!outer || packet[9] != static_cast<uint8_t>(encapsulation.protocol) ||
      (loadBe16(&packet[6]) & (kIpv4MoreFragments | kIpv4OffsetMask)) != 0) {
    return {DecapVerdict::badOuter};
  }
  const TunnelPayload payload{.source = IpAddress::v4(Be32{loadUnaligned<uint32_t>(&packet[12])}),
                              .ecn = outer->ecn(packet),
                              .bytes = packet.subspan(outer->headerBytes, outer->totalBytes - outer->headerBytes)};
  return decapsulate(payload, encapsulation, rules);
}

}  // namespace tunvs
