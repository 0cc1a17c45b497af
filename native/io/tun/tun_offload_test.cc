#include "io/tun/tun_offload.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <set>

#include "io/os/tun_uapi.h"
#include "io/os/unique_fd.h"
#include "io/port/segment_burst.h"
#include "io/tun/tun_device.h"
#include "io/tun/tun_egress.h"
#include "packet/transport_checksum.h"
#include "support/network_namespace.h"
#include "support/super_packets.h"
#include "support/testing.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace tunvs::tun_offload_test {
namespace {

using testing::Bytes;
using testing::SuperPacket;

bool contains(const Error& error, const char* text) { return error.message.find(text) != std::string::npos; }

OffloadChoice choiceOf(const std::vector<std::string>& names) { return OffloadChoice::parse(names).value(); }

std::unique_ptr<TunDevice> open(const std::string& name, OffloadChoice choice) {
  auto device = TunDevice::open({.name = name, .offloads = choice});
  return device ? std::move(device).value() : nullptr;
}

bool route(const std::string& name) {
  return testing::run("ip link set " + name + " up mtu 1500 && ip route replace 192.0.2.0/24 dev " + name +
                      " && ip -6 route replace 2001:db8::/64 dev " + name);
}

// Returns all that waits in a queue, finished, in order. `superPackets` counts what was still to be cut.
std::vector<Bytes> readFinished(DeviceQueue& queue, size_t& superPackets) {
  std::vector<Bytes> read;
  SegmentRoom room;
  PacketVector vector(kMaxPacketBytes);
  SegmentBurst burst(room, [&](std::span<const OutputPacket> packets) {
    for (const OutputPacket& packet : packets) read.emplace_back(packet.data, packet.data + packet.length);
  });
  while (queue.receive(vector).value() > 0) {
    for (const Packet& packet : vector.packets()) {
      const OutputPacket output{packet.data, packet.length, IpAddress(), packet.offload};
      if (packet.offload.isNone()) {
        burst.add(output);
        continue;
      }
      superPackets += packet.offload.segmentBytes != 0 ? 1 : 0;
      CHECK(burst.addFinished(output) > 0);
    }
    burst.flush();
  }
  return read;
}

// Sends a packet of each kind into one device; the kernel forwards them to another, which is read with these offloads.
std::vector<Bytes> forwarded(std::vector<SuperPacket> packets, OffloadChoice choice, size_t& superPackets) {
  auto in = open("in", OffloadChoice::automatic()), out = open("out", choice);
  if (!CHECK(in != nullptr && out != nullptr)) return {};
  CHECK(route("in") && route("out"));
  CHECK(testing::setSysctl("ipv4/ip_forward", "1") && testing::setSysctl("ipv6/conf/all/forwarding", "1"));
  CHECK(testing::setSysctl("ipv4/conf/all/rp_filter", "0") && testing::setSysctl("ipv4/conf/in/rp_filter", "0"));
  TunEgress egress(in->descriptor(0), /*hasVnetHeader=*/true);
  for (SuperPacket& packet : packets) {
    Bytes room(32 + packet.bytes.size());
    std::copy(packet.bytes.begin(), packet.bytes.end(), room.begin() + 32);
    OutputPacket output = packet.output();
    output.data = room.data() + 32;
    CHECK(egress.canOffload(output));
    CHECK_EQ(egress.send({&output, 1}).sent, 1u);
  }
  CHECK_EQ(egress.offloadsRefused(), 0u);
  std::vector<Bytes> read = readFinished(out->queue(0), superPackets);
  CHECK_EQ(out->queue(0).readCounts().superPackets, superPackets);
  CHECK_EQ(out->queue(0).readCounts().badOffloads, 0u);
  // The host's own packets, such as router solicitations, are not what is compared.
  std::erase_if(read, [](const Bytes& packet) { return packet[0] >> 4 == 6 && packet[24] == 0xff; });
  return read;
}

void sendDatagrams(uint16_t segmentBytes, size_t bytes) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const int segment = segmentBytes;
  CHECK_EQ(::setsockopt(socket.get(), IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment), 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  to.sin_addr.s_addr = htonl(0xc0000209);
  const std::vector<uint8_t> payload(bytes, 0x5a);
  CHECK_EQ(::sendto(socket.get(), payload.data(), bytes, 0, reinterpret_cast<sockaddr*>(&to), sizeof to),
           static_cast<ssize_t>(bytes));
}

// Without IPv6 the host sends no packets of its own.
bool routeWithSource(const std::string& name) {
  return testing::setSysctl("ipv6/conf/" + name + "/disable_ipv6", "1") &&
         testing::run("ip link set " + name + " up mtu 1500 && ip addr add 10.9.0.1/24 dev " + name +
                      " && ip route add 192.0.2.0/24 dev " + name);
}

std::vector<uint32_t> lengthsOf(DeviceQueue& queue) {
  std::vector<uint32_t> lengths;
  PacketVector vector(kMaxPacketBytes);
  while (queue.receive(vector).value() > 0) {
    for (const Packet& packet : vector.packets()) lengths.push_back(packet.length);
  }
  return lengths;
}

}  // namespace

TEST("offloads are chosen all, none or by name, and what is none is refused with those that there are") {
  CHECK(choiceOf({"auto"}).allows(OffloadFeature::tso) && choiceOf({"auto"}).allows(OffloadFeature::uso));
  CHECK(!choiceOf({"auto"}).demands(OffloadFeature::tso) && !choiceOf({"auto"}).isOff());
  CHECK(choiceOf({"off"}).isOff());
  CHECK(choiceOf({"uso"}).demands(OffloadFeature::uso) && !choiceOf({"uso"}).allows(OffloadFeature::tso));
  CHECK(choiceOf({"tso", "uso"}).demands(OffloadFeature::tso));
  for (const std::vector<std::string>& names :
       {std::vector<std::string>{}, {"auto", "tso"}, {"off", "off"}, {"gro"}, {"tso", ""}}) {
    const auto choice = OffloadChoice::parse(names);
    if (CHECK(!choice.ok())) CHECK(contains(choice.error(), "tso, uso"));
  }
}

TEST_WITH_TUN("what is cut here is byte for byte what the kernel would have cut") {
  constexpr uint8_t kPsh = 0x08, kEce = 0x40, kCwr = 0x80;
  std::vector<SuperPacket> packets;
  for (const size_t payload : {1473u, 2896u, 2897u, 30000u, 60001u}) {
    packets.push_back(testing::tcp4(payload, 1448));
    packets.push_back(testing::tcp4(payload, 536, kTcpAck | kTcpFin | kPsh));
    packets.push_back(testing::tcp4(payload, 1448, kTcpAck | kPsh | kEce | kCwr));
    packets.push_back(testing::tcp6(payload, 1428, 0, kTcpAck | kTcpFin | kPsh));
    packets.push_back(testing::tcp6(payload, 1400, 2, kTcpAck | kEce | kCwr));
    packets.push_back(testing::udp4(payload, 1472));
  }
  for (SuperPacket& packet : packets)
    packet.bytes[1] |= packet.bytes[0] >> 4 == 4 ? 3 : 0x30;  // congestion experienced
  for (SuperPacket& packet : packets) {
    if (packet.bytes[0] >> 4 == 6) continue;
    packet.bytes[10] = packet.bytes[11] = 0;
    const Be16 check = checksum(packet.bytes.data(), 20);
    std::memcpy(&packet.bytes[10], &check.raw, 2);
  }
  size_t ours = 0, theirs = 0;
  const std::vector<Bytes> cutHere = forwarded(packets, choiceOf({"auto"}), ours);
  const std::vector<Bytes> cutByKernel = forwarded(packets, choiceOf({"off"}), theirs);
  CHECK_EQ(theirs, 0u);
  CHECK_EQ(ours, packets.size());
  CHECK(cutByKernel.size() > 500);
  REQUIRE(cutHere.size() == cutByKernel.size());
  for (size_t i = 0; i < cutHere.size(); i++) CHECK(cutHere[i] == cutByKernel[i]);
}

TEST_WITH_TUN("datagrams of one send are read as one packet with USO, and each by itself without") {
  const struct {
    OffloadChoice choice;
    std::vector<uint32_t> lengths;
  } table[] = {
      {choiceOf({"uso"}), {28 + 2500}},
      {choiceOf({"tso"}), {1028, 1028, 528}},
      {choiceOf({"off"}), {1028, 1028, 528}},
  };
  for (const auto& row : table) {
    auto device = open("tunvs0", row.choice);
    REQUIRE(device != nullptr && routeWithSource("tunvs0"));
    sendDatagrams(1000, 2500);
    CHECK(lengthsOf(device->queue(0)) == row.lengths);
    CHECK_EQ(device->offloads().uso, row.choice.allows(OffloadFeature::uso));
    CHECK_EQ(device->offloads().states[1].isInForce, device->offloads().uso);
    CHECK_EQ(device->offloads().states[1].reason.empty(), device->offloads().uso);
  }
}

TEST_WITH_TUN("a checksum that the kernel left unfinished is finished, and right") {
  auto device = open("tunvs0", choiceOf({"auto"}));
  REQUIRE(device != nullptr && routeWithSource("tunvs0"));
  sendDatagrams(1000, 300);
  PacketVector vector(kMaxPacketBytes);
  REQUIRE(device->queue(0).receive(vector).value() == 1);
  Packet& packet = vector[0];
  CHECK(packet.offload.kind == OffloadKind::udpChecksum);
  const auto isRight = [&] {
    return transportChecksumIsRight(IpAddress::v4(10, 9, 0, 1), IpAddress::v4(192, 0, 2, 9), 17,
                                    {packet.data + 20, packet.length - 20});
  };
  CHECK(!isRight());
  CHECK(finishChecksum({packet.data, packet.length}, 20, 6));
  CHECK(isRight());
}

TEST_WITH_TUN("a host's own VXLAN packets come with right checksums, theirs and that within") {
  constexpr size_t kOuter = 20, kInner = kOuter + 8 + 8 + 14;
  auto device = open("tunvs0", choiceOf({"auto"}));
  REQUIRE(device != nullptr);
  REQUIRE(testing::run("ip link set tunvs0 up && ip addr add 10.9.0.1/24 dev tunvs0"));
  if (!testing::run("ip link add vx type vxlan id 1 remote 10.9.0.9 dev tunvs0 dstport 4789"))
    SKIP("needs a kernel with VXLAN");
  REQUIRE(
      testing::run("ip link set vx up && ip addr add 10.8.0.1/24 dev vx && ip route add 192.0.2.0/24 dev vx && "
                   "ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:02 dev vx"));
  sendDatagrams(1000, 300);
  PacketVector vector(kMaxPacketBytes);
  size_t seen = 0;
  while (device->queue(0).receive(vector).value() > 0) {
    for (Packet& packet : vector.packets()) {
      if (packet.length != kInner + 20 + 8 + 300) continue;  // what the host itself says on a new link
      seen++;
      const Offload& offload = packet.offload;
      if (!offload.isNone())
        CHECK(finishChecksum({packet.data, packet.length}, offload.checksumStart, offload.checksumField()));
      const std::span<const uint8_t> bytes(packet.data, packet.length);
      CHECK(transportChecksumIsRight(IpAddress::v4(10, 8, 0, 1), IpAddress::v4(192, 0, 2, 9), 17,
                                     bytes.subspan(kInner + 20)));
      CHECK(
          transportChecksumIsRight(IpAddress::v4(10, 9, 0, 1), IpAddress::v4(10, 9, 0, 9), 17, bytes.subspan(kOuter)));
      CHECK(offload.isNone() || offload.checksumStart == kOuter);
    }
  }
  CHECK_EQ(seen, 1u);
}

TEST_WITH_TUN("a device that stays is left without offloads, and taken without those that were left") {
  REQUIRE(testing::run("ip tuntap add dev ready mode tun multi_queue"));
  REQUIRE(routeWithSource("ready"));
  // Somebody else leaves them behind.
  {
    const UniqueFd fd(::open(uapi::kTunPath, O_RDWR | O_NONBLOCK | O_CLOEXEC));
    uapi::InterfaceRequest request{};
    std::strcpy(request.name, "ready");
    request.flags = uapi::kIffTun | uapi::kIffNoPacketInfo | uapi::kIffMultiQueue | uapi::kIffVnetHeader;
    REQUIRE(::ioctl(fd.get(), uapi::kTunSetInterface, &request) == 0);
    int bytes = 12;
    CHECK_EQ(::ioctl(fd.get(), uapi::kTunSetVnetHeaderBytes, &bytes), 0);
    CHECK_EQ(::ioctl(fd.get(), uapi::kTunSetOffload, 0x61ul), 0);
  }
  const auto lengths = [](const char* choice) {
    auto device = open("ready", choiceOf({choice}));
    std::vector<uint32_t> read;
    // The kernel starts a link that has just got its carrier in the background.
    CHECK(device != nullptr && testing::eventually([&] {
            sendDatagrams(1000, 2000);
            return !(read = lengthsOf(device->queue(0))).empty();
          }));
    return std::set<uint32_t>(read.begin(), read.end());
  };
  CHECK(lengths("off") == std::set<uint32_t>{1028});
  CHECK(lengths("auto") == std::set<uint32_t>{2028});
  CHECK(lengths("off") == std::set<uint32_t>{1028});
  // What is left behind is seen by a reader that sets nothing.
  CHECK(lengths("auto") == std::set<uint32_t>{2028});
  const UniqueFd fd(::open(uapi::kTunPath, O_RDWR | O_NONBLOCK | O_CLOEXEC));
  uapi::InterfaceRequest request{};
  std::strcpy(request.name, "ready");
  request.flags = uapi::kIffTun | uapi::kIffNoPacketInfo | uapi::kIffMultiQueue;
  REQUIRE(::ioctl(fd.get(), uapi::kTunSetInterface, &request) == 0);
  ssize_t length = -1;
  CHECK(testing::eventually([&] {
    sendDatagrams(1000, 2000);
    uint8_t buffer[4096];
    length = ::read(fd.get(), buffer, sizeof buffer);
    return length > 0;
  }));
  CHECK_EQ(length, 1028);
}

TEST_WITH_TUN("a packet that is longer than allowed is counted, and one that is still to be cut may be longer") {
  auto device = TunDevice::open({.name = "tunvs0", .maxPacketBytes = 1200, .offloads = choiceOf({"uso"})});
  REQUIRE(device.ok() && routeWithSource("tunvs0"));
  CHECK_EQ(device.value()->maxPacketBytes(), kMaxPacketBytes);
  sendDatagrams(1300, 1300);
  sendDatagrams(1000, 60000);
  sendDatagrams(1000, 100);
  DeviceQueue& queue = device.value()->queue(0);
  CHECK(lengthsOf(queue) == (std::vector<uint32_t>{60028, 128}));
  CHECK_EQ(queue.oversized(), 1u);
  CHECK_EQ(queue.readCounts().superPackets, 1u);
}

TEST_WITH_TUN("packets of a vector lie close together with room in front, and long ones end it early") {
  auto device = open("tunvs0", choiceOf({"uso"}));
  REQUIRE(device != nullptr && routeWithSource("tunvs0"));
  PacketVector vector(kMaxPacketBytes);
  for (int i = 0; i < 64; i++) sendDatagrams(1000, 100);
  CHECK_EQ(device->queue(0).receive(vector).value(), 64u);
  for (size_t i = 1; i < 64; i++) {
    CHECK(vector[i].data >= vector[i - 1].data + vector[i - 1].length + kHeadroom);
    CHECK(vector[i].data <= vector[i - 1].data + vector[i - 1].length + kHeadroom + 128);
    CHECK(vector.owns(vector[i].data));
  }
  for (int i = 0; i < 10; i++) sendDatagrams(1000, 60000);
  const size_t first = device->queue(0).receive(vector).value();
  CHECK(first > 1 && first < 10);
  CHECK_EQ(device->queue(0).receive(vector).value() + first, 10u);
}

TEST_WITH_TUN("the host takes a packet that is still to be cut, with all of its payload") {
  auto device = open("tunvs0", choiceOf({"auto"}));
  REQUIRE(device != nullptr && route("tunvs0"));
  REQUIRE(testing::run("ip link set lo up && ip addr add 192.0.2.10/32 dev lo"));
  REQUIRE(testing::setSysctl("ipv4/conf/all/rp_filter", "0") && testing::setSysctl("ipv4/conf/tunvs0/rp_filter", "0"));
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(53);
  REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
  SuperPacket packet = testing::udp4(2500, 1000);
  Bytes room(32);
  room.insert(room.end(), packet.bytes.begin(), packet.bytes.end());
  OutputPacket output = packet.output();
  output.data = room.data() + 32;
  TunEgress egress(device->descriptor(0), true);
  CHECK_EQ(egress.send({&output, 1}).sent, 1u);
  std::vector<ssize_t> lengths;
  uint8_t buffer[4096];
  for (ssize_t length; (length = ::recv(socket.get(), buffer, sizeof buffer, 0)) >= 0;) lengths.push_back(length);
  CHECK(lengths == (std::vector<ssize_t>{1000, 1000, 500}));
}

namespace {
size_t refusedWrites, finishedWrites;
// Refuses what is still to be cut.
ssize_t refuseOffloads(int, const void* bytes, size_t length) {
  if (static_cast<const uint8_t*>(bytes)[1] != 0) {
    refusedWrites++;
    errno = EINVAL;
    return -1;
  }
  finishedWrites++;
  return static_cast<ssize_t>(length);
}
}  // namespace

TEST("what the kernel refuses to cut is cut here, nothing is lost, and no more is offered") {
  TunEgress egress(-1, true, refuseOffloads);
  SuperPacket packet = testing::tcp4(5000, 1000);
  Bytes room(32);
  room.insert(room.end(), packet.bytes.begin(), packet.bytes.end());
  OutputPacket output = packet.output();
  output.data = room.data() + 32;
  CHECK(egress.canOffload(output));
  CHECK_EQ(egress.send({&output, 1}).sent, 1u);
  CHECK_EQ(refusedWrites, 1u);
  CHECK_EQ(finishedWrites, 5u);
  CHECK_EQ(egress.offloadsRefused(), 1u);
  CHECK(!egress.canOffload(output));
}

TEST("the kernel would lose what is still to be cut behind an outer header, so it is not offered that") {
  SuperPacket packet = testing::tcp4(5000, 1000);
  OutputPacket output = packet.output();
  output.outerBytes = 20;
  CHECK(!TunEgress(-1, true).canOffload(output));
  CHECK(!TunEgress(-1, false).canOffload(packet.output()));
}

}  // namespace tunvs::tun_offload_test
