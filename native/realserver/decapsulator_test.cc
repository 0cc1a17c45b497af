#include "realserver/decapsulator.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <algorithm>

#include <cstring>

#include "io/packet/raw_egress.h"
#include "packet/checksum.h"
#include "support/failing_threads.h"
#include "support/network_namespace.h"
#include "support/testing.h"

namespace tunvs::decapsulator_test {
namespace {

const IpAddress kDirector = IpAddress::v4(10, 0, 0, 1);
const IpAddress kServer = IpAddress::v4(10, 0, 0, 11);
const IpAddress kVirtual = IpAddress::v4(192, 168, 50, 100);
constexpr uint16_t kPort = 5353;

void writeIpv4(uint8_t* at, uint8_t protocol, size_t length, IpAddress source, IpAddress destination) {
  const uint8_t header[20] = {0x45, 0, 0, 0, 0, 1, 0, 0, 63, protocol};
  std::memcpy(at, header, sizeof header);
  storeBe16(at + 2, static_cast<uint16_t>(length));
  std::memcpy(at + 12, source.bytes.data(), 4);
  std::memcpy(at + 16, destination.bytes.data(), 4);
  const Be16 check = checksum(at, 20);
  std::memcpy(at + 10, &check.raw, 2);
}

// Makes an IPIP packet with a UDP datagram of `payloadBytes` for the VIP (without checksum, as UDP allows).
std::vector<uint8_t> tunnelledDatagram(size_t payloadBytes, IpAddress director = kDirector) {
  std::vector<uint8_t> packet(48 + payloadBytes, 0x5a);
  writeIpv4(&packet[0], 4, packet.size(), director, kServer);
  writeIpv4(&packet[20], 17, packet.size() - 20, IpAddress::v4(198, 51, 100, 7), kVirtual);
  const uint16_t udp[4] = {htons(4000), htons(kPort), htons(static_cast<uint16_t>(8 + payloadBytes)), 0};
  std::memcpy(&packet[40], udp, sizeof udp);
  return packet;
}

bool send(RawEgress& egress, std::vector<uint8_t> packet) {
  const OutputPacket output{packet.data(), static_cast<uint32_t>(packet.size()), kServer};
  return egress.send({&output, 1}).sent == 1;
}

Result<std::unique_ptr<Decapsulator>> startDecapsulator() {
  return Decapsulator::start(
      {.device = "rs0", .directors = {AddressPrefix::of(kDirector)}, .virtualAddresses = {kVirtual}, .guePorts = {}});
}

// Makes one host director and real server at once: packets loop back.
bool setUpHost() {
  return testing::run(
             "ip link set lo up && ip addr add 10.0.0.1/32 dev lo && ip addr add 10.0.0.9/32 dev lo && "
             "ip addr add 10.0.0.11/32 dev lo && ip addr add 192.168.50.100/32 dev lo && ip link set rs0 up") &&
         testing::setSysctl("ipv4/conf/all/rp_filter", "0") && testing::setSysctl("ipv4/conf/rs0/rp_filter", "0");
}

UniqueFd openService() {
  UniqueFd service(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPort);
  std::memcpy(&address.sin_addr, kVirtual.bytes.data(), 4);
  CHECK_EQ(::bind(service.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return service;
}

// Returns the length of the next datagram, or -1 when none comes.
ssize_t receiveFrom(const UniqueFd& service) {
  pollfd wait{service.get(), POLLIN, 0};
  if (::poll(&wait, 1, 10000) != 1) return -1;
  uint8_t bytes[65536];
  return ::recv(service.get(), bytes, sizeof bytes, 0);
}

// Returns what `received` has to be (decap_counters.h).
uint64_t lawfulSum(const DecapCounters& counters) {
  uint64_t sum = counters.delivered + counters.writeFailed;
  for (const auto& info : kDecapCounterInfos) {
    if (std::ranges::find(kDecapVerdictNames, info.name) != std::end(kDecapVerdictNames)) sum += counters.*info.field;
  }
  return sum;
}

TEST_WITH_TUN("a tunnelled datagram gets to the service on the VIP, and others are counted by their reason") {
  auto decapsulator = startDecapsulator();
  REQUIRE(decapsulator.ok());
  REQUIRE(setUpHost());
  const UniqueFd service = openService();
  auto egress = RawEgress::open();
  REQUIRE(egress.ok());

  CHECK(send(*egress.value(), tunnelledDatagram(10, IpAddress::v4(10, 0, 0, 9))));
  auto spoiled = tunnelledDatagram(10);
  spoiled[30] ^= 1;
  CHECK(send(*egress.value(), spoiled));
  for (int i = 0; i < 100; i++) CHECK(send(*egress.value(), tunnelledDatagram(100)));
  CHECK(send(*egress.value(), tunnelledDatagram(20000)));
  for (int i = 0; i < 100; i++) REQUIRE(receiveFrom(service) == 100);
  CHECK_EQ(receiveFrom(service), 20000);

  // Deliveries are counted after they were written, so the counter may lag behind.
  constexpr uint64_t kBytes = 100 * 128 + 20028;
  CHECK(testing::eventually([&] { return decapsulator.value()->counters().deliveredBytes == kBytes; }));
  CHECK(testing::eventually([&] { return decapsulator.value()->counters().received == 103; }));
  const DecapCounters counters = decapsulator.value()->counters();
  CHECK_EQ(counters.delivered, 101u);
  CHECK_EQ(counters.unknownDirector, 1u);
  CHECK_EQ(counters.badInnerChecksum, 1u);
  CHECK_EQ(counters.writeFailed, 0u);
  CHECK_EQ(counters.socketFull, 0u);
  CHECK_EQ(counters.received, lawfulSum(counters));
  CHECK_EQ(decapsulator.value()->failure(), "");
}

TEST_WITH_TUN("what can't be written to the device is counted, and received is still the sum") {
  auto decapsulator = startDecapsulator();
  REQUIRE(decapsulator.ok());
  REQUIRE(setUpHost());
  REQUIRE(testing::run("ip link set rs0 down"));
  auto egress = RawEgress::open();
  REQUIRE(egress.ok());
  CHECK(send(*egress.value(), tunnelledDatagram(10)));
  CHECK(testing::eventually([&] { return decapsulator.value()->counters().writeFailed == 1; }));
  const DecapCounters counters = decapsulator.value()->counters();
  CHECK_EQ(counters.received, 1u);
  CHECK_EQ(counters.received, lawfulSum(counters));
  CHECK_EQ(counters.delivered, 0u);
}

TEST_WITH_TUN("a device that somebody deletes ends the decapsulator, which says so even if no packet comes") {
  auto decapsulator = startDecapsulator();
  REQUIRE(decapsulator.ok());
  REQUIRE(setUpHost());
  CHECK_EQ(decapsulator.value()->failure(), "");
  REQUIRE(testing::run("ip link delete rs0"));
  CHECK(testing::eventually([&] { return !decapsulator.value()->failure().empty(); }));
  CHECK_EQ(decapsulator.value()->failure(), "the device rs0 is gone: somebody has deleted it");
}

TEST_WITH_TUN("a decapsulator can be started again at once, and its device goes with it") {
  for (int i = 0; i < 3; i++) {
    auto decapsulator = startDecapsulator();
    REQUIRE(decapsulator.ok());
    CHECK_EQ(decapsulator.value()->device(), "rs0");
    CHECK(!startDecapsulator().ok());
  }
}

TEST_WITH_TUN("a decapsulator without a thread is an error, leaves no device, and can be started later") {
  {
    const testing::FailingThreads none;
    const auto decapsulator = startDecapsulator();
    REQUIRE(!decapsulator.ok());
    CHECK(testing::saysThreads(decapsulator.error()));
    CHECK(testing::run("! ip link show rs0 >/dev/null 2>&1"));
  }
  CHECK(startDecapsulator().ok());
}

}  // namespace
}  // namespace tunvs::decapsulator_test
