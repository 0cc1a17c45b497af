#include "director/config/nat_sources.h"

#include <algorithm>

namespace tunvs {
namespace {

// Returns the address that is `index` behind the first one. REQUIRES: index < 65536, within the prefix
IpAddress behind(IpAddress base, size_t index) {
  const size_t last = addressBytes(base.family) - 1;
  base.bytes[last] = static_cast<uint8_t>(base.bytes[last] | (index & 0xff));
  base.bytes[last - 1] = static_cast<uint8_t>(base.bytes[last - 1] | index >> 8);
  return base;
}

}  // namespace

// The first address of an IPv6 range is the anycast address of its routers (RFC 4291 section 2.6.1; not of a /127, RFC
// 6164): Linux sends no ICMP errors to it where the range is a route.
Result<NatSources> NatSources::make(std::span<const std::string> texts, uint16_t firstPort, uint16_t lastPort) {
  NatSources sources;
  sources.firstPort_ = firstPort;
  sources.lastPort_ = lastPort;
  for (const std::string& text : texts) {
    const auto prefix = parseAddressPrefix(text);
    if (!prefix) return prefix.error();
    const IpAddress& base = prefix->base;
    if (!isUnicast(base))
      return Error::make(ErrorCode::invalidArgument, text + " can't be a source of packets; it must be unicast");
    const size_t hostBits = addressBits(base.family) - prefix->bits;
    auto& addresses = base.isV4() ? sources.v4_ : sources.v6_;
    if (hostBits > 8 || addresses.size() + (size_t{1} << hostBits) > kMaxAddresses) {
      return Error::make(ErrorCode::invalidArgument, "full NAT uses " + std::to_string(kMaxAddresses) +
                                                         " addresses of a family at most; give a shorter range");
    }
    sources.prefixes_.push_back(prefix.value());
    const size_t first = !base.isV4() && hostBits > 1 ? 1 : 0;
    for (size_t i = first; i < size_t{1} << hostBits; i++) addresses.push_back(behind(base, i));
  }
  for (auto* addresses : {&sources.v4_, &sources.v6_}) {
    std::sort(addresses->begin(), addresses->end());
    addresses->erase(std::unique(addresses->begin(), addresses->end()), addresses->end());
  }
  return sources;
}

bool NatSources::contains(const IpAddress& address) const {
  return std::any_of(prefixes_.begin(), prefixes_.end(),
                     [&](const AddressPrefix& prefix) { return prefix.contains(address); });
}

}  // namespace tunvs
