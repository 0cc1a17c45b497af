#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "io/ring/nft_drop.h"
#include "io/ring/ring_filter.h"
#include "io/ring/ring_queue.h"
#include "packet/checksum.h"
#include "support/network_namespace.h"
#include "support/random.h"

namespace tunvs::ring_test {
namespace {

using namespace tunvs::testing;
using Bytes = std::vector<uint8_t>;

constexpr RingFilterOptions kOptions{};
constexpr uint8_t kOurMac[] = {2, 0, 0, 0, 0, 1};

UniqueFd packetSocket(const char* device, uint16_t protocol) {
  UniqueFd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = Be16::from(protocol).raw;
  address.sll_ifindex = static_cast<int>(::if_nametoindex(device));
  CHECK(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return socket;
}

// The topology is va (02:00:00:00:00:01), a director's device --- vb. A socket for one protocol is told of a packet
// behind the hooks at the ingress, as the host is, and stands for it here.
struct Link {
  Link() {
    isReady = run("ip link add va address 02:00:00:00:00:01 type veth peer name vb") &&
              setSysctl("ipv6/conf/va/disable_ipv6", "1") && setSysctl("ipv6/conf/vb/disable_ipv6", "1") &&
              run("ip link set vb up && ip link set va up arp off && ip link set vb arp off");
    if (!isReady) return;
    host4 = packetSocket("va", ETH_P_IP);
    host6 = packetSocket("va", ETH_P_IPV6);
    sender = packetSocket("vb", 0);
  }
  void send(const Bytes& frame) {
    CHECK(::send(sender.get(), frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size()));
  }
  // Returns how many packets the host has seen since the last call.
  size_t seenByHost() {
    size_t count = 0;
    uint8_t bytes[64];
    for (const int socket : {host4.get(), host6.get()}) {
      while (::recv(socket, bytes, sizeof bytes, 0) >= 0) count++;
    }
    return count;
  }
  bool isReady = false;
  UniqueFd host4, host6, sender;
};

struct Wanted {
  std::unique_ptr<PacketRing> ring;
  std::optional<NftDrop> drop;
  std::string problem;

  explicit Wanted(std::span<const AddressPrefix> prefixes) {
    auto made = PacketRing::make(1500);
    auto kept = NftDrop::make("tunvs-test");
    if (!made || !kept) {
      problem = made ? kept.error().message : made.error().message;
      return;
    }
    ring = std::move(made).value();
    drop.emplace(std::move(kept).value());
    CHECK(ring->setFilter(ringFilter(prefixes, kOptions)).ok());
    CHECK(ring->bindTo(static_cast<int>(::if_nametoindex("va"))).ok());
    if (auto set = drop->set("va", prefixes, kOptions); !set) problem = set.error().message;
  }
};

Bytes frameTo(const IpAddress& address, uint8_t hops, std::span<const uint8_t> mac = kOurMac, bool hasTag = false,
              uint8_t protocol = 17) {
  Bytes frame(mac.begin(), mac.end());
  frame.insert(frame.end(), {2, 0, 0, 0, 0, 2});
  if (hasTag) frame.insert(frame.end(), {0x81, 0, 0, 7});
  const bool isV4 = address.isV4();
  frame.insert(frame.end(), {static_cast<uint8_t>(isV4 ? 0x08 : 0x86), static_cast<uint8_t>(isV4 ? 0 : 0xdd)});
  Bytes ip(isV4 ? 28 : 48, 0);
  ip[0] = isV4 ? 0x45 : 0x60;
  storeBe16(&ip[isV4 ? 2 : 4], static_cast<uint16_t>(isV4 ? 28 : 8));
  ip[isV4 ? 8 : 7] = hops;
  ip[isV4 ? 9 : 6] = protocol;
  std::memcpy(&ip[isV4 ? 16 : 24], address.bytes.data(), isV4 ? 4 : 16);
  if (isV4) {
    const Be16 check = checksum(ip.data(), 20);
    std::memcpy(&ip[10], &check.raw, 2);
  }
  frame.insert(frame.end(), ip.begin(), ip.end());
  return frame;
}

std::vector<AddressPrefix> prefixes(std::initializer_list<const char*> texts) {
  std::vector<AddressPrefix> all;
  for (const char* text : texts) all.push_back(parseAddressPrefix(text).value());
  return all;
}

IpAddress address(const char* text) { return parseIpAddress(text).value(); }

// The kernel may take a while to hand on what was sent, so a last frame says that it is through.
class Marker {
 public:
  explicit Marker(const AddressPrefix& prefix) : frame_(frameTo(prefix.base, 64)) {
    frame_[frame_.size() - 8] = frame_[frame_.size() - 7] = 0x4d;
  }
  void send(Link& link) const { link.send(frame_); }
  bool is(const PacketRing::Frame& frame) const {
    const uint8_t* const ports = frame.packet + frame_.size() - 14 - 8;
    return frame.length == frame_.size() - 14 && ports[0] == 0x4d && ports[1] == 0x4d;
  }

 private:
  Bytes frame_;
};

// Returns how many packets have come by the ring, of those that were sent since the last call.
size_t takenOf(PacketRing& ring, Link& link, const Marker& marker) {
  marker.send(link);
  size_t count = 0;
  CHECK(eventually([&] {
    while (const auto frame = ring.take()) {
      if (marker.is(*frame)) return true;
      count++;
    }
    ring.release();
    return false;
  }));
  ring.release();
  return count;
}

// Receives until there are so many, which all fit into one vector.
bool receives(RingQueue& queue, PacketVector& vector, size_t count) {
  pollfd wait{queue.pollDescriptor(), POLLIN, 0};
  if (::poll(&wait, 1, 10'000) != 1) return false;
  ::usleep(20'000);  // what comes behind the first
  return queue.receive(vector).value() == count;
}

#define REQUIRE_WANTED(link, wanted)       \
  if (!(link).isReady) SKIP("needs veth"); \
  if (!(wanted).problem.empty()) SKIP((wanted).problem)

TEST_IN_NAMESPACE("every packet comes to the ring or to the host, and none to both") {
  Link link;
  const auto wanted = prefixes({"192.0.2.0/25", "192.0.2.128", "198.51.100.7", "198.51.100.6", "10.0.0.0/9",
                                "2001:db8::/33", "2001:db8:8000::1", "2001:db8:8000::2", "255.255.255.255"});
  Wanted taken(wanted);
  REQUIRE_WANTED(link, taken);
  const Marker marker(wanted[1]);
  Random random(4711);
  size_t toRing = 0, sent = 0;
  for (int round = 0; round < 3000; round++) {
    const AddressPrefix& near = wanted[random.next() % wanted.size()];
    IpAddress target = near.base;
    // Next to a prefix's edges, or anywhere within it.
    const size_t bytes = target.isV4() ? 4 : 16;
    target.bytes[bytes - 1] = static_cast<uint8_t>(target.bytes[bytes - 1] + random.next() % 5 - 2);
    if (random.next() % 3 == 0) target.bytes[random.next() % bytes] ^= static_cast<uint8_t>(1u << random.next() % 8);
    const auto hops = static_cast<uint8_t>(random.next() % 3 == 0 ? random.next() % 4 - 1 : 64);
    uint8_t mac[6];
    std::memcpy(mac, kOurMac, 6);
    if (random.next() % 8 == 0) mac[5] = 9;
    if (random.next() % 16 == 0) std::memset(mac, 0xff, 6);
    constexpr uint8_t kProtocols[] = {6, 17, 17, 17, 1, 58, 132, 44};
    const uint8_t protocol = kProtocols[random.next() % 8];
    const bool isNeighbours = protocol == 58 && hops == 255 && !target.isV4();
    const bool isTakenProtocol =
        protocol == 6 || protocol == 17 || protocol == (target.isV4() ? 1 : 58) || (protocol == 44 && !target.isV4());
    Bytes frame = frameTo(target, hops, mac, random.next() % 8 == 0, protocol);
    const bool isCut = random.next() % 8 == 0;
    if (isCut) frame.resize(14 + random.next() % (frame.size() - 14));
    link.send(frame);
    sent++;
    const size_t ringSaw = takenOf(*taken.ring, link, marker), hostSaw = link.seenByHost();
    // The host does not see tagged packets as IP's, where there is no device for the tag.
    CHECK(ringSaw + hostSaw <= 1);
    const bool isTagged = frame.size() > 13 && frame[12] == 0x81;
    if (!isTagged && !isCut) CHECK_EQ(ringSaw + hostSaw, 1u);
    const bool isOurs = std::any_of(wanted.begin(), wanted.end(), [&](auto& each) { return each.contains(target); });
    if (!isCut)
      CHECK_EQ(ringSaw == 1, isOurs && hops > 1 && !isTagged && std::memcmp(mac, kOurMac, 6) == 0 && isTakenProtocol &&
                                 !isNeighbours);
    toRing += ringSaw;
  }
  CHECK(toRing > sent / 10);
}

TEST_IN_NAMESPACE("what comes by a ring is as the host would have forwarded it") {
  Link link;
  const auto wanted = prefixes({"192.0.2.1", "2001:db8::1"});
  Wanted taken(wanted);
  REQUIRE_WANTED(link, taken);
  RingQueue queue(std::move(taken.ring));
  PacketVector vector(kMaxPacketBytes);
  Bytes padded = frameTo(address("192.0.2.1"), 64);
  padded.resize(60, 0xee);
  link.send(padded);
  link.send(frameTo(address("2001:db8::1"), 2));
  REQUIRE(receives(queue, vector, 2));
  CHECK_EQ(vector[0].length, 28u);
  CHECK_EQ(vector[0].data[8], 63);
  CHECK_EQ(checksum(vector[0].data, 20).raw, 0);
  CHECK_EQ(vector[1].length, 48u);
  CHECK_EQ(vector[1].data[7], 1);
  CHECK(vector[0].offload.isNone() && vector[1].offload.isNone());
  std::memset(vector[0].data - kHeadroom, 0xaa, kHeadroom);  // there is room for an outer header
  CHECK_EQ(vector[1].data[0], 0x60);
  CHECK(queue.isDrained());
  CHECK_EQ(queue.receive(vector).value(), 0u);
}

TEST_IN_NAMESPACE("a packet that is longer than a place of the ring comes whole, in its turn") {
  Link link;
  const auto wanted = prefixes({"192.0.2.1"});
  Wanted taken(wanted);
  REQUIRE_WANTED(link, taken);
  REQUIRE(run("ip link set va mtu 9000 && ip link set vb mtu 9000"));
  RingQueue queue(std::move(taken.ring));
  PacketVector vector(kMaxPacketBytes);
  for (const size_t bytes : {100, 8000, 200, 9000}) {
    Bytes frame = frameTo(address("192.0.2.1"), 64);
    frame.resize(14 + bytes);
    storeBe16(&frame[16], static_cast<uint16_t>(bytes));
    std::memset(&frame[42], static_cast<int>(bytes >> 3), bytes - 28);
    frame[24] = frame[25] = 0;
    const Be16 check = checksum(&frame[14], 20);
    std::memcpy(&frame[24], &check.raw, 2);
    link.send(frame);
  }
  REQUIRE(receives(queue, vector, 4));
  size_t i = 0;
  for (const size_t bytes : {100, 8000, 200, 9000}) {
    CHECK_EQ(vector[i].length, bytes);
    CHECK_EQ(vector[i].data[bytes - 1], static_cast<uint8_t>(bytes >> 3));
    CHECK_EQ(checksum(vector[i].data, 20).raw, 0);
    i++;
  }
  CHECK_EQ(queue.oversized(), 0u);
}

TEST_IN_NAMESPACE("a worker goes on with another ring, from its next look on") {
  Link link;
  const auto wanted = prefixes({"192.0.2.1"});
  Wanted first(wanted);
  REQUIRE_WANTED(link, first);
  RingQueue queue(std::move(first.ring));
  PacketVector vector(kMaxPacketBytes);
  link.send(frameTo(address("192.0.2.1"), 64));
  REQUIRE(receives(queue, vector, 1));
  for (int i = 0; i < 2; i++) {  // one that no worker has seen is gone with the next
    auto other = PacketRing::make(1500);
    REQUIRE(other.ok());
    CHECK(other.value()->setFilter(ringFilter(wanted, kOptions)).ok());
    CHECK(other.value()->bindTo(static_cast<int>(::if_nametoindex("va"))).ok());
    queue.replace(std::move(other).value());
  }
  CHECK_EQ(queue.receive(vector).value(), 0u);
  queue.closeReplaced();
  link.send(frameTo(address("192.0.2.1"), 64));
  CHECK(receives(queue, vector, 1));
  queue.pause();
  link.send(frameTo(address("192.0.2.1"), 64));
  CHECK(receives(queue, vector, 0));
  CHECK(queue.isDrained());
}

TEST_IN_NAMESPACE("a device that was down in between has long packets come in their turn again") {
  Link link;
  const auto wanted = prefixes({"192.0.2.1"});
  Wanted taken(wanted);
  REQUIRE_WANTED(link, taken);
  REQUIRE(run("ip link set va mtu 9000 && ip link set vb mtu 9000"));
  RingQueue queue(std::move(taken.ring));
  PacketVector vector(kMaxPacketBytes);
  REQUIRE(run("ip link set va down && ip link set va up"));
  ::usleep(50'000);
  for (const size_t bytes : {8000, 7000}) {
    Bytes frame = frameTo(address("192.0.2.1"), 64);
    frame.resize(14 + bytes);
    storeBe16(&frame[16], static_cast<uint16_t>(bytes));
    link.send(frame);
  }
  REQUIRE(receives(queue, vector, 2));
  CHECK_EQ(vector[0].length, 8000u);
  CHECK_EQ(vector[1].length, 7000u);
}

TEST_IN_NAMESPACE("what a ring has no room for is counted, and what comes later is taken") {
  Link link;
  const auto wanted = prefixes({"192.0.2.1"});
  Wanted taken(wanted);
  REQUIRE_WANTED(link, taken);
  const Bytes frame = frameTo(address("192.0.2.1"), 64);
  constexpr size_t kSent = 5000;
  for (size_t i = 0; i < kSent; i++) link.send(frame);
  size_t seen = 0, dropped = 0;
  CHECK(eventually([&] {
    while (taken.ring->take()) seen++;
    taken.ring->release();
    dropped += taken.ring->takeDrops();
    return seen + dropped == kSent;
  }));
  CHECK(dropped > 0 && seen > 0);
  for (int i = 0; i < 3; i++) link.send(frame);
  CHECK_EQ(takenOf(*taken.ring, link, Marker(wanted[0])), 3u);
  CHECK_EQ(link.seenByHost(), 0u);
}

TEST_IN_NAMESPACE("rings of a group share flows out, and each packet comes to one") {
  Link link;
  const auto wanted = prefixes({"192.0.2.1"});
  Wanted first(wanted);
  REQUIRE_WANTED(link, first);
  auto second = PacketRing::make(1500);
  REQUIRE(second.ok());
  CHECK(second.value()->setFilter(ringFilter(wanted, kOptions)).ok());
  CHECK(second.value()->bindTo(static_cast<int>(::if_nametoindex("va"))).ok());
  const auto group = first.ring->joinGroup(std::nullopt);
  REQUIRE(group.ok());
  REQUIRE(second.value()->joinGroup(group.value()).ok());
  size_t seen[2] = {};
  for (uint8_t port = 0; port < 100; port++) {
    Bytes frame = frameTo(address("192.0.2.1"), 64);
    frame[14 + 21] = port;
    for (int i = 0; i < 3; i++) link.send(frame);
    size_t now[2] = {};
    CHECK(eventually([&] {
      PacketRing* const rings[] = {first.ring.get(), second.value().get()};
      for (size_t i = 0; i < 2; i++) {
        while (rings[i]->take()) now[i]++;
        rings[i]->release();
      }
      return now[0] + now[1] == 3;
    }));
    CHECK(now[0] == 0 || now[1] == 0);
    for (size_t i = 0; i < 2; i++) seen[i] += now[i];
  }
  CHECK(seen[0] > 60 && seen[1] > 60);
}

TEST_IN_NAMESPACE("a table of nftables goes with its socket, and changes as a whole") {
  Link link;
  const auto one = prefixes({"192.0.2.1"}), both = prefixes({"192.0.2.1", "2001:db8::/32"});
  {
    Wanted taken(one);
    REQUIRE_WANTED(link, taken);
    CHECK(taken.drop->set("va", both, kOptions).ok());
    CHECK(taken.ring->setFilter(ringFilter(both, kOptions)).ok());
    const Marker marker(both[0]);
    const auto seenByHost = [&] {
      takenOf(*taken.ring, link, marker);
      return link.seenByHost();
    };
    // Another's table of this name is refused.
    auto other = NftDrop::make("tunvs-test");
    REQUIRE(other.ok());
    const auto refused = other.value().set("va", one, kOptions);
    REQUIRE(!refused.ok());
    CHECK_EQ(refused.error().message,
             "can't keep packets that a ring takes of va from the host: another process has a table of that name in "
             "nftables");
    link.send(frameTo(address("2001:db8::5"), 64));
    CHECK_EQ(seenByHost(), 0u);
    CHECK(taken.drop->set("va", {}, kOptions).ok());
    link.send(frameTo(address("2001:db8::5"), 64));
    CHECK_EQ(seenByHost(), 2u);  // the marker is the second one
    CHECK(taken.drop->set("va", both, kOptions).ok());
  }
  link.send(frameTo(address("2001:db8::5"), 64));
  CHECK(eventually([&] { return link.seenByHost() == 1; }));
}

TEST_IN_NAMESPACE("hundreds of addresses fit, and thousands of ranges are kept from the host") {
  Link link;
  std::vector<AddressPrefix> many;
  for (uint32_t i = 0; i < 3000; i++) many.push_back(AddressPrefix::of(IpAddress::v4(Be32::from(0xc0000000u + 2 * i))));
  const size_t most = fittingRingFilter(many, 128 * 1024).size();
  CHECK(most >= 1000 && most < 3000);
  CHECK(ringFilter(std::span(many).first(most), kOptions).size() <= BPF_MAXINSNS);
  const auto fitting = fittingRingFilter(many, 20 * 1024);  // what every kernel has room for
  CHECK(fitting.size() >= 200);
  Wanted taken(fitting);
  REQUIRE_WANTED(link, taken);
  for (const size_t i : {size_t{0}, fitting.size() / 2, fitting.size() - 1}) link.send(frameTo(fitting[i].base, 64));
  const Marker marker(fitting[0]);
  CHECK_EQ(takenOf(*taken.ring, link, marker), 3u);
  CHECK_EQ(link.seenByHost(), 0u);
  CHECK(taken.drop->set("va", many, kOptions).ok());
  link.send(frameTo(many.back().base, 64));
  CHECK_EQ(takenOf(*taken.ring, link, marker), 0u);
  CHECK_EQ(link.seenByHost(), 0u);
}

}  // namespace
}  // namespace tunvs::ring_test
