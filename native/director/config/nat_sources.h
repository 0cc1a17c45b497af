// The addresses and ports that full NAT gives to packets on their way to real servers, as if the director were their
// client. Each real server sees each pair of address and port as one client.
//
// Thread safety: immutable once made.
#pragma once

#include <string>
#include <vector>

#include "core/address_prefix.h"
#include "core/result.h"
#include "packet/rewrite.h"

namespace tunvs {

class NatSources {
 public:
  static constexpr size_t kMaxAddresses = 256;  // per family
  // Below are ports that a server may trust (RFC 6335 section 6).
  static constexpr uint16_t kFirstPort = 1024, kLastPort = 65535;

  // Takes addresses and ranges, all of whose addresses are used, but the first one of an IPv6 range. REQUIRES: 0 <
  // firstPort <= lastPort
  static Result<NatSources> make(std::span<const std::string> texts, uint16_t firstPort = kFirstPort,
                                 uint16_t lastPort = kLastPort);

  bool contains(const IpAddress& address) const;
  // Returns how many pairs there are, for each real server.
  uint64_t capacity(Family family) const { return of(family).size() * ports(); }
  // Returns how many ports each address has.
  uint64_t ports() const { return uint64_t{lastPort_} - firstPort_ + 1; }
  // Returns a pair. Pairs that follow each other have different addresses, as far as there are several.
  // REQUIRES: index < capacity(family)
  Endpoint at(Family family, uint64_t index) const {
    const auto& addresses = of(family);
    const auto port = static_cast<uint16_t>(firstPort_ + index / addresses.size());
    return {addresses[index % addresses.size()], Be16::from(port)};
  }
  // Returns a pair with this address. Ports that follow each other differ.
  Endpoint with(const IpAddress& address, uint64_t index) const {
    return {address, Be16::from(static_cast<uint16_t>(firstPort_ + index % ports()))};
  }

 private:
  const std::vector<IpAddress>& of(Family family) const { return family == Family::ipv4 ? v4_ : v6_; }
  std::vector<AddressPrefix> prefixes_;
  std::vector<IpAddress> v4_, v6_;
  uint16_t firstPort_ = kFirstPort, lastPort_ = kLastPort;
};

}  // namespace tunvs
