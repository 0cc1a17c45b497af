#include "io/tun/queue_steering.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <set>

#include "core/inet.h"
#include "io/os/tun_uapi.h"
#include "io/os/unique_fd.h"
#include "io/tun/tun_device.h"
#include "support/network_namespace.h"
#include "support/testing.h"

namespace tunvs::queue_steering_test {
namespace {

constexpr size_t kQueues = 2;

std::unique_ptr<TunDevice> openSteered(bool byProgram) {
  auto device = TunDevice::open({.name = "tunvs0", .queues = kQueues, .steersByProgram = byProgram});
  if (!CHECK(device.ok())) return nullptr;
  const bool isUp = testing::run(
      "ip link set lo up && ip link set tunvs0 up && ip addr add 10.9.0.1/24 dev tunvs0 && "
      "ip -6 addr add fd09::1/64 dev tunvs0 nodad && ip route add 10.9.9.9 dev tunvs0 && ip link set tunvs0 mtu 1400");
  if (!CHECK(isUp)) return nullptr;
  return std::move(device).value();
}

// Sends `count` datagrams from a port of its own. Fragments are made where they are longer than the MTU.
void sendFlow(int family, size_t count, size_t bytes) {
  const UniqueFd socket(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in to4{};
  to4.sin_family = AF_INET;
  to4.sin_port = htons(9);
  to4.sin_addr.s_addr = htonl(0x0a090909);
  sockaddr_in6 to6{};
  to6.sin6_family = AF_INET6;
  to6.sin6_port = htons(9);
  to6.sin6_addr.s6_addr[0] = 0xfd;
  to6.sin6_addr.s6_addr[1] = 0x09;
  to6.sin6_addr.s6_addr[15] = 0x99;
  const bool isIpv4 = family == AF_INET;
  const auto* to = isIpv4 ? reinterpret_cast<const sockaddr*>(&to4) : reinterpret_cast<const sockaddr*>(&to6);
  const std::vector<uint8_t> payload(bytes, 0x5a);
  for (size_t i = 0; i < count; i++) {
    CHECK_EQ(::sendto(socket.get(), payload.data(), bytes, 0, to, isIpv4 ? sizeof to4 : sizeof to6),
             static_cast<ssize_t>(bytes));
  }
}

struct Seen {
  std::map<uint32_t, std::set<size_t>> queuesOfPort;
  std::map<size_t, size_t> packetsOfQueue;
};

// Reads every queue until it is empty. Only UDP without fragments has a port.
void read(TunDevice& device, Seen& seen) {
  PacketVector vector(device.maxPacketBytes());
  for (size_t queue = 0; queue < device.queueCount(); queue++) {
    while (device.queue(queue).receive(vector).value() > 0) {
      for (const Packet& packet : vector.packets()) {
        const bool isIpv4 = packet.data[0] >> 4 == 4;
        const uint8_t protocol = packet.data[isIpv4 ? 9 : 6];
        const bool isFragment = isIpv4 ? (loadBe16(&packet.data[6]) & 0x3fff) != 0 : protocol == 44;
        if (!isFragment && protocol != 17) continue;  // what the host itself says on a new link
        seen.packetsOfQueue[queue]++;
        if (!isFragment) seen.queuesOfPort[loadBe16(&packet.data[isIpv4 ? 20 : 40])].insert(queue);
      }
    }
  }
}

void checkThatFlowsStayAndSpread(TunDevice& device, int family) {
  constexpr size_t kFlows = 64, kEach = 5;
  Seen seen;
  for (size_t i = 0; i < kFlows; i++) {
    sendFlow(family, kEach, 100);
    read(device, seen);
  }
  CHECK_EQ(seen.packetsOfQueue[0] + seen.packetsOfQueue[1], kFlows * kEach);
  for (const auto& [port, queues] : seen.queuesOfPort) CHECK_EQ(queues.size(), 1u);
  // Of 64 flows, fewer than 8 on a queue have a chance below 1 in 10^9.
  for (size_t queue = 0; queue < kQueues; queue++) CHECK(seen.packetsOfQueue[queue] >= 8 * kEach);
}

TEST_WITH_TUN("a flow's packets come by one queue, and flows spread, by the program and by the kernel") {
  for (const bool byProgram : {true, false}) {
    auto device = openSteered(byProgram);
    if (device == nullptr) return;
    if (!byProgram) CHECK(device->steering() == Steering::kernel);
    for (const int family : {AF_INET, AF_INET6}) checkThatFlowsStayAndSpread(*device, family);
  }
}

TEST_WITH_TUN("the fragments of datagrams between two hosts come by one queue") {
  auto device = openSteered(true);
  REQUIRE(device != nullptr);
  if (device->steering() != Steering::bpf) SKIP("needs CAP_BPF and a kernel with TUNSETSTEERINGEBPF");
  for (const int family : {AF_INET, AF_INET6}) {
    Seen seen;
    for (int i = 0; i < 16; i++) {
      sendFlow(family, 1, 3000);
      read(*device, seen);
    }
    CHECK_EQ(seen.packetsOfQueue[0] + seen.packetsOfQueue[1], 16u * 3);
    CHECK(seen.packetsOfQueue[0] == 0 || seen.packetsOfQueue[1] == 0);
    CHECK(seen.queuesOfPort.empty());
  }
}

TEST_WITH_TUN("a device of one queue has nothing to steer, and one that stays takes a new director's program") {
  auto single = TunDevice::open({.name = "single"});
  REQUIRE(single.ok());
  CHECK(single.value()->steering() == Steering::none);
  REQUIRE(testing::run("ip tuntap add dev stays mode tun multi_queue"));
  for (int i = 0; i < 2; i++) {
    auto device = TunDevice::open({.name = "stays", .queues = kQueues});
    REQUIRE(device.ok());
    CHECK(device.value()->attached());
    CHECK(device.value()->steering() != Steering::none);
  }
}

// Loads a program that sends every packet to queue 1, as a director leaves one behind that was killed.
bool leaveProgram(const char* device) {
  const bpf_insn program[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
  bpf_attr load{};
  load.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  load.insn_cnt = 2;
  load.insns = reinterpret_cast<uintptr_t>(program);
  load.license = reinterpret_cast<uintptr_t>("MIT");
  const UniqueFd loaded(static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load)));
  const UniqueFd queue(::open(uapi::kTunPath, O_RDWR | O_CLOEXEC));
  if (!loaded || !queue) return false;
  uapi::InterfaceRequest request{};
  std::strcpy(request.name, device);
  request.flags = uapi::kIffTun | uapi::kIffNoPacketInfo | uapi::kIffMultiQueue;
  int descriptor = loaded.get();
  return ::ioctl(queue.get(), uapi::kTunSetInterface, &request) == 0 &&
         ::ioctl(queue.get(), uapi::kTunSetSteering, &descriptor) == 0;
}

TEST_WITH_TUN("a program that a killed director left on a device does not steer for one that goes without") {
  REQUIRE(testing::run("ip tuntap add dev tunvs0 mode tun multi_queue"));
  if (!leaveProgram("tunvs0")) SKIP("needs CAP_BPF and a kernel with TUNSETSTEERINGEBPF");
  auto device = openSteered(false);
  REQUIRE(device != nullptr);
  CHECK(device->attached());
  CHECK(device->steering() == Steering::kernel);
  checkThatFlowsStayAndSpread(*device, AF_INET);
}

TEST("the program differs by its seed alone, and has a program's size") {
  const auto one = steeringProgram(1), other = steeringProgram(2), same = steeringProgram(1);
  REQUIRE(one.size() == other.size());
  size_t different = 0;
  for (size_t i = 0; i < one.size(); i++) {
    CHECK_EQ(one[i].imm, same[i].imm);
    if (one[i].imm != other[i].imm) different++;
  }
  CHECK_EQ(different, 1u);
  CHECK(one.size() < 128);
}

}  // namespace
}  // namespace tunvs::queue_steering_test
