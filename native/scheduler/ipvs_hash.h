// IPVS's dh, sh, lblc and lblcr share this hash of an address.
#pragma once

#include "core/inet.h"

namespace tunvs {

// Takes IPv4 as one number in host order, and IPv6 as its four words xored.
inline uint32_t foldAddress(const IpAddress& address) {
  const uint8_t* bytes = address.bytes.data();
  if (address.isV4()) return loadBe32(bytes);
  return loadBe32(bytes) ^ loadBe32(bytes + 4) ^ loadBe32(bytes + 8) ^ loadBe32(bytes + 12);
}

// Returns the top `bits` bits after multiplying by 2^32 divided by the golden ratio squared (Knuth's multiplicative
// hash, as Linux has it). REQUIRES: 1 <= bits <= 32
constexpr uint32_t multiplicativeHash(uint32_t value, unsigned bits) { return value * 0x61c88647u >> (32 - bits); }

}  // namespace tunvs
