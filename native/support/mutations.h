// Packets that somebody has damaged, or made up.
#pragma once

#include <algorithm>
#include <cstring>

#include "packet/checksum.h"
#include "support/packet_builder.h"
#include "support/random.h"

namespace tunvs::testing {

// Makes an IPv4 header's checksum right. REQUIRES: a header of 20 bytes
inline void sealIpv4(Bytes& packet) {
  std::fill_n(&packet[10], 2, uint8_t{0});
  const Be16 check = checksum(packet.data(), 20);
  std::memcpy(&packet[10], &check.raw, 2);
}

// Changes up to two bits, half of them in the first bytes, where `headerBytes` headers are, and at times the length.
// REQUIRES: an IP packet
inline Bytes mutated(Bytes packet, Random& random, uint32_t headerBytes) {
  for (uint32_t changes = random.below(3); changes > 0; changes--) {
    const auto size = static_cast<uint32_t>(packet.size());
    packet[random.below(random.oneIn(2) ? std::min(headerBytes, size) : size)] ^=
        static_cast<uint8_t>(1 << random.below(8));
  }
  if (random.oneIn(8)) packet.resize(20 + random.below(static_cast<uint32_t>(packet.size()) - 20));
  if (random.oneIn(8)) packet.resize(packet.size() + random.below(20));
  // So that not all end with the header's checksum.
  if (packet[0] >> 4 == 4 && !random.oneIn(4)) sealIpv4(packet);
  return packet;
}

}  // namespace tunvs::testing
