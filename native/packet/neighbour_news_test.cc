#include "packet/neighbour_news.h"

#include <cstring>

#include "packet/checksum.h"
#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::neighbour_news_test {
namespace {

using namespace testing;

constexpr HardwareAddress kStation = {0x02, 0x42, 0xac, 0x11, 0, 7};

TEST("a gratuitous ARP asks for the address that it has") {
  const auto arp = gratuitousArp(address("192.0.2.10"), kStation);
  const Bytes expected = {0,   1, 8, 0,  6, 4, 0, 1, 0x02, 0x42, 0xac, 0x11, 0, 7,
                          192, 0, 2, 10, 0, 0, 0, 0, 0,    0,    192,  0,    2, 10};
  CHECK(Bytes(arp.begin(), arp.end()) == expected);
}

TEST("an unsolicited advertisement overrides, goes to all nodes with the hop limit 255, and has a right checksum") {
  const IpAddress virtualAddress = address("2001:db8:9::9"), own = address("fe80::1");
  const auto packet = unsolicitedAdvertisement(virtualAddress, own, kStation, true);
  CHECK_EQ(loadBe16(&packet[4]), 32);
  CHECK_EQ(packet[6], 58);
  CHECK_EQ(packet[7], 255);
  CHECK(IpAddress::v6(&packet[8]) == own);
  const IpAddress allNodes = address("ff02::1");
  CHECK(IpAddress::v6(&packet[24]) == allNodes);
  CHECK_EQ(packet[40], 136);
  CHECK_EQ(packet[44], 0xa0);
  CHECK(IpAddress::v6(&packet[48]) == virtualAddress);
  CHECK_EQ(packet[64], 2);
  CHECK_EQ(packet[65], 1);
  CHECK(std::memcmp(&packet[66], kStation.data(), 6) == 0);
  CHECK_EQ(checksumFold(checksumAdd(&packet[40], 32, pseudoHeaderSum(own, allNodes, 58, 32))), 0xffff);
  CHECK_EQ(unsolicitedAdvertisement(virtualAddress, own, kStation, false)[44], 0x20);
}

TEST("everybody hears of an IPv4 address, and all IPv6 nodes of an IPv6 one") {
  CHECK_EQ(heardBy(Family::ipv4)[5], 0xff);
  CHECK_EQ(heardBy(Family::ipv6)[0], 0x33);
}

}  // namespace
}  // namespace tunvs::neighbour_news_test
