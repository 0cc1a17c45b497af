// Packets that are still to be cut into segments, or whose checksum is still to be finished. They are treated as each
// segment would be, except that they are not put into outer fragments.
#include "support/raw_bytes.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs {
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

TEST("a packet whose segments would go in outer fragments, or be cut on the way, is dropped as too long") {
  for (const Method& method : kMethods) {
    const size_t fits = 1500 - method.overhead;
    Subject t(method.tunnel);
    CHECK_EQ(t.take(tcp(fits, false), tcp4(fits)), "forwarded");
    CHECK_EQ(t.take(tcp(fits + 1, false), tcp4(fits + 1)), "dropTooLong");
    CHECK_EQ(t.out.count(), 0u);
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
  CHECK_EQ(t.take(tcp(500, false), unfinished), "dropTooLong");
}

TEST("a packet that no outer header has room for is dropped, whatever its segments are") {
  Subject t;
  PacketBuilder builder = PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(1000, 80, kTcpSyn);
  CHECK_EQ(t.take(builder.payload(65515 - 40).build(), tcp4(1480)), "forwarded");
  CHECK_EQ(t.take(builder.payload(65516 - 40).build(), tcp4(1480)), "dropTooLong");
}

TEST("nothing unfinished goes behind a checksum of the tunnel's") {
  for (const ForwardingMethod method : {ForwardingMethod::gue, ForwardingMethod::gre}) {
    Subject t({.method = method,
               .port = static_cast<uint16_t>(method == ForwardingMethod::gue ? 6080 : 0),
               .checksum = TunnelChecksum::checksum});
    CHECK_EQ(t.take(tcp(1000), tcp4(1000)), "dropTooLong");
    CHECK_EQ(t.take(tcp(100), Offload{}), "forwarded");
  }
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
TEST("segments of IPv6 that need outer fragments are dropped as too long") {
  Subject t({}, 1290);
  t.addIpv6(testing::address("10.0.0.11"));
  CHECK_EQ(t.take(tcp6(1270), offload6(1270)), "forwarded");
  CHECK_EQ(t.take(tcp6(1280), offload6(1280)), "dropTooLong");
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

}  // namespace tunvs
