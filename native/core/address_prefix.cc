#include "core/address_prefix.h"

#include <charconv>

namespace tunvs {
namespace {

// Returns `address` with every bit beyond `bits` cleared.
IpAddress masked(IpAddress address, unsigned bits) {
  for (unsigned bit = bits; bit < addressBits(address.family); bit++) {
    address.bytes[bit / 8] = static_cast<uint8_t>(address.bytes[bit / 8] & ~(0x80 >> bit % 8));
  }
  return address;
}

}  // namespace

bool AddressPrefix::contains(const IpAddress& address) const {
  if (address.family != base.family) return false;
  const size_t whole = bits / 8;
  if (std::memcmp(address.bytes.data(), base.bytes.data(), whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff << (8 - bits % 8));
  return ((address.bytes[whole] ^ base.bytes[whole]) & mask) == 0;
}

Result<AddressPrefix> parseAddressPrefix(std::string_view text) {
  const size_t slash = text.find('/');
  auto address = parseIpAddress(text.substr(0, slash));
  if (!address) return address.error();
  AddressPrefix prefix = AddressPrefix::of(address.value());
  if (slash == std::string_view::npos) return prefix;

  const std::string_view digits = text.substr(slash + 1);
  const char* const end = digits.data() + digits.size();
  unsigned bits = 0;
  const auto [stopped, error] = std::from_chars(digits.data(), end, bits);
  if (error != std::errc{} || stopped != end || bits > prefix.bits) {
    return Error::make(ErrorCode::invalidArgument,
                       std::string(text) + " is no prefix: its length goes from 0 to " + std::to_string(prefix.bits));
  }
  prefix.bits = static_cast<uint8_t>(bits);
  const IpAddress base = masked(prefix.base, bits);
  if (base != prefix.base) {
    return Error::make(ErrorCode::invalidArgument, std::string(text) + " has bits beyond its prefix: write " +
                                                       toString(base) + "/" + std::to_string(bits));
  }
  return prefix;
}

std::string toString(const AddressPrefix& prefix) {
  const std::string base = toString(prefix.base);
  return prefix.bits == addressBits(prefix.base.family) ? base : base + "/" + std::to_string(prefix.bits);
}

}  // namespace tunvs
