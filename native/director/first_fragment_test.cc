// A first fragment that the fragment table drops opens nothing, and is neither counted nor scheduled.
#include "packet/icmp.h"
#include "support/collected_output.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::first_fragment_test {
namespace {

using testing::Bytes;
using testing::CollectedOutput;
using testing::HeldPacket;
using testing::PacketBuilder;
using testing::SentPacket;
using testing::TestDirector;

const ServiceKey kNames = TestDirector::kNames;

struct Fragments : TestDirector {
  explicit Fragments(size_t workers = 1) : TestDirector(options(workers)) {
    ServiceConfig config{"rr"};
    config.onePacket = true;
    addService(config, kNames);
    addServer(11, {}, kNames);
    addServer(12, {}, kNames);
    addService();
    addServer(13);
  }
  static DirectorOptions options(size_t workers) {
    DirectorOptions made = defaultOptions();
    made.workers = workers;
    return made;
  }

  static Bytes bytesOf(uint16_t id, uint16_t offset, size_t bytes, bool more, uint16_t port = 1000) {
    PacketBuilder builder = PacketBuilder().identification(id).fragmentOffset(offset);
    if (more) builder.moreFragments();
    if (offset == 0) return builder.udp(port, 53).payload(bytes - 8).build();
    return builder.protocol(IpProtocol::udp).payload(bytes).build();
  }
  std::string piece(uint16_t id, uint16_t offset, size_t bytes, bool more, uint16_t port = 1000) {
    return send(bytesOf(id, offset, bytes, more, port));
  }
  // Sends a datagram whose second piece comes first. Returns how many packets left.
  size_t swapped(uint16_t id, size_t worker) {
    size_t left = 0;
    for (const Bytes& bytes : {bytesOf(id, 80, 1400, false), bytesOf(id, 0, 80, true)}) {
      HeldPacket held(bytes);
      Packet packet = held.packet();
      OutputVector out;
      director.process(worker, {&packet, 1}, now, out);
      left += out.count();
    }
    return left;
  }
};

constexpr uint8_t kClient6[16] = {0x20, 1, 0xd, 0xb8, 1}, kVip6[16] = {0x20, 1, 0xd, 0xb8, 2};

// Puts an IPv6 header in front of the given extension headers and payload.
Bytes ipv6(uint8_t next, const Bytes& rest) {
  Bytes packet(40);
  packet[0] = 0x60;
  storeBe16(&packet[4], static_cast<uint16_t>(rest.size()));
  packet[6] = next;
  packet[7] = 64;
  std::copy_n(kClient6, 16, &packet[8]);
  std::copy_n(kVip6, 16, &packet[24]);
  packet.insert(packet.end(), rest.begin(), rest.end());
  return packet;
}
Bytes fragment6(uint8_t next, uint16_t offset, bool more, const Bytes& payload) {
  Bytes rest{next, 0, 0, 0, 0, 0, 0, 7};
  storeBe16(&rest[2], static_cast<uint16_t>(offset | (more ? 1 : 0)));
  rest.insert(rest.end(), payload.begin(), payload.end());
  return ipv6(44, rest);
}

// A director with an IPv6 service of UDP port 53, and what it sends.
struct Six : TestDirector {
  Six() : TestDirector(options()) {
    const ServiceKey service{IpAddress::v6(kVip6), 53, 17};
    REQUIRE_OK(apply(AddService{service, {"rr"}}));
    REQUIRE_OK(apply(AddServer{service, {IpAddress::v4(10, 0, 0, 11), 53}, {}}));
  }
  static DirectorOptions options() { return defaultOptions(); }
  static void REQUIRE_OK(const Result<void>& done) { CHECK(done.ok()); }

  std::vector<SentPacket> process(const Bytes& bytes) {
    HeldPacket held(bytes);
    Packet packet = held.packet();
    director.process(0, {&packet, 1}, now, output.out, &verdict);
    return output.take();
  }
  CollectedOutput output;
  Verdict verdict{};
};

TEST("nothing is said of a fragmented datagram that nobody serves, whether it has a checksum or not") {
  Six director;
  director.addService();
  for (const bool isCut : {true, false}) {
    PacketBuilder builder;
    if (isCut) builder.moreFragments();
    Bytes packet = builder.udp(1000, 99).payload(40).build();
    storeBe16(&packet[26], 0);
    CHECK_EQ(director.process(packet).size(), isCut ? 0u : 1u);
  }
}

TEST("an IPv6 packet with no next header is not answered as one of an unknown protocol is") {
  Six director;
  CHECK_EQ(director.process(ipv6(253, Bytes(16))).size(), 1u);
  CHECK_EQ(director.process(ipv6(59, Bytes(16))).size(), 0u);
}

TEST("what a worker has released is given back when it expires its share, even if no packet comes any more") {
  Fragments director;
  director.piece(7, 80, 80, true);
  CHECK(director.director.fragmentCounts().arenaBytes > 0);
  HeldPacket held(PacketBuilder().identification(7).moreFragments().udp(1000, 53).payload(72).build());
  Packet packet = held.packet();
  OutputVector out;
  director.director.process(0, {&packet, 1}, director.now, out);
  CHECK_EQ(out.count(), 2u);
  CHECK(director.director.fragmentCounts().arenaBytes > 0);
  director.director.expire(0, director.now, /*exact=*/false, 1);
  CHECK_EQ(director.director.fragmentCounts().arenaBytes, 0u);
}

}  // namespace

TEST("a copy of a first fragment takes no turn of its scheduler, and its connections are not counted") {
  Fragments t;
  CHECK_EQ(t.piece(1, 0, 80, true), "12");
  CHECK_EQ(t.piece(1, 0, 80, true), "dropFragment");
  CHECK_EQ(t.piece(1, 80, 80, false), "12");
  CHECK_EQ(t.piece(2, 0, 80, true), "11");
  CHECK_EQ(t.row(11, kNames).traffic.connections, 1u);
  CHECK_EQ(t.row(12, kNames).traffic.connections, 1u);
}

TEST("a worker that receives nothing any more keeps nobody's fragments from waiting") {
  Fragments t(2);
  for (uint16_t id = 1; id <= 64; id++) CHECK_EQ(t.swapped(id, 1), 2u);  // in all shards
  t.passTicks(25);
  size_t lost = 0;
  for (uint16_t id = 100; id < 4100; id++) lost += 2 - t.swapped(id, 0);
  CHECK_EQ(lost, 0u);
  CHECK_EQ(t.director.fragmentCounts().dropped[static_cast<size_t>(FragmentDrop::noRoom)], 0u);
}

TEST("a first fragment of a dead datagram opens no connection, and neither does one without its header") {
  Fragments t;
  const auto first = [](uint16_t id, uint16_t port, size_t bytes) {
    PacketBuilder builder = PacketBuilder().identification(id).moreFragments().tcp(port, 80, kTcpSyn);
    if (bytes < 20) builder.shortTransport(bytes);
    return builder.payload(bytes < 20 ? 0 : bytes - 20).build();
  };
  CHECK_EQ(t.send(first(1, 1000, 40)), "13");
  const Bytes overlap = PacketBuilder()
                            .identification(1)
                            .fragmentOffset(32)
                            .moreFragments()
                            .protocol(IpProtocol::tcp)
                            .payload(16)
                            .build();
  CHECK_EQ(t.send(overlap), "dropFragment");
  CHECK_EQ(t.send(first(1, 2000, 40)), "dropFragment");
  CHECK_EQ(t.send(first(2, 3000, 16)), "dropFragment");
  CHECK_EQ(t.director.connectionCount(), 1u);
}

TEST("later fragments of IPv6 follow the first whatever next header they name") {
  Six t;
  const Bytes udp{4, 0, 0, 53, 0, 40, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
  Bytes first{17, 0, 1, 4, 0, 0, 0, 0};  // destination options
  first.insert(first.end(), udp.begin(), udp.end());
  CHECK_EQ(t.process(fragment6(60, 0, true, first)).size(), 1u);
  CHECK_EQ(t.process(fragment6(60, 24, false, Bytes(24, 2))).size(), 1u);
  CHECK_EQ(t.verdict, Verdict::forwarded);
}

TEST("an IPv6 sender is told of a fragment with an impossible length or offset, and of a first one without headers") {
  const Bytes eight(8, 1);
  const struct {
    Bytes packet;
    uint8_t code;
    uint32_t pointer;
  } rows[] = {
      {fragment6(17, 8, true, Bytes(13, 1)), 0, 4},
      {fragment6(17, 65528, false, Bytes(80, 1)), 0, 42},
      {fragment6(17, 0, true, Bytes(4, 1)), 3, 0},
      {fragment6(6, 0, true, Bytes(16, 1)), 3, 0},
  };
  for (const auto& row : rows) {
    Six t;
    const auto sent = t.process(row.packet);
    CHECK_EQ(t.verdict, Verdict::dropFragment);
    REQUIRE(CHECK_EQ(sent.size(), 1u));
    const Bytes& b = sent[0].bytes;
    CHECK(std::memcmp(&b[24], kClient6, 16) == 0 && std::memcmp(&b[8], kVip6, 16) == 0);
    CHECK_EQ(int{b[40]}, int{icmp6::kParameterProblem});
    CHECK_EQ(int{b[41]}, int{row.code});
    CHECK_EQ(loadBe32(&b[44]), row.pointer);
  }
}

TEST("a fragment within a fragment goes nowhere, and a spent type 0 routing header is skipped") {
  Six t;
  Bytes inner{17, 0, 0, 0, 0, 0, 0, 9};
  inner.resize(48, 1);
  CHECK_EQ(t.process(fragment6(44, 0, true, inner)).size(), 0u);
  CHECK_EQ(t.director.connectionCount(), 0u);
  Bytes spent{17, 2, 0, 0, 0, 0, 0, 0};
  spent.resize(24, 0);
  const Bytes udp{4, 0, 0, 53, 0, 8, 0, 0};
  spent.insert(spent.end(), udp.begin(), udp.end());
  CHECK_EQ(t.process(ipv6(43, spent)).size(), 1u);
  spent[3] = 1;
  CHECK_EQ(t.process(ipv6(43, spent)).size(), 0u);
  CHECK_EQ(t.verdict, Verdict::dropSourceRouted);
}

TEST("identifications show nothing of the hash's secret, and those of answers nothing of each other") {
  size_t same = 0, consecutive = 0;
  for (uint64_t seed = 0; seed < 64; seed++) {
    DirectorOptions options = TestDirector::defaultOptions();
    options.secret = HashSecret::fromSeed(seed);
    TestDirector t(options);
    t.addService();
    t.addServer(11);
    CHECK_EQ(t.tcp(1, kTcpSyn), "11");
    const uint16_t outer = loadBe16(&t.sent[4]);
    for (const uint64_t word : options.secret.words) {
      for (int shift = 0; shift < 64; shift += 16)
        same += static_cast<uint16_t>(outer - static_cast<uint16_t>(word >> shift)) <= 1;
    }
    uint16_t before = 0;
    for (int i = 0; i < 8; i++) {
      t.send(PacketBuilder().udp(1000, 99).build());
      const uint16_t id = loadBe16(&t.sent[4]);
      consecutive += static_cast<uint16_t>(id - before) <= 4;
      before = id;
    }
  }
  CHECK(same <= 2);
  CHECK(consecutive <= 4);
}

}  // namespace tunvs::first_fragment_test
