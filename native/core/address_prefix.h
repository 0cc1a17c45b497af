// An AddressPrefix is a range of addresses: "10.2.1.0/28", "2001:db8::/64", or one address without a slash.
#pragma once

#include <string>
#include <string_view>

#include "core/inet.h"
#include "core/result.h"

namespace tunvs {

// Invariant: the bits of `base` beyond `bits` are zero.
struct AddressPrefix {
  IpAddress base;
  uint8_t bits = 32;  // [0, 32] or [0, 128]

  static AddressPrefix of(const IpAddress& address) {
    return {address, static_cast<uint8_t>(addressBits(address.family))};
  }
  bool contains(const IpAddress& address) const;

  friend bool operator==(const AddressPrefix&, const AddressPrefix&) = default;
};

// Returns an Error that names what is wrong. A base with bits beyond the prefix is wrong, too.
Result<AddressPrefix> parseAddressPrefix(std::string_view text);
// Leaves out the length of a single address.
std::string toString(const AddressPrefix& prefix);

}  // namespace tunvs
