// Packets that are still to be cut into segments, or whose checksum is still to be finished. They are treated as each
// segment would be, and go whole where that is possible.
#include "packet/checksum.h"
#include "packet/segmenter.h"
#include "packet/transport_checksum.h"
#include "support/raw_bytes.h"
#include "support/test_director.h"
#include "support/testing.h"
#include "support/tunnel_end.h"

namespace tunvs::offload_test {
namespace {

using testing::Bytes;
using testing::HeldPacket;
using testing::PacketBuilder;
using testing::TestDirector;

const IpAddress kClient6 = testing::address("2001:db8:1::7"), kVip6 = testing::address("2001:db8::10");
const ServiceKey kWeb6{kVip6, 80, 6};

// A director with a service over each family, both with one real server.
struct Subject : TestDirector {
  explicit Subject(const TunnelOptions& tunnel = {}, uint32_t pathMtu = 1500) : TestDirector(options(pathMtu)) {
    addService();
    addServer(11, {.tunnel = tunnel});
  }
  static DirectorOptions options(uint32_t pathMtu) {
    DirectorOptions made = defaultOptions();
    made.settings.pathMtu = pathMtu;
    made.settings.v6 = SourceRange{testing::address("2001:db8:2::1"), 128};
    return made;
  }
  void addIpv6(const IpAddress& server) {
    addService("rr", kWeb6);
    CHECK(apply(AddServer{kWeb6, {server, 80}, {}}).ok());
  }

  // Returns the verdict; what was sent is in `out`.
  std::string take(const Bytes& bytes, const Offload& offload) {
    held = std::make_unique<HeldPacket>(bytes);
    Packet packet = held->packet();
    packet.offload = offload;
    Verdict verdict{};
    director.process(0, {&packet, 1}, now, out, &verdict);
    return std::string(kVerdictNames[static_cast<size_t>(verdict)]);
  }

  std::unique_ptr<HeldPacket> held;
  OutputVector out;
};

// Makes TCP whose segments become IP packets of `bytes`: ten of them and a bit more.
Bytes tcp(size_t bytes, bool dontFragment = true) {
  PacketBuilder builder = PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(1000, 80, kTcpSyn);
  if (dontFragment) builder.dontFragment();
  return builder.payload(10 * (bytes - 40) + 7).build();
}
Offload tcp4(size_t bytes) {
  return Offload{.segmentBytes = static_cast<uint16_t>(bytes - 40), .checksumStart = 20, .kind = OffloadKind::tcp4};
}
Bytes tcp6(size_t bytes) {
  Bytes packet = testing::ipv6Tcp(kClient6, kVip6, 1000, 80, kTcpSyn);
  packet.resize(60 + 10 * (bytes - 60) + 7);
  storeBe16(&packet[4], static_cast<uint16_t>(packet.size() - 40));
  return packet;
}
Offload offload6(size_t bytes) {
  return Offload{.segmentBytes = static_cast<uint16_t>(bytes - 60), .checksumStart = 40, .kind = OffloadKind::tcp6};
}

struct Method {
  const char* name;
  TunnelOptions tunnel;
  uint8_t overhead;
};
const Method kMethods[] = {
    {"ipip", {.method = ForwardingMethod::ipip}, 20},
    {"gue", {.method = ForwardingMethod::gue, .port = 6080}, 32},
    {"gre", {.method = ForwardingMethod::gre}, 24},
    {"dr", {.method = ForwardingMethod::dr}, 0},
};

}  // namespace

TEST("a packet whose segments fit the path goes whole, and its checksum begins behind the outer header") {
  for (const Method& method : kMethods) {
    const size_t fits = 1500 - method.overhead;
    Subject t(method.tunnel);
    const Bytes packet = tcp(fits);
    CHECK_EQ(t.take(packet, tcp4(fits)), "forwarded");
    if (!CHECK_EQ(t.out.count(), 1u)) continue;
    CHECK_EQ(t.out[0].length, packet.size() + method.overhead);
    CHECK(t.out.hasOffloads());
    Offload moved = tcp4(fits);
    moved.checksumStart = static_cast<uint8_t>(20 + method.overhead);
    CHECK(t.out[0].offload == moved);
    CHECK(std::equal(packet.begin(), packet.end(), t.out[0].data + method.overhead));
    CHECK_EQ(t.row(11).traffic.inPackets, 1u);
    CHECK_EQ(t.row(11).traffic.inBytes, packet.size());
  }
}

TEST("a packet whose segments do not fit is answered with the length that does, as each of them would be") {
  for (const Method& method : kMethods) {
    const size_t fits = 1500 - method.overhead;
    Subject t(method.tunnel);
    CHECK_EQ(t.take(tcp(fits + 1), tcp4(fits + 1)), "answeredTooBig");
    REQUIRE(t.out.count() == 1u);
    CHECK(t.out.way(0) == OutputWay::client);
    CHECK(t.out[0].offload.isNone());
    CHECK(!t.out.hasOffloads());
    CHECK_EQ(loadBe16(t.out[0].data + 26), fits);
  }
}

TEST("a packet whose segments need outer fragments is cut into segments, and each of them into fragments") {
  for (const Method& method : kMethods) {
    const size_t fits = 1500 - method.overhead;
    Subject t(method.tunnel);
    CHECK_EQ(t.take(tcp(fits, false), tcp4(fits)), "forwarded");
    CHECK_EQ(t.out.count(), 1u);
    CHECK_EQ(t.take(tcp(fits + 1, false), tcp4(fits + 1)), "forwarded");
    // The last segment has 7 bytes, and is no longer than its path.
    CHECK_EQ(t.out.count(), 10u * 2 + 1);
    CHECK(!t.out.hasOffloads());
    for (const OutputPacket& packet : t.out.packets()) CHECK(packet.length <= 1500);
    CHECK_EQ(t.counter("segmentsMade"), 11u);
    CHECK_EQ(t.counter("fragmentsSent"), 20u);
    CHECK_EQ(t.row(11).traffic.inPackets, 2u);
  }
}

TEST("a packet that fits by itself keeps its offload") {
  Subject t;
  const Offload unfinished{.checksumStart = 20, .kind = OffloadKind::tcpChecksum};
  const Bytes syn = PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(1000, 80, kTcpSyn).build();
  CHECK_EQ(t.take(syn, unfinished), "forwarded");
  REQUIRE(t.out.count() == 1u);
  CHECK(t.out[0].offload == unfinished.behind(20));
  CHECK_EQ(t.take(tcp(140), tcp4(140)), "forwarded");
  CHECK(t.out[0].offload == tcp4(140).behind(20));
  CHECK_EQ(t.take(syn, Offload{}), "forwarded");
  CHECK(t.out[0].offload.isNone());
  CHECK(!t.out.hasOffloads());
}

TEST("a packet with only its checksum left to be finished has to fit as it is") {
  Subject t;
  const Offload unfinished{.checksumStart = 20, .kind = OffloadKind::tcpChecksum};
  CHECK_EQ(t.take(tcp(500), unfinished), "answeredTooBig");
  CHECK_EQ(t.take(tcp(500, false), unfinished), "forwarded");
  CHECK(t.out.count() > 1);
  CHECK(!t.out.hasOffloads());
}

TEST("a packet that no outer header has room for goes as its segments") {
  Subject t;
  PacketBuilder builder = PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(1000, 80, kTcpSyn);
  CHECK_EQ(t.take(builder.payload(65515 - 40).build(), tcp4(1480)), "forwarded");
  CHECK_EQ(t.out.count(), 1u);
  CHECK_EQ(t.take(builder.payload(65516 - 40).build(), tcp4(1480)), "forwarded");
  CHECK_EQ(t.out.count(), 65476u / 1440 + 1);
  CHECK(!t.out.hasOffloads());
}

// Puts the sum of the pseudo header into the checksum's field, as the kernel leaves it.
Bytes unfinished(Bytes packet) {
  const uint16_t sum = checksumFold(pseudoHeaderSum(testing::address("198.51.100.7"), testing::address("192.0.2.10"), 6,
                                                    static_cast<uint32_t>(packet.size() - 20)));
  std::memcpy(&packet[36], &sum, 2);
  return packet;
}

// Takes from what was sent the segments that it becomes on the wire.
std::vector<Bytes> onTheWire(const OutputVector& out) {
  std::vector<Bytes> all;
  for (const OutputPacket& sent : out.packets()) {
    if (sent.offload.isNone()) {
      all.emplace_back(sent.data, sent.data + sent.length);
      continue;
    }
    Segmenter segments(sent);
    while (!segments.isDone()) {
      Bytes& room = all.emplace_back(segments.longestBytes());
      room.resize(segments.next(room));
    }
  }
  return all;
}

TEST("behind a checksum of the tunnel's, a packet goes as segments with one each: GRE's here, GUE's when it is cut") {
  for (const ForwardingMethod method : {ForwardingMethod::gue, ForwardingMethod::gre}) {
    const bool isGue = method == ForwardingMethod::gue;
    Subject t(
        {.method = method, .port = static_cast<uint16_t>(isGue ? 6080 : 0), .checksum = TunnelChecksum::checksum});
    CHECK_EQ(t.take(unfinished(tcp(1000)), tcp4(1000)), "forwarded");
    CHECK_EQ(t.out.count(), isGue ? 1u : 11u);
    CHECK_EQ(t.out.hasOffloads(), isGue);
    CHECK_EQ(t.out[0].sealsOuter, isGue);
    const std::vector<Bytes> segments = onTheWire(t.out);
    CHECK_EQ(segments.size(), 11u);
    for (const Bytes& segment : segments) {
      const testing::Tunnelled taken = testing::takeApart(segment);
      CHECK_EQ(taken.problem, "");
      CHECK(taken.hasChecksum);
      CHECK(transportChecksumIsRight(testing::address("198.51.100.7"), testing::address("192.0.2.10"), 6,
                                     std::span(taken.inner).subspan(20)));
    }
    CHECK_EQ(t.take(unfinished(tcp(100)), {.checksumStart = 20, .kind = OffloadKind::tcpChecksum}), "forwarded");
    REQUIRE(t.out.count() == 1u);
    CHECK(t.out[0].offload.isNone());
    CHECK_EQ(t.take(tcp(100), Offload{}), "forwarded");
  }
}

TEST("segments that are sent one by one have identifications that no later packet has") {
  Subject t;
  const auto outerId = [&] { return loadBe16(t.out[0].data + 4); };
  CHECK_EQ(t.take(tcp(1000, false), tcp4(1000)), "forwarded");
  const uint16_t first = outerId();
  CHECK_EQ(t.take(tcp(1000, false), tcp4(1000)), "forwarded");
  CHECK(static_cast<uint16_t>(outerId() - first) >= 11);
}

TEST("a local node gets a packet with its offload, however long its segments are") {
  Subject t({.method = ForwardingMethod::local});
  CHECK_EQ(t.take(tcp(3000), tcp4(3000)), "forwarded");
  REQUIRE(t.out.count() == 1u);
  CHECK(t.out.way(0) == OutputWay::host);
  CHECK(t.out[0].offload == tcp4(3000));
}

TEST("segments of IPv6 are held to the path's MTU in a tunnel of either family") {
  for (const char* server : {"10.0.0.11", "2001:db8:2::11"}) {
    Subject t;
    const IpAddress address = testing::address(server);
    t.addIpv6(address);
    const uint8_t overhead = address.isV4() ? 20 : 40;
    const size_t fits = size_t{1500} - overhead;
    CHECK_EQ(t.take(tcp6(fits), offload6(fits)), "forwarded");
    REQUIRE(t.out.count() == 1u);
    CHECK(t.out[0].offload == offload6(fits).behind(overhead));
    CHECK_EQ(t.take(tcp6(fits + 1), offload6(fits + 1)), "answeredTooBig");
    REQUIRE(t.out.count() == 1u);
    CHECK_EQ(loadBe32(t.out[0].data + 44), fits);
  }
}

// An IPv6 host is never told of less than 1280 bytes, so such segments would go in outer fragments.
TEST("segments of IPv6 that need outer fragments get them") {
  Subject t({}, 1290);
  t.addIpv6(testing::address("10.0.0.11"));
  CHECK_EQ(t.take(tcp6(1270), offload6(1270)), "forwarded");
  CHECK_EQ(t.out.count(), 1u);
  CHECK_EQ(t.take(tcp6(1280), offload6(1280)), "forwarded");
  CHECK_EQ(t.out.count(), 10u * 2 + 1);
  CHECK_EQ(t.take(tcp6(1281), offload6(1281)), "answeredTooBig");
}

// A client on the same host, or in a virtual machine on it, leaves the checksum to whoever sends its packet on.
TEST("a packet whose checksum is still to be finished is refused like any other") {
  Subject t;
  Bytes syn = PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(1000, 81, kTcpSyn).build();
  Bytes query = PacketBuilder().ip("198.51.100.7", "192.0.2.10").udp(1000, 53).payload(9).build();
  syn[36] ^= 0xff;
  query[26] ^= 0xff;
  const struct {
    const Bytes& packet;
    Offload offload;
    size_t bytes;
  } table[] = {{syn, {.checksumStart = 20, .kind = OffloadKind::tcpChecksum}, 40},
               {query, {.checksumStart = 20, .kind = OffloadKind::udpChecksum}, 28 + 37}};
  for (const auto& row : table) {
    CHECK_EQ(t.take(row.packet, row.offload), "dropNoService");
    if (CHECK_EQ(t.out.count(), 1u)) CHECK_EQ(t.out[0].length, row.bytes);
    CHECK_EQ(t.take(row.packet, Offload{}), "dropNoService");
    CHECK_EQ(t.out.count(), 0u);
  }
}

// A virtual machine writes what it likes into the header from which a port makes an offload. A checksum that begins at
// the IP header would overwrite its destination unnoticed by the director.
TEST("a packet whose checksum would be written anywhere but into its transport header is dropped") {
  const Bytes syn = PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(1000, 80, kTcpSyn).payload(300).build();
  for (const ForwardingMethod method : {ForwardingMethod::ipip, ForwardingMethod::local}) {
    Subject t({.method = method});
    for (const uint8_t start : {0, 19, 21, 40, 195, 196, 236, 255}) {
      CHECK_EQ(t.take(syn, {.checksumStart = start, .kind = OffloadKind::tcpChecksum}), "dropBadChecksum");
      CHECK_EQ(t.out.count(), 0u);
    }
    CHECK_EQ(t.take(syn, {.checksumStart = 20, .kind = OffloadKind::tcpChecksum}), "forwarded");
  }
}

TEST("a packet that is not of the kind that its offload is about is dropped") {
  Subject t;
  const Bytes query = PacketBuilder().ip("198.51.100.7", "192.0.2.10").udp(1000, 80).payload(300).build();
  t.addService("rr", {testing::address("192.0.2.10"), 80, 17});
  CHECK(t.apply(AddServer{{testing::address("192.0.2.10"), 80, 17}, {testing::address("10.0.0.12"), 80}, {}}).ok());
  CHECK_EQ(t.take(query, {.segmentBytes = 100, .checksumStart = 20, .kind = OffloadKind::tcp4}), "dropBadChecksum");
  CHECK_EQ(t.take(query, {.segmentBytes = 100, .checksumStart = 20, .kind = OffloadKind::udp}), "forwarded");
  CHECK_EQ(t.take(query, {.checksumStart = 20, .kind = OffloadKind::tcpChecksum}), "dropBadChecksum");
  CHECK_EQ(t.take(tcp(100), {.checksumStart = 20, .kind = OffloadKind::udpChecksum}), "dropBadChecksum");
  CHECK_EQ(t.take(tcp(100), {.segmentBytes = 60, .checksumStart = 20, .kind = OffloadKind::tcp6}), "dropBadChecksum");
}

TEST("packets that waited for a policy go on with their offloads") {
  Subject t;
  auto policy = std::make_shared<ConnectionPolicy>();
  policy->id = 1;
  policy->deadline = 12;
  CHECK(t.apply(SetPolicy{TestDirector::kWeb, {nullptr, policy}}).ok());
  for (const size_t bytes : {1480, 1400}) CHECK_EQ(t.take(tcp(bytes), tcp4(bytes)), "parked");
  PolicyQuestion question;
  REQUIRE(t.director.takeQuestion(0, question));
  t.out.reset();
  const PolicyAnswer answer{question.flow, question.sequence};
  t.director.resume(0, {&answer, 1}, t.now, t.out);
  REQUIRE(t.out.count() == 2);
  CHECK(t.out[0].offload == tcp4(1480).behind(20));
  CHECK(t.out[1].offload == tcp4(1400).behind(20));
}

}  // namespace tunvs::offload_test
