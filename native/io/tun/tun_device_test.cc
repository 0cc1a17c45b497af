#include "io/tun/tun_device.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/route/netlink.h"
#include "support/network_namespace.h"
#include "support/testing.h"

namespace tunvs::tun_device_test {
namespace {

bool contains(const Error& error, const char* text) { return error.message.find(text) != std::string::npos; }

bool linkExists(const std::string& name) {
  auto netlink = Netlink::open();
  return netlink.ok() && netlink.value()->link(name).ok();
}

// Sends a UDP datagram of `payloadBytes` to 10.9.9.9.
void sendTo9(size_t payloadBytes) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  to.sin_addr.s_addr = htonl(0x0a090909);
  const std::vector<uint8_t> payload(payloadBytes, 0x5a);
  const ssize_t sent =
      ::sendto(socket.get(), payload.data(), payload.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
  CHECK_EQ(sent, static_cast<ssize_t>(payloadBytes));
}

bool routeToDevice(const std::string& name) {
  return testing::setSysctl("ipv6/conf/" + name + "/disable_ipv6", "1") &&
         testing::run("ip link set " + name + " up && ip addr add 10.9.0.1/24 dev " + name +
                      " && ip route add 10.9.9.9 dev " + name);
}

TEST("impossible options of a TUN device are refused with those that are possible") {
  for (const char* name : {"", "a/b", "sixteen-bytes-xx", "a b", "..", "a:b"}) {
    const auto device = TunDevice::open({.name = name});
    if (CHECK(!device.ok())) CHECK(device.error().code == ErrorCode::invalidArgument);
  }
  for (const size_t queues : {0u, 257u}) {
    const auto device = TunDevice::open({.queues = queues});
    if (CHECK(!device.ok())) CHECK(contains(device.error(), "1 to 256 queues"));
  }
  const auto device = TunDevice::open({.maxPacketBytes = 70000});
  if (CHECK(!device.ok())) CHECK(contains(device.error(), "maxPacketBytes"));
}

TEST_WITH_TUN("a created TUN device gives what is routed into it and goes with its object") {
  auto opened = TunDevice::open({.name = "tunvs%d", .queues = 2});
  REQUIRE(opened.ok());
  std::unique_ptr<TunDevice> device = std::move(opened).value();
  CHECK_EQ(device->name(), "tunvs0");
  CHECK_EQ(device->queueCount(), 2u);
  CHECK(!device->attached());
  REQUIRE(routeToDevice("tunvs0"));
  PacketVector vector(device->maxPacketBytes());
  CHECK_EQ(device->queue(0).receive(vector).value(), 0u);

  for (int i = 0; i < 10; i++) sendTo9(100);
  // The kernel chooses the queue by flow.
  size_t received = 0;
  for (size_t i = 0; i < 2; i++) {
    received += device->queue(i).receive(vector).value();
    for (const Packet& packet : vector.packets()) {
      CHECK_EQ(packet.length, 128u);
      CHECK_EQ(packet.data[0], 0x45);
      CHECK_EQ(packet.data[127], 0x5a);
    }
  }
  CHECK_EQ(received, 10u);
  device.reset();
  CHECK(!linkExists("tunvs0"));
}

TEST_WITH_TUN("a TUN packet longer than the vector's buffers is dropped and counted, one that just fits is not") {
  auto device = TunDevice::open({.name = "tunvs0", .maxPacketBytes = 200});
  REQUIRE(device.ok());
  REQUIRE(routeToDevice("tunvs0"));
  PacketVector vector(200);
  sendTo9(172);
  sendTo9(173);
  sendTo9(1000);
  sendTo9(10);
  CHECK_EQ(device.value()->queue(0).receive(vector).value(), 2u);
  CHECK_EQ(vector[0].length, 200u);
  CHECK_EQ(vector[1].length, 38u);
  CHECK_EQ(device.value()->queue(0).oversized(), 2u);
}

TEST_WITH_TUN(
    "a vector full of packets that do not fit leaves its neighbours alone, even if buffers lie without a gap") {
  constexpr size_t kNoGap = 25 * 64 - kHeadroom;  // with the headroom, an odd number of cache lines
  auto device = TunDevice::open({.name = "tunvs0", .maxPacketBytes = kNoGap});
  REQUIRE(device.ok());
  REQUIRE(routeToDevice("tunvs0"));
  REQUIRE(testing::run("ip link set tunvs0 mtu 2000"));
  PacketVector vector(kNoGap);
  for (size_t i = 0; i < kVectorSize; i++) sendTo9(kNoGap - 28);
  CHECK_EQ(device.value()->queue(0).receive(vector).value(), kVectorSize);
  for (size_t i = 0; i < kVectorSize - 1; i++) sendTo9(10);
  for (int i = 0; i < 2; i++) sendTo9(kNoGap - 27);  // the first of them meets the last buffer
  CHECK_EQ(device.value()->queue(0).receive(vector).value(), kVectorSize - 1);
  CHECK_EQ(device.value()->queue(0).oversized(), 1u);
  CHECK_EQ(device.value()->queue(0).receive(vector).value(), 0u);
  CHECK_EQ(device.value()->queue(0).oversized(), 2u);
}

TEST_WITH_TUN("a TUN device that is deleted wakes its reader, whose receive() fails") {
  auto device = TunDevice::open({.name = "tunvs0"});
  REQUIRE(device.ok());
  REQUIRE(routeToDevice("tunvs0"));
  sendTo9(10);
  REQUIRE(testing::run("ip link del tunvs0"));
  pollfd wait{device.value()->queue(0).pollDescriptor(), POLLIN, 0};
  CHECK_EQ(::poll(&wait, 1, 10000), 1);
  PacketVector vector(2000);
  const auto received = device.value()->queue(0).receive(vector);
  REQUIRE(!received.ok());
  CHECK(contains(received.error(), "probably deleted"));
}

TEST_WITH_TUN("a persistent device is attached to, works at once and stays") {
  for (const char* kind : {"mode tun", "mode tun multi_queue"}) {
    REQUIRE(testing::run(std::string("ip tuntap add dev ready ") + kind));
    REQUIRE(routeToDevice("ready"));
    {
      auto device = TunDevice::open({.name = "ready"});
      REQUIRE(device.ok());
      CHECK(device.value()->attached());
      // The kernel starts a link that has just got its carrier in the background.
      PacketVector vector(2000);
      CHECK(testing::eventually([&] {
        sendTo9(10);
        return device.value()->queue(0).receive(vector).value() > 0;
      }));
    }
    CHECK(linkExists("ready"));
    REQUIRE(testing::run("ip link del ready"));
  }
}

TEST_WITH_TUN("a single-queue device that is asked for several queues is refused with the commands that mend it") {
  REQUIRE(testing::run("ip tuntap add dev single mode tun"));
  const auto device = TunDevice::open({.name = "single", .queues = 2});
  REQUIRE(!device.ok());
  CHECK(device.error().code == ErrorCode::invalidArgument);
  CHECK(contains(device.error(), "ip tuntap add dev single mode tun multi_queue"));
}

TEST_WITH_TUN("a device that another holder has is busy, with one queue or several, persistent or not") {
  REQUIRE(testing::run("ip tuntap add dev single mode tun && ip tuntap add dev multi mode tun multi_queue"));
  for (const char* name : {"single", "multi", "fresh"}) {
    const auto holder = TunDevice::open({.name = name});
    REQUIRE(holder.ok());
    const auto second = TunDevice::open({.name = name});
    REQUIRE(!second.ok());
    CHECK(second.error().code == ErrorCode::busy);
    CHECK(contains(second.error(), name));
    CHECK(contains(second.error(), "open in this process already"));
  }
  CHECK(TunDevice::open({.name = "multi"}).ok());
}

TEST_WITH_TUN("a device that another process has is reported as held by another process") {
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const auto holder = TunDevice::open({.name = "theirs"});
    const char answer = holder.ok() ? 'y' : 'n';
    if (::write(ready[1], &answer, 1) == 1) ::pause();
    ::_exit(0);
  }
  REQUIRE(child > 0);
  ::close(ready[1]);  // so that read() ends when the child dies before it answers
  char answer = 'n';
  CHECK_EQ(::read(ready[0], &answer, 1), 1);
  CHECK_EQ(answer, 'y');
  const auto second = TunDevice::open({.name = "theirs"});
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  REQUIRE(!second.ok());
  CHECK(second.error().code == ErrorCode::busy);
  CHECK(contains(second.error(), "held by another process"));
}

TEST_WITH_TUN("an interface that is no TUN device is refused as such") {
  REQUIRE(testing::run("ip tuntap add dev ether mode tap && ip link add va type veth peer name vb"));
  for (const char* name : {"ether", "va", "lo"}) {
    const auto device = TunDevice::open({.name = name});
    REQUIRE(!device.ok());
    CHECK(contains(device.error(), "not a TUN device"));
  }
}

}  // namespace
}  // namespace tunvs::tun_device_test
