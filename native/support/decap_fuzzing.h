// Checks what holds of a decapsulated packet, whatever went in: the body of the decapsulators' fuzz targets.
#pragma once

#include <cstdlib>

#include "packet/checksum.h"
#include "realserver/decap.h"

namespace tunvs::testing {

inline const DecapRules& fuzzRules() {
  static const DecapRules rules = [] {
    const AddressPrefix directors[] = {parseAddressPrefix("10.0.0.0/24").value(),
                                       parseAddressPrefix("2001:db8:1::/64").value()};
    const IpAddress virtuals[] = {parseIpAddress("192.168.50.100").value(), parseIpAddress("2001:db8:50::100").value()};
    return DecapRules::make(directors, virtuals).value();
  }();
  return rules;
}

// Aborts unless the packet lies within `input` and is a valid IP packet, or there is none.
inline void checkDecapsulated(const Decapsulated& result, std::span<const uint8_t> input) {
  const std::span<const uint8_t> inner = result.inner;
  if (result.verdict != DecapVerdict::accepted) {
    if (!inner.empty()) std::abort();
    return;
  }
  if (inner.data() < input.data() || inner.data() + inner.size() > input.data() + input.size()) std::abort();
  if (inner[0] >> 4 != static_cast<uint8_t>(result.family)) std::abort();
  if (result.family == Family::ipv6) {
    if (inner.size() != size_t{40} + loadBe16(&inner[4])) std::abort();
    return;
  }
  const size_t headerBytes = size_t{inner[0] & 0x0fu} * 4;
  if (loadBe16(&inner[2]) != inner.size() || headerBytes > inner.size()) std::abort();
  if (checksumFold(checksumAdd(inner.data(), headerBytes)) != 0xffff) std::abort();
}

// `data` is what follows the outer headers; its first byte is their ECN.
inline int fuzzPayload(std::string_view encapsulation, IpProtocol protocol, const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::vector<uint8_t> bytes(data + 1, data + size);
  for (const Encapsulation& candidate : kEncapsulations) {
    if (candidate.name != encapsulation || candidate.protocol != protocol) continue;
    const TunnelPayload payload{parseIpAddress("2001:db8:1::1").value(), static_cast<uint8_t>(data[0] & 3), bytes};
    checkDecapsulated(decapsulate(payload, candidate, fuzzRules()), bytes);
  }
  return 0;
}

}  // namespace tunvs::testing
