#include "director/fragment/fragment_table.h"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "support/fragments.h"
#include "support/testing.h"

namespace tunvs::fragment_table_test {
namespace {

constexpr Tick kStart = 0xffffff80;  // the clock wraps within the tests
constexpr FragmentDecision kServer7{7, 77, 0};

// Makes the fragments of one datagram between two addresses.
struct Sender {
  Family family = Family::ipv4;
  uint32_t identification = 1;
  IpProtocol protocol = IpProtocol::udp;

  FragmentInfo operator()(uint32_t offset, uint32_t payload, bool more) const {
    FragmentInfo info;
    const uint8_t client[16] = {0x20, 1, 0xd, 0xb8, 1}, virtualAddress[16] = {0x20, 1, 0xd, 0xb8, 2};
    const bool isV4 = family == Family::ipv4;
    info.source = isV4 ? IpAddress::v4(198, 51, 100, 1) : IpAddress::v6(client);
    info.destination = isV4 ? IpAddress::v4(10, 9, 9, 9) : IpAddress::v6(virtualAddress);
    info.identification = identification;
    info.protocol = static_cast<uint8_t>(protocol);
    info.headerBytes = isV4 ? 20 : 0;
    info.offsetBytes = static_cast<uint16_t>(offset);
    info.payloadBytes = payload;
    info.more = more;
    return info;
  }
};

uint64_t sumOfDropped(const FragmentCounts& counts) {
  uint64_t sum = 0;
  for (const uint64_t dropped : counts.dropped) sum += dropped;
  return sum;
}

// A table with a lease, and the packets that were released, as texts.
struct Bench {
  static FragmentTable::Options small() { return {.datagrams = 64, .arenaBytes = 256 * 1024, .shards = 1}; }

  explicit Bench(const FragmentTable::Options& options = small())
      : table(options, HashSecret::fromSeed(1)), lease(std::make_unique<FragmentLease>(table)) {}
  ~Bench() { checkLaw(); }

  FragmentAnswer decide(const FragmentInfo& info, const FragmentDecision& decision = kServer7, Tick now = kStart) {
    return testing::decide(table, info, decision, now, *lease, [this](Packet packet) {
      std::memset(packet.data - kHeadroom, 0xee, kHeadroom);
      released.emplace_back(reinterpret_cast<const char*>(packet.data), packet.length);
    });
  }
  FragmentAnswer conclude(const FragmentInfo& info, const FragmentDecision& decision = kServer7, Tick now = kStart) {
    return table.conclude(info, decision, now, *lease, [this](Packet packet) {
      released.emplace_back(reinterpret_cast<const char*>(packet.data), packet.length);
    });
  }
  FragmentAnswer follow(const FragmentInfo& info, const std::string& packet, Tick now = kStart) {
    return table.follow(info, {reinterpret_cast<const uint8_t*>(packet.data()), packet.size()}, now);
  }
  FragmentAnswer follow(const FragmentInfo& info, Tick now = kStart) {
    return follow(info, std::string(100, 'x'), now);
  }
  uint64_t dropped(FragmentDrop reason) const { return table.counts().dropped[static_cast<size_t>(reason)]; }

  void checkLaw() const {
    const FragmentCounts c = table.counts();
    CHECK_EQ(c.handedIn, c.decided + c.followed + c.released + c.expired + c.evicted + c.waiting + sumOfDropped(c));
  }

  FragmentTable table;
  std::unique_ptr<FragmentLease> lease;
  std::vector<std::string> released;
};

bool isForward(const FragmentAnswer& answer, const FragmentDecision& decision = kServer7) {
  return answer.verdict == FragmentVerdict::forward && answer.decision == decision;
}
bool isWait(const FragmentAnswer& answer) { return answer.verdict == FragmentVerdict::wait; }
bool isDrop(const FragmentAnswer& answer, FragmentDrop reason) {
  return answer.verdict == FragmentVerdict::drop && answer.reason == reason;
}

}  // namespace

TEST("later fragments follow the first one, and a complete datagram is forgotten") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    Bench bench;
    const Sender part{.family = family, .identification = 9};
    CHECK(isForward(bench.decide(part(0, 1480, true))));
    CHECK_EQ(bench.table.counts().datagrams, 1u);
    CHECK(isForward(bench.follow(part(2960, 100, false))));
    CHECK(isForward(bench.follow(part(1480, 1480, true))));
    CHECK_EQ(bench.table.counts().datagrams, 0u);
    CHECK_EQ(bench.table.counts().followed, 2u);
  }
}

TEST("fragments that come before the first wait, and go on by offset when it comes") {
  Bench bench;
  const Sender part;
  CHECK(isWait(bench.follow(part(2960, 1480, true), "third")));
  CHECK(isWait(bench.follow(part(4440, 8, false), "fourth")));
  CHECK(isWait(bench.follow(part(1480, 1480, true), "second")));
  CHECK_EQ(bench.table.counts().waiting, 3u);
  CHECK(isForward(bench.decide(part(0, 1480, true))));
  CHECK_EQ(bench.released, std::vector<std::string>{"second", "third", "fourth"});
  CHECK_EQ(bench.table.counts().released, 3u);
  CHECK_EQ(bench.table.counts().datagrams, 0u);
}

TEST("released packets stay as they are until the lease is cleared, and then make room") {
  Bench bench({.datagrams = 64, .arenaBytes = FragmentArena::kLeastBytes, .shards = 1});
  std::vector<Packet> packets;
  const Sender first{.identification = 1}, second{.identification = 2};
  const std::string a(30000, 'a'), b(30000, 'b');
  CHECK(isWait(bench.follow(first(30000, 29980, false), a)));
  CHECK(isWait(bench.follow(second(30000, 29980, false), b)));
  const auto keep = [&packets](Packet packet) { packets.push_back(packet); };
  CHECK(isForward(testing::decide(bench.table, first(0, 30000, true), kServer7, kStart, *bench.lease, keep)));
  CHECK(isForward(testing::decide(bench.table, second(0, 30000, true), kServer7, kStart, *bench.lease, keep)));
  REQUIRE(CHECK_EQ(packets.size(), 2u));

  const Sender third{.identification = 3};
  CHECK(isDrop(bench.follow(third(30000, 29980, false), a), FragmentDrop::noRoom));
  CHECK(std::string(reinterpret_cast<char*>(packets[0].data), packets[0].length) == a);
  CHECK(std::string(reinterpret_cast<char*>(packets[1].data), packets[1].length) == b);
  CHECK(!bench.lease->isEmpty());
  bench.lease->clear();
  CHECK(bench.lease->isEmpty());
  CHECK_EQ(bench.table.counts().arenaBytes, 0u);
  CHECK(isWait(bench.follow(third(30000, 29980, false), a)));
}

TEST("a lease gives its packets back when it ends") {
  Bench bench;
  const Sender part;
  bench.follow(part(1480, 100, false));
  bench.decide(part(0, 1480, true));
  CHECK(bench.table.counts().arenaBytes > 0);
  bench.lease.reset();
  CHECK_EQ(bench.table.counts().arenaBytes, 0u);
}

TEST("datagrams differ in family, addresses, identification and, for IPv4, protocol") {
  Bench bench;
  const Sender part{.identification = 5};
  bench.decide(part(0, 1480, true));
  CHECK(isWait(bench.follow(Sender{.identification = 6}(1480, 8, true))));
  CHECK(isWait(bench.follow(Sender{.identification = 5, .protocol = IpProtocol::icmp}(1480, 8, true))));
  CHECK(isWait(bench.follow(Sender{.family = Family::ipv6, .identification = 5}(1480, 8, true))));
  FragmentInfo other = part(1480, 8, true);
  other.source = IpAddress::v4(198, 51, 100, 2);
  CHECK(isWait(bench.follow(other)));
  other = part(1480, 8, true);
  other.destination = IpAddress::v4(10, 9, 9, 8);
  CHECK(isWait(bench.follow(other)));
  CHECK(isForward(bench.follow(part(1480, 8, true))));
}

TEST("IPv6 fragments of one datagram may differ in Next Header") {
  Bench bench;
  bench.decide(Sender{.family = Family::ipv6}(0, 1480, true));
  CHECK(isForward(bench.follow(Sender{.family = Family::ipv6, .protocol = IpProtocol::tcp}(1480, 8, true))));
}

TEST("a refused first fragment takes the waiting and the later ones with it") {
  Bench bench;
  const Sender part;
  const FragmentDecision refusal{0, 0, 11};
  bench.follow(part(1480, 1480, true));
  FragmentAnswer answer = bench.decide(part(0, 1480, true), refusal);
  CHECK(isDrop(answer, FragmentDrop::refused));
  CHECK_EQ(answer.decision.refusal, 11);
  answer = bench.follow(part(2960, 8, true));
  CHECK(isDrop(answer, FragmentDrop::refused));
  CHECK_EQ(answer.decision.refusal, 11);
  CHECK(bench.released.empty());
  CHECK_EQ(bench.dropped(FragmentDrop::refused), 3u);
  CHECK_EQ(bench.table.counts().arenaBytes, 0u);
}

TEST("an overlap among waiting fragments drops them all, and what comes begins anew, as at a host") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    Bench bench;
    const Sender part{.family = family};
    CHECK(isWait(bench.follow(part(1480, 1480, true))));
    CHECK(isWait(bench.follow(part(2960, 1480, true))));
    CHECK(isDrop(bench.follow(part(1472, 16, true)), FragmentDrop::overlap));
    CHECK_EQ(bench.table.counts().waiting, 0u);
    CHECK_EQ(bench.table.counts().datagrams, 0u);
    CHECK_EQ(bench.table.counts().arenaBytes, 0u);
    CHECK(isWait(bench.follow(part(4440, 8, false))));
    CHECK(isForward(bench.decide(part(0, 1480, true))));
    CHECK_EQ(bench.dropped(FragmentDrop::overlap), 3u);
    CHECK_EQ(bench.released.size(), 1u);
    bench.released.clear();
    CHECK(bench.released.empty());
  }
}

TEST("an overlap of the first fragment that was forwarded stops the rest") {
  Bench bench;
  const Sender part{.protocol = IpProtocol::tcp};
  CHECK(isForward(bench.decide(part(0, 1480, true))));
  CHECK(isDrop(bench.follow(part(24, 1480, true)), FragmentDrop::overlap));
  CHECK(isDrop(bench.follow(part(1504, 8, false)), FragmentDrop::overlap));
}

TEST("a copy of a fragment is counted and dropped alone, and a copy of the first one is not decided again") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    Bench bench;
    const Sender part{.family = family};
    CHECK(isWait(bench.follow(part(1480, 1480, true), "second")));
    CHECK(isDrop(bench.follow(part(1480, 1480, true), "copy"), FragmentDrop::duplicate));
    CHECK(isForward(bench.decide(part(0, 1480, true))));
    CHECK(isDrop(bench.table.begin(part(0, 1480, true), kStart), FragmentDrop::duplicate));
    CHECK(isDrop(bench.follow(part(1480, 1480, true)), FragmentDrop::duplicate));
    CHECK(isForward(bench.follow(part(2960, 8, false))));
    CHECK_EQ(bench.released, std::vector<std::string>{"second"});
    CHECK_EQ(bench.table.counts().duplicates, 3u);
    CHECK_EQ(bench.table.counts().datagrams, 0u);
  }
}

TEST("208 bytes in three pieces, one of them twice, reach their server whole") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const Sender part{.family = family};
    for (const auto& order : {std::vector{0, 1, 1, 2}, std::vector{0, 0, 1, 2}}) {
      Bench bench;
      uint32_t bytes = 0;
      for (const int i : order) {
        const FragmentInfo info = part(static_cast<uint32_t>(i) * 80, i == 2 ? 48 : 80, i != 2);
        const FragmentAnswer answer = i == 0 ? bench.decide(info) : bench.follow(info);
        if (isForward(answer)) bytes += info.payloadBytes;
      }
      CHECK_EQ(bytes, 208u);
      CHECK_EQ(bench.table.counts().datagrams, 0u);
    }
  }
}

TEST("a copy that is the first to say where the datagram ends goes on") {
  Bench bench;
  const Sender part;
  CHECK(isForward(bench.decide(part(0, 80, true))));
  CHECK(isForward(bench.follow(part(160, 80, true))));
  CHECK(isForward(bench.follow(part(160, 80, false))));
  CHECK(isDrop(bench.follow(part(160, 80, false)), FragmentDrop::duplicate));
  CHECK(isForward(bench.follow(part(80, 80, true))));
  CHECK_EQ(bench.table.counts().datagrams, 0u);
}

TEST("IPv6 fragments of an impossible length or offset are dropped alone") {
  Bench bench;
  const Sender part{.family = Family::ipv6};
  CHECK(isDrop(bench.decide(part(0, 4, true)), FragmentDrop::tinyFirst));
  CHECK(isForward(bench.decide(part(0, 80, true))));
  CHECK(isDrop(bench.follow(part(80, 77, true)), FragmentDrop::badLength));
  CHECK(isDrop(bench.follow(part(65528, 80, false)), FragmentDrop::tooLong));
  CHECK(isForward(bench.follow(part(80, 80, false))));
}

TEST("while a first fragment is being scheduled its datagram's others wait, and go on when it is concluded") {
  Bench bench;
  const Sender part;
  CHECK_EQ(bench.table.begin(part(0, 1480, true), kStart).verdict, FragmentVerdict::forward);
  CHECK(isDrop(bench.table.begin(part(0, 1480, true), kStart), FragmentDrop::duplicate));
  CHECK(isWait(bench.follow(part(1480, 8, false), "second")));
  const auto keep = [&](Packet packet) {
    bench.released.emplace_back(reinterpret_cast<const char*>(packet.data), packet.length);
  };
  CHECK(isForward(bench.table.conclude(part(0, 1480, true), kServer7, kStart, *bench.lease, keep)));
  CHECK_EQ(bench.released, std::vector<std::string>{"second"});
  CHECK_EQ(bench.table.counts().datagrams, 0u);
}

TEST("an overlap that comes while the first fragment is being scheduled stops the datagram") {
  Bench bench;
  const Sender part;
  CHECK_EQ(bench.table.begin(part(0, 1480, true), kStart).verdict, FragmentVerdict::forward);
  CHECK(isDrop(bench.follow(part(1472, 16, false)), FragmentDrop::overlap));
  CHECK(isDrop(bench.table.conclude(part(0, 1480, true), kServer7, kStart, *bench.lease, [](Packet) {}),
               FragmentDrop::overlap));
}

TEST("a flood of fragments without a first one evicts no datagram that goes on, and firsts none that waits") {
  for (const bool isOfFirsts : {false, true}) {
    Bench bench({.datagrams = 64, .arenaBytes = 1 << 20, .shards = 1});
    const auto from = [](uint32_t client, uint32_t id, uint32_t offset) {
      FragmentInfo info = Sender{.identification = id}(offset, 1480, true);
      info.source = IpAddress::v4(Be32::from(0xc6120000 + client));
      return info;
    };
    for (uint32_t i = 0; i < 20; i++) {
      if (isOfFirsts) {
        CHECK(isWait(bench.follow(from(i, 1, 1480))));
      } else {
        CHECK(isForward(bench.decide(from(i, 1, 0))));
      }
    }
    for (uint32_t i = 0; i < 1000; i++) {
      isOfFirsts ? bench.decide(from(1000 + i, 2, 0)) : bench.follow(from(1000 + i, 2, 1480));
    }
    for (uint32_t i = 0; i < 20; i++) {
      if (isOfFirsts) {
        bench.decide(from(i, 1, 0));
      } else {
        CHECK(isForward(bench.follow(from(i, 1, 1480))));
      }
    }
    CHECK_EQ(bench.released.size(), isOfFirsts ? 20u : 0u);
  }
}

TEST("a source with many datagrams in a full table makes room for itself") {
  Bench bench({.datagrams = 64, .arenaBytes = 1 << 20, .shards = 1});
  FragmentInfo other = Sender{}(1480, 8, true);
  other.source = IpAddress::v4(198, 51, 100, 99);
  CHECK(isWait(bench.follow(other)));
  for (uint32_t id = 100; id < 1100; id++) bench.follow(Sender{.identification = id}(1480, 8, true));
  other.offsetBytes = 0;
  other.payloadBytes = 1480;
  CHECK(isForward(bench.decide(other)));
  CHECK_EQ(bench.released.size(), 1u);
}

TEST("attacks with a single fragment drop the datagram's waiting fragments") {
  const struct {
    IpProtocol protocol;
    uint32_t offset, payload;
    bool more;
    FragmentDrop reason;
  } rows[] = {
      {IpProtocol::tcp, 8, 1480, true, FragmentDrop::tinyFirst},
      {IpProtocol::icmp, 65528, 1480, false, FragmentDrop::tooLong},
      {IpProtocol::udp, 1480, 7, true, FragmentDrop::badLength},  // nothing is left after trimming
      {IpProtocol::udp, 1480, 0, false, FragmentDrop::badLength},
  };
  for (const auto& row : rows) {
    Bench bench;
    const Sender part{.protocol = row.protocol};
    CHECK(isWait(bench.follow(part(2960, 8, false))));
    CHECK(isDrop(bench.follow(part(row.offset, row.payload, row.more)), row.reason));
    CHECK_EQ(bench.dropped(row.reason), 2u);
    CHECK_EQ(bench.table.counts().waiting, 0u);
  }
  Bench bench;
  const Sender part{.protocol = IpProtocol::tcp};
  CHECK(isDrop(bench.decide(part(0, 16, true)), FragmentDrop::tinyFirst));
  CHECK_EQ(bench.table.counts().datagrams, 0u);
}

TEST("a datagram that one fragment made too long does not begin anew with the next, as at a host") {
  Bench bench;
  const Sender part;
  CHECK(isDrop(bench.follow(part(65440, 92, false)), FragmentDrop::tooLong));
  CHECK(isDrop(bench.decide(part(0, 24, true)), FragmentDrop::tooLong));
  CHECK(isDrop(bench.follow(part(24, 168, false)), FragmentDrop::tooLong));
}

TEST("two last fragments that disagree kill the datagram") {
  Bench bench;
  const Sender part;
  CHECK(isForward(bench.decide(part(0, 1480, true))));
  CHECK(isForward(bench.follow(part(2960, 100, false))));
  CHECK(isDrop(bench.follow(part(4440, 100, false)), FragmentDrop::twoEnds));
  CHECK(isDrop(bench.follow(part(1480, 1480, true)), FragmentDrop::twoEnds));
}

TEST("a datagram in more than 128 fragments dies") {
  Bench bench({.datagrams = 64, .arenaBytes = 1 << 20, .shards = 1});
  const Sender part;
  for (uint32_t i = 1; i <= 128; i++) REQUIRE(CHECK(isWait(bench.follow(part(i * 8, 8, true)))));
  CHECK(isDrop(bench.follow(part(129 * 8, 8, true)), FragmentDrop::tooMany));
  CHECK_EQ(bench.dropped(FragmentDrop::tooMany), 129u);
}

TEST("one datagram may not have more waiting than its share") {
  Bench bench({.datagrams = 64, .arenaBytes = 1 << 20, .shards = 1});
  const Sender part;
  const std::string large(kMaxWaitingBytesPerDatagram / 2, 'l');
  CHECK(isWait(bench.follow(part(800, 8, true), large)));
  CHECK(isWait(bench.follow(part(1600, 8, true), large)));
  CHECK(isDrop(bench.follow(part(2400, 8, true), "one more"), FragmentDrop::noRoom));
  CHECK(isForward(bench.decide(part(0, 800, true))));
  CHECK(isForward(bench.follow(part(2400, 8, true))));
  CHECK_EQ(bench.released.size(), 2u);
}

TEST("waiting fragments expire thirty seconds after the datagram's first-seen one") {
  Bench bench;
  const Sender part;
  bench.follow(part(1480, 1480, true));
  bench.follow(part(2960, 1480, true), kStart + 7000);
  CHECK_EQ(bench.table.expire(kStart + kFragmentLifeTicks - 1), 0u);
  CHECK_EQ(bench.table.counts().waiting, 2u);
  CHECK_EQ(bench.table.expire(kStart + kFragmentLifeTicks), 1u);
  CHECK_EQ(bench.table.counts().expired, 2u);
  CHECK_EQ(bench.table.counts().arenaBytes, 0u);
  CHECK(isForward(bench.decide(part(0, 1480, true), kServer7, kStart + kFragmentLifeTicks)));
  CHECK(bench.released.empty());
}

TEST("a decision does not outlive its datagram") {
  Bench bench;
  const Sender part;
  bench.decide(part(0, 1480, true));
  CHECK(isForward(bench.follow(part(1480, 8, true), kStart + kFragmentLifeTicks - 1)));
  CHECK(isWait(bench.follow(part(1488, 8, true), kStart + kFragmentLifeTicks)));
  CHECK_EQ(bench.table.counts().datagramsExpired, 1u);
}

TEST("every call drops a few due datagrams, without expire()") {
  Bench bench;
  for (uint32_t id = 0; id < 10; id++) bench.follow(Sender{.identification = id}(1480, 8, true));
  for (uint32_t id = 100; id < 105; id++) {
    bench.follow(Sender{.identification = id}(1480, 8, true), kStart + kFragmentLifeTicks);
  }
  CHECK_EQ(bench.table.counts().expired, 10u);
  CHECK_EQ(bench.table.counts().datagrams, 5u);
}

TEST("a full table gives up its oldest datagram") {
  Bench bench({.datagrams = 4, .arenaBytes = 256 * 1024, .shards = 1});
  for (uint32_t id = 0; id < 4; id++) bench.follow(Sender{.identification = id}(1480, 8, true));
  bench.decide(Sender{.identification = 4}(0, 1480, true));
  CHECK_EQ(bench.table.counts().evicted, 1u);
  CHECK_EQ(bench.table.counts().datagramsEvicted, 1u);
  CHECK_EQ(bench.table.counts().datagrams, 4u);
  bench.decide(Sender{.identification = 0}(0, 1480, true));
  bench.decide(Sender{.identification = 2}(0, 1480, true));
  CHECK_EQ(bench.released.size(), 1u);
}

TEST("a full arena gives up the datagram with the oldest waiting fragment") {
  Bench bench({.datagrams = 64, .arenaBytes = FragmentArena::kLeastBytes, .shards = 1});
  const std::string large(20000, 'l');
  for (uint32_t id = 0; id < 4; id++) CHECK(isWait(bench.follow(Sender{.identification = id}(1480, 8, true), large)));
  CHECK_EQ(bench.table.counts().evicted, 1u);
  bench.decide(Sender{.identification = 0}(0, 1480, true));
  CHECK(bench.released.empty());
  bench.decide(Sender{.identification = 1}(0, 1480, true));
  CHECK_EQ(bench.released.size(), 1u);
}

TEST("a datagram that has to make room for itself is given up as a whole") {
  Bench bench({.datagrams = 64, .arenaBytes = FragmentArena::kLeastBytes, .shards = 1});
  const Sender part;
  const std::string large(32000, 'l');
  CHECK(isWait(bench.follow(part(8000, 8, true), large)));
  CHECK(isWait(bench.follow(part(16000, 8, true), large)));
  CHECK(isDrop(bench.follow(part(24000, 8, true), std::string(9000, 's')), FragmentDrop::noRoom));
  CHECK_EQ(bench.table.counts().evicted, 2u);
  CHECK_EQ(bench.table.counts().datagrams, 0u);
}

TEST("an IPv4 identification that comes back after a loss begins a new datagram") {
  Bench bench;
  const Sender part;
  const FragmentDecision next{8, 88, 0};
  bench.decide(part(0, 1480, true));  // its second fragment was lost
  bench.follow(part(2960, 8, false));
  const Tick later = kStart + kIdentificationReuseTicks;
  CHECK(isForward(bench.decide(part(0, 1480, true), next, later), next));
  CHECK(isForward(bench.follow(part(1480, 1480, true), later), next));
  CHECK(isForward(bench.follow(part(2960, 400, false), later), next));
  CHECK_EQ(bench.table.counts().datagrams, 0u);
  CHECK_EQ(bench.table.counts().duplicates, 0u);
}

TEST("an IPv4 identification is not poisoned by a dead datagram; an IPv6 one stays dead for its life") {
  Bench bench;
  const Sender part4, part6{.family = Family::ipv6};
  for (const Sender& part : {part4, part6}) {
    bench.decide(part(0, 1480, true));
    CHECK(isDrop(bench.follow(part(1472, 16, true)), FragmentDrop::overlap));
  }
  const Tick soon = kStart + kIdentificationReuseTicks - 1;
  CHECK(isDrop(bench.decide(part4(0, 1480, true), kServer7, soon), FragmentDrop::overlap));
  CHECK(isDrop(bench.decide(part4(0, 1480, true), kServer7, soon + 1), FragmentDrop::overlap));  // `soon` was the last
  CHECK(isForward(bench.decide(part4(0, 1480, true), kServer7, soon + 1 + kIdentificationReuseTicks)));
  CHECK(isDrop(bench.decide(part6(0, 1480, true), kServer7, kStart + kFragmentLifeTicks - 1), FragmentDrop::overlap));
  CHECK(isForward(bench.decide(part6(0, 1480, true), kServer7, kStart + kFragmentLifeTicks)));
}

TEST("a datagram that is evicted while its first fragment is decided goes on with what comes behind it") {
  for (const bool comesMeanwhile : {false, true}) {
    Bench bench({.datagrams = 4, .arenaBytes = 256 * 1024, .shards = 1});
    const Sender part{.identification = 99};
    CHECK_EQ(bench.table.begin(part(0, 1480, true), kStart).verdict, FragmentVerdict::forward);
    for (uint32_t id = 0; id < 4; id++) bench.follow(Sender{.identification = id}(1480, 8, true));
    CHECK_EQ(bench.table.counts().datagramsEvicted, 1u);
    if (comesMeanwhile) CHECK(isWait(bench.follow(part(1480, 1480, true), "second")));
    CHECK(isForward(bench.conclude(part(0, 1480, true))));
    CHECK_EQ(bench.released, comesMeanwhile ? std::vector<std::string>{"second"} : std::vector<std::string>{});
    if (!comesMeanwhile) CHECK(isForward(bench.follow(part(1480, 1480, true))));
    CHECK(isForward(bench.follow(part(2960, 100, false))));
  }
}

}  // namespace tunvs::fragment_table_test
