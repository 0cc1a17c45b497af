// Writes the packets that tell a LAN which station has an address now: a gratuitous ARP request (RFC 5227 section 3)
// and an unsolicited neighbour advertisement (RFC 4861 section 7.2.6).
#pragma once

#include <array>
#include <cstdint>

#include "core/inet.h"

namespace tunvs {

using HardwareAddress = std::array<uint8_t, 6>;

constexpr size_t kArpBytes = 28;
constexpr size_t kAdvertisementBytes = 72;

// Writes an ARP request whose sender and target are `address`. REQUIRES: address.isV4()
std::array<uint8_t, kArpBytes> gratuitousArp(const IpAddress& address, const HardwareAddress& station);

// Writes an IPv6 packet to all nodes, which replaces what they know of `address`. `source` is an address of the sending
// interface. REQUIRES: both are IPv6.
std::array<uint8_t, kAdvertisementBytes> unsolicitedAdvertisement(const IpAddress& address, const IpAddress& source,
                                                                  const HardwareAddress& station, bool isRouter);

// Returns the station that hears the packet: everybody, or all IPv6 nodes.
HardwareAddress heardBy(Family family);

}  // namespace tunvs
