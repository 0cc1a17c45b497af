#include "io/packet/raw_egress.h"

#include <cerrno>
#include <cstring>

#include "io/egress_list.h"
#include "io/tun/tun_device.h"
#include "packet/checksum.h"
#include "support/network_namespace.h"
#include "support/testing.h"

namespace tunvs::raw_egress_test {
namespace {

std::vector<uint8_t> ipipPacket(size_t length, IpAddress destination, bool dontFragment) {
  std::vector<uint8_t> packet(length, 0x5a);
  const uint8_t header[20] = {0x45, 0, 0,  0, 0, 0, static_cast<uint8_t>(dontFragment ? 0x40 : 0), 0, 64, 4,
                              0,    0, 10, 9, 0, 1};
  std::memcpy(packet.data(), header, sizeof header);
  storeBe16(&packet[2], static_cast<uint16_t>(length));
  std::memcpy(&packet[16], destination.bytes.data(), 4);
  const Be16 check = checksum(packet.data(), 20);
  std::memcpy(&packet[10], &check.raw, 2);
  return packet;
}

const IpAddress kServer = IpAddress::v4(10, 9, 9, 9);

// Opens a TUN device with 10.9.0.1, to which 10.9.9.9 is routed.
std::unique_ptr<TunDevice> openNetwork() {
  auto device = TunDevice::open({.name = "out0", .maxPacketBytes = 3000});
  if (!CHECK(device.ok())) return nullptr;
  testing::setSysctl("ipv6/conf/out0/disable_ipv6", "1");
  testing::run(
      "ip link set out0 up mtu 1500 && ip addr add 10.9.0.1/24 dev out0 && ip route add 10.9.9.9 dev out0 mtu 1400 && "
      "ip link set lo up");
  return std::move(device).value();
}

int family = 0;
std::vector<size_t> runs;

int recordRun(int, mmsghdr* messages, unsigned count, int) {
  const auto* address = static_cast<const sockaddr*>(messages[0].msg_hdr.msg_name);
  family = address->sa_family;
  runs.push_back(count);
  return static_cast<int>(count);
}

TEST_WITH_TUN(
    "the raw egress puts packets on the wire as they are, and one that can't go does not hold up the others") {
  const auto device = openNetwork();
  REQUIRE(device != nullptr);
  auto egress = RawEgress::open();
  REQUIRE(egress.ok());
  const IpAddress nowhere = IpAddress::v4(172, 16, 0, 1);
  auto first = ipipPacket(100, kServer, true);
  auto unroutable = ipipPacket(100, nowhere, true);
  auto tooLongForRoute = ipipPacket(1450, kServer, true);
  auto tooLongForLink = ipipPacket(1600, kServer, false);
  auto last = ipipPacket(1400, kServer, true);
  std::vector<OutputPacket> packets;
  for (auto* packet : {&first, &unroutable, &tooLongForRoute, &tooLongForLink, &last}) {
    packets.push_back(
        {packet->data(), static_cast<uint32_t>(packet->size()), packet == &unroutable ? nowhere : kServer});
  }
  const SendResult result = egress.value()->send(packets);
  CHECK_EQ(result.sent, 2u);
  CHECK_EQ(result.noRoute, 1u);
  CHECK_EQ(result.tooLong, 2u);
  PacketVector vector(3000);
  CHECK_EQ(device->queue(0).receive(vector).value(), 2u);
  CHECK_EQ(std::vector<uint8_t>(vector[0].data, vector[0].data + vector[0].length), first);
  CHECK_EQ(std::vector<uint8_t>(vector[1].data, vector[1].data + vector[1].length), last);
}

TEST_WITH_TUN("the kernel fragments what the raw egress sends with DF clear, up to the link's MTU") {
  const auto device = openNetwork();
  REQUIRE(device != nullptr);
  auto egress = RawEgress::open();
  REQUIRE(egress.ok());
  auto packet = ipipPacket(1500, kServer, false);
  const OutputPacket output{packet.data(), 1500, kServer};
  CHECK_EQ(egress.value()->send({&output, 1}).sent, 1u);
  PacketVector vector(3000);
  REQUIRE(device->queue(0).receive(vector).value() == 2);
  CHECK_EQ(loadBe16(vector[0].data + 6) & 0x2000, 0x2000);
  CHECK_EQ(vector[0].length + vector[1].length, 1520u);
}

TEST("the raw egress sends runs of packets of one IP version, in order") {
  if (auto egress = RawEgress::open(recordRun); egress.ok()) {
    auto ipv4 = ipipPacket(40, kServer, true);
    std::vector<uint8_t> ipv6(60, 0);
    ipv6[0] = 0x60;
    std::vector<OutputPacket> packets(70, OutputPacket{ipv4.data(), 40, kServer});
    uint8_t loopback[16] = {};
    loopback[15] = 1;
    packets.push_back({ipv6.data(), 60, IpAddress::v6(loopback)});
    runs.clear();
    const SendResult result = egress.value()->send(packets);
    CHECK_EQ(result.sent, 71u);
    CHECK_EQ(runs, std::vector<size_t>{64, 6, 1});
    CHECK_EQ(family, AF_INET6);
  } else {
    SKIP("needs CAP_NET_RAW");
  }
}

TEST("a packet without room for its header is counted as failed and not sent") {
  if (auto egress = RawEgress::open(recordRun); egress.ok()) {
    uint8_t bytes[20] = {0x45};
    const OutputPacket packets[] = {{bytes, 0, kServer}, {bytes, 19, kServer}};
    runs.clear();
    CHECK_EQ(egress.value()->send(packets).failed, 2u);
    CHECK(runs.empty());
  } else {
    SKIP("needs CAP_NET_RAW");
  }
}

TEST("an egress is opened by its name, and an unknown name is refused with the names there are") {
  EgressContext context;
  const auto unknown = openEgress("pigeon", context);
  REQUIRE(!unknown.ok());
  CHECK(unknown.error().code == ErrorCode::invalidArgument);
  CHECK(unknown.error().message.find("auto, packet, raw, tun") != std::string::npos);
  CHECK_EQ(egressNames().size(), 3u);

  const auto tun = openEgress("tun", context);
  REQUIRE(!tun.ok());
  CHECK(tun.error().code == ErrorCode::unsupported);
  context.tunDescriptor = 0;
  auto opened = openEgress("tun", context);
  REQUIRE(opened.ok());
  CHECK_EQ(opened.value()->name(), "tun");
}

TEST("auto takes the packet egress where it can, and says why it passes one over") {
  EgressContext context;
  std::vector<PassedOver> passedOver;
  auto opened = openEgress("auto", context, &passedOver);
  if (opened.ok()) {
    CHECK_EQ(opened.value()->name(), "packet");
    CHECK(passedOver.empty());
    CHECK(context.resolver != nullptr);
  } else {
    CHECK_EQ(passedOver.size(), 3u);
    for (const PassedOver& entry : passedOver) CHECK(!entry.reason.empty());
  }
}

}  // namespace
}  // namespace tunvs::raw_egress_test
