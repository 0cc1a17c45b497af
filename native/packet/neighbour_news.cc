#include "packet/neighbour_news.h"

#include <cassert>
#include <cstring>

#include "core/header_bytes.h"
#include "packet/checksum.h"

namespace tunvs {
namespace {

constexpr uint16_t kEthernet = 1;
constexpr uint16_t kIpv4EtherType = 0x0800;
constexpr uint16_t kRequest = 1;
constexpr uint8_t kNeighbourAdvertisement = 136;
constexpr uint8_t kRouterFlag = 0x80;
constexpr uint8_t kOverrideFlag = 0x20;
constexpr uint8_t kTargetLinkLayerAddress = 2;
// A receiver refuses any other, since a router would have lowered it (RFC 4861 section 7.1.2).
constexpr uint8_t kHopLimit = 255;
constexpr std::array<uint8_t, 16> kAllNodes = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

}  // namespace

std::array<uint8_t, kArpBytes> gratuitousArp(const IpAddress& address, const HardwareAddress& station) {
  assert(address.isV4());
  std::array<uint8_t, kArpBytes> arp{};
  storeBe16(&arp[0], kEthernet);
  storeBe16(&arp[2], kIpv4EtherType);
  arp[4] = static_cast<uint8_t>(station.size());
  arp[5] = 4;
  storeBe16(&arp[6], kRequest);
  std::memcpy(&arp[8], station.data(), station.size());
  std::memcpy(&arp[14], address.bytes.data(), 4);
  // The target's station is ignored, and stays zero.
  std::memcpy(&arp[24], address.bytes.data(), 4);
  return arp;
}

std::array<uint8_t, kAdvertisementBytes> unsolicitedAdvertisement(const IpAddress& address, const IpAddress& source,
                                                                  const HardwareAddress& station, bool isRouter) {
  assert(!address.isV4() && !source.isV4());
  std::array<uint8_t, kAdvertisementBytes> packet{};
  constexpr auto kLength = static_cast<uint16_t>(kAdvertisementBytes - kIpv6HeaderBytes);
  packet[0] = 0x60;
  storeBe16(&packet[4], kLength);
  packet[6] = static_cast<uint8_t>(IpProtocol::icmpv6);
  packet[7] = kHopLimit;
  std::memcpy(&packet[8], source.bytes.data(), 16);
  std::memcpy(&packet[24], kAllNodes.data(), 16);
  uint8_t* icmp = &packet[kIpv6HeaderBytes];
  icmp[0] = kNeighbourAdvertisement;
  icmp[4] = static_cast<uint8_t>(kOverrideFlag | (isRouter ? kRouterFlag : 0));
  std::memcpy(icmp + 8, address.bytes.data(), 16);
  icmp[24] = kTargetLinkLayerAddress;
  icmp[25] = 1;  // in units of 8 bytes
  std::memcpy(icmp + 26, station.data(), station.size());
  const uint64_t pseudo =
      pseudoHeaderSum(source, IpAddress::v6(kAllNodes.data()), static_cast<uint8_t>(IpProtocol::icmpv6), kLength);
  const Be16 sum = checksum(icmp, kLength, pseudo);
  std::memcpy(icmp + 2, &sum.raw, sizeof sum.raw);
  return packet;
}

HardwareAddress heardBy(Family family) {
  if (family == Family::ipv4) return {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  return {0x33, 0x33, 0, 0, 0, 1};
}

}  // namespace tunvs
