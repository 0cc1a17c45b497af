// What the program in the kernel takes out of a tunnel packet is what the sockets' way would have taken.
#include "realserver/decap_path.h"

#include <net/if.h>

#include "io/tc/bpf_calls.h"
#include "support/mutations.h"
#include "support/network_namespace.h"
#include "support/tunnel_packets.h"

namespace tunvs::decap_path_test {
namespace {

using namespace tunvs::testing;

constexpr uint32_t kGoesOn = UINT32_MAX, kRedirected = 7;  // TC_ACT_UNSPEC, TC_ACT_REDIRECT
constexpr size_t kEthernetBytes = 14;

#define SKIP_WITHOUT_PROGRAMS() \
  if (const auto way = findTcWay("the program"); !way) SKIP(way.error().message)

// A path whose packets come in by veth0. REQUIRES: a network namespace
struct Server {
  Server() {
    run("ip link set lo up && ip link add veth0 address 02:00:00:00:00:01 type veth peer name veth1");
    index = ::if_nametoindex("veth0");
    auto made = DecapPath::create(/*device=*/1, rules(), /*takesGue=*/true);
    REQUIRE(made.ok());
    path = std::move(made).value();
    program = path->program({kEthernetBytes, true}).value();
  }

  DecapTunnel tunnelOf(const Bytes& packet) const {
    DecapTunnel tunnel{};
    const bool isV4 = packet[0] >> 4 == 4;
    const IpAddress source = directorOf(isV4 ? Family::ipv4 : Family::ipv6);
    const IpAddress destination = serverOf(source.family);
    std::copy_n(source.bytes.begin(), isV4 ? 4 : 16, tunnel.source);
    std::copy_n(destination.bytes.begin(), isV4 ? 4 : 16, tunnel.destination);
    tunnel.interfaceIndex = index;
    tunnel.protocol = packet[isV4 ? 9 : 6];
    if (tunnel.protocol == 17) tunnel.port = Be16::from(6080).raw;
    tunnel.isIpv6 = isV4 ? 0 : 1;
    return tunnel;
  }

  // Returns the inner packet that the program delivers, cut at its length; empty: the packet goes on.
  Bytes take(const Bytes& packet, uint32_t segmentBytes = 0) {
    std::vector<uint8_t> frame{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0, 0};
    storeBe16(&frame[12], packet[0] >> 4 == 4 ? 0x0800 : 0x86dd);
    frame.insert(frame.end(), packet.begin(), packet.end());
    const auto before = frame;
    __sk_buff context{};
    context.ifindex = index;
    context.gso_size = segmentBytes;
    const auto action = testRun(program, frame, context);
    CHECK(action.ok() || packet.size() < 40);  // the kernel runs no program over less than an IP header
    if (!action || action.value() != kRedirected) {
      if (action) CHECK_EQ(action.value(), kGoesOn);
      CHECK(frame == before);
      return {};
    }
    const Bytes inner{frame.begin() + kEthernetBytes, frame.end()};
    if (inner.size() < 20) return {};
    const bool isV4 = inner[0] >> 4 == 4;
    const size_t length = isV4 ? loadBe16(&inner[2]) : 40u + loadBe16(&inner[4]);
    return firstOf(inner, std::min(length, inner.size()));
  }

  uint32_t index = 0;
  std::unique_ptr<DecapPath> path;
  int program = -1;
};

TEST_IN_NAMESPACE("the program takes packets out of every tunnel that is vouched for, as the sockets' way does") {
  SKIP_WITHOUT_PROGRAMS();
  Server s;
  uint64_t packets = 0, bytes = 0, nowMs = 0;
  // Kernels before 6.3 change no packet's family, so the sockets take those.
  const bool mayLeaveMixed = findTcWay("the program").value() == TcWay::filter;
  for (const TunnelOptions& method : kTunnelMethods) {
    // What has a checksum of its own is the sockets'.
    const bool isTaken = method.checksum == TunnelChecksum::none;
    for (const Family inner : {Family::ipv4, Family::ipv6}) {
      for (const Family outer : {Family::ipv4, Family::ipv6}) {
        const Bytes sent = innerPacket(inner, 333);
        const Bytes packet = tunnelled(method, inner, outer, sent);
        nowMs += 100'000;
        s.path->sweep(nowMs);  // nobody is vouched for any more
        CHECK(s.take(packet).empty());
        s.path->vouch(s.tunnelOf(packet), nowMs);
        const Bytes taken = s.take(packet);
        if (taken.empty() && mayLeaveMixed && inner != outer) continue;
        if (!CHECK(taken == (isTaken ? sent : Bytes{}))) fail(__FILE__, __LINE__, textOf(method, inner, outer));
        packets += taken.empty() ? 0 : 1;
        bytes += taken.size();
      }
    }
  }
  CHECK_EQ(s.path->counts().packets, packets);
  CHECK_EQ(s.path->counts().bytes, bytes);
  CHECK_EQ(s.path->hooks().size(), 1u);
}

TEST_IN_NAMESPACE("the program takes nothing of other tunnels, for other addresses, or that its sender may not send") {
  SKIP_WITHOUT_PROGRAMS();
  Server s;
  const Bytes sent = innerPacket(Family::ipv4, 100);
  const Bytes packet = tunnelled({}, Family::ipv4, Family::ipv4, sent);
  DecapTunnel elsewhere = s.tunnelOf(packet);
  elsewhere.interfaceIndex = 1;
  s.path->vouch(elsewhere, 1);
  CHECK(s.take(packet).empty());
  s.path->vouch(s.tunnelOf(packet), 1);
  CHECK(s.take(packet) == sent);
  Bytes other = sent;
  other[19]++;
  other[11] = static_cast<uint8_t>(other[11] - 1);
  const Bytes toOther = tunnelled({}, Family::ipv4, Family::ipv4, other);
  Bytes copy = toOther;
  CHECK_EQ(toString(decapsulateSent(copy).verdict), "notVirtualAddress");
  CHECK(s.take(toOther).empty());
}

TEST_IN_NAMESPACE("the program leaves a checksum that is left to the real server to the sockets") {
  SKIP_WITHOUT_PROGRAMS();
  Server s;
  const OuterHeader header = makeOuterHeader({ForwardingMethod::gue, 6080, TunnelChecksum::remote}, Family::ipv4,
                                             directorOf(Family::ipv4), serverOf(Family::ipv4));
  HeldPacket held(innerPacket(Family::ipv4, 100));
  const Packet packet = held.packet();
  const Packet wrapped =
      encapsulateGueUnfinished(header, packet.data, {.length = packet.length, .ttl = 63}, {.start = 20, .field = 26});
  const Bytes sent{wrapped.data, wrapped.data + wrapped.length};
  s.path->vouch(s.tunnelOf(sent), 1);
  CHECK(s.take(sent).empty());
}

TEST_IN_NAMESPACE("the program leaves datagrams that came as one to the sockets") {
  SKIP_WITHOUT_PROGRAMS();
  Server s;
  const TunnelOptions gue{ForwardingMethod::gue, 6080, TunnelChecksum::none};
  const Bytes first = innerPacket(Family::ipv4, 100);
  const Bytes one = tunnelled(gue, Family::ipv4, Family::ipv4, first);
  Bytes train = one + Bytes(one.begin() + 28, one.end());
  storeBe16(&train[2], static_cast<uint16_t>(train.size()));
  storeBe16(&train[24], static_cast<uint16_t>(train.size() - 20));
  sealIpv4(train);
  s.path->vouch(s.tunnelOf(train), 1);
  CHECK(s.take(train) == first);  // what follows is padding, as the sockets' way has it, too
  CHECK(s.take(train, static_cast<uint32_t>(one.size() - 28)).empty());
  CHECK(s.take(one, 50).empty());  // no TCP
}

TEST_IN_NAMESPACE("nothing is vouched for while the inner packets have nowhere to go") {
  SKIP_WITHOUT_PROGRAMS();
  Server s;
  const Bytes packet = tunnelled({}, Family::ipv4, Family::ipv4, innerPacket(Family::ipv4, 10));
  s.path->vouch(s.tunnelOf(packet), 5000);
  CHECK(!s.take(packet).empty());
  run("ip link set lo down");
  s.path->sweep(7000);
  CHECK(s.take(packet).empty());
  run("ip link set lo up");
  s.path->vouch(s.tunnelOf(packet), 8000);
  CHECK(!s.take(packet).empty());
  s.path->end();
  CHECK(s.take(packet).empty());
  s.path->vouch(s.tunnelOf(packet), 9000);
  CHECK(s.take(packet).empty());
  CHECK(s.path->hooks().empty());
}

TEST_IN_NAMESPACE("a tunnel is vouched for a while, and again after the next packet by a socket") {
  SKIP_WITHOUT_PROGRAMS();
  Server s;
  const Bytes packet = tunnelled({}, Family::ipv4, Family::ipv4, innerPacket(Family::ipv4, 10));
  s.path->vouch(s.tunnelOf(packet), 5000);
  s.path->sweep(5000 + DecapPath::kVouchedMs - 1);
  CHECK(!s.take(packet).empty());
  s.path->sweep(5000 + DecapPath::kVouchedMs + 1000);
  CHECK(s.take(packet).empty());
  s.path->vouch(s.tunnelOf(packet), 5000 + DecapPath::kVouchedMs + 1000);
  CHECK(!s.take(packet).empty());
}

TEST_IN_NAMESPACE("whatever the program takes, the sockets' way would have taken the same") {
  SKIP_WITHOUT_PROGRAMS();
  Server s;
  Random random(1);
  uint64_t taken = 0;
  for (int i = 0; i < 20'000; i++) {
    const TunnelOptions& method = kTunnelMethods[random.below(std::size(kTunnelMethods))];
    const Family inner = random.oneIn(2) ? Family::ipv4 : Family::ipv6;
    const Family outer = random.oneIn(2) ? Family::ipv4 : Family::ipv6;
    const Bytes whole = tunnelled(method, inner, outer, innerPacket(inner, random.below(200)));
    s.path->vouch(s.tunnelOf(whole), 1);
    Bytes packet = mutated(whole, random, 80);
    const Bytes delivered = s.take(packet);
    if (delivered.empty()) continue;
    taken++;
    const Decapsulated result = decapsulateSent(packet);
    CHECK_EQ(toString(result.verdict), "accepted");
    CHECK(bytesOf(result.inner) == delivered);
  }
  CHECK(taken > 2000);
}

}  // namespace
}  // namespace tunvs::decap_path_test
