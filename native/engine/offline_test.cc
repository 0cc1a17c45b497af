#include "engine/offline.h"

#include "engine/clock.h"
#include "support/packet_builder.h"
#include "support/random.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::offline_test {
namespace {

using testing::Bytes;
using testing::PacketBuilder;
using testing::TestDirector;

Bytes tcp(uint16_t port, uint8_t flags) {
  return PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(port, 80, flags).build();
}

// An offline director with one service on two servers, and what became of the packets given to it.
class Replay {
 public:
  Replay() : offline(Offline::create(TestDirector::defaultOptions()).value()) {
    const Operation operations[] = {AddService{TestDirector::kWeb, {"rr"}},
                                    AddServer{TestDirector::kWeb, TestDirector::server(11), {}},
                                    AddServer{TestDirector::kWeb, TestDirector::server(12), {}}};
    CHECK(offline->director().apply(operations).ok());
  }

  void process(const std::vector<std::pair<double, Bytes>>& timed) {
    std::vector<TimedPacket> packets;
    for (const auto& [atMs, bytes] : timed) packets.push_back({bytes, atMs});
    outputs.clear();
    verdicts.assign(packets.size(), Verdict::kCount);
    offline->process(packets, outputs, verdicts);
  }
  // Returns the verdict's name, or the last byte of the real server's address.
  std::string one(double atMs, const Bytes& bytes) {
    process({{atMs, bytes}});
    if (verdicts[0] != Verdict::forwarded) return std::string(kVerdictNames[static_cast<size_t>(verdicts[0])]);
    return std::to_string(outputs[0].bytes[19]);
  }

  std::unique_ptr<Offline> offline;
  std::vector<OfflineOutput> outputs;
  std::vector<Verdict> verdicts;
};

TEST("answers each packet with what would be sent, in order, with its cause") {
  Replay r;
  std::vector<std::pair<double, Bytes>> timed;
  for (uint16_t i = 0; i < 200; i++) timed.push_back({i / 50 * 4.0, i % 4 == 3 ? tcp(i, kTcpAck) : tcp(i, kTcpSyn)});
  timed[1].second.clear();
  r.process(timed);
  std::vector<size_t> causes;
  for (const auto& output : r.outputs) {
    // Resets that answer refused packets are left out.
    if (r.verdicts[output.cause] == Verdict::forwarded) causes.push_back(output.cause);
  }
  std::vector<size_t> expected;
  for (size_t i = 0; i < 200; i++) {
    if (i % 4 != 3 && i != 1 && i != 20) expected.push_back(i);  // client port 20 is the FTP data port
  }
  CHECK_EQ(causes, expected);
  CHECK(r.verdicts[0] == Verdict::forwarded);
  CHECK(r.verdicts[1] == Verdict::dropTruncated);
  CHECK(r.verdicts[3] == Verdict::dropNotScheduled);
  for (const auto& output : r.outputs) {
    if (r.verdicts[output.cause] != Verdict::forwarded) continue;
    const Bytes& inner = timed[output.cause].second;
    if (!CHECK_EQ(Bytes(output.bytes.begin() + 20, output.bytes.end()), inner)) return;
  }
}

TEST("connections expire to the millisecond of a tick before the packet of that time") {
  Replay r;
  CHECK_EQ(r.one(1000, tcp(1, kTcpSyn)), "12");
  CHECK_EQ(r.one(1000, tcp(1, kTcpAck)), "12");
  CHECK_EQ(r.one(900999, tcp(1, kTcpAck)), "12");
  CHECK_EQ(r.one(1800995, tcp(1, kTcpAck)), "12");
  CHECK_EQ(r.one(2700995, tcp(1, kTcpAck)), "dropNotScheduled");
}

TEST("handles each packet of a call at its own time") {
  Replay r;
  r.process({{0, tcp(1, kTcpSyn)}, {0, tcp(1, kTcpAck)}, {899996, tcp(1, kTcpAck)}, {1799996, tcp(1, kTcpAck)}});
  CHECK(r.verdicts[2] == Verdict::forwarded);
  CHECK(r.verdicts[3] == Verdict::dropNotScheduled);
  CHECK_EQ(r.outputs.size(), 4u);  // the last is a reset
  CHECK_EQ(r.outputs.back().cause, 3u);
}

TEST("connections expire by advancing alone") {
  Replay r;
  r.one(0, tcp(1, kTcpSyn));
  r.offline->advance(59999);
  CHECK_EQ(r.offline->director().connectionCount(), 1u);
  r.offline->advance(60000);
  CHECK_EQ(r.offline->director().connectionCount(), 0u);
}

TEST("never goes back in time") {
  Replay r;
  CHECK_EQ(r.one(100000, tcp(1, kTcpSyn)), "12");
  const Tick reachedTick = r.offline->now();
  CHECK_EQ(r.one(50000, tcp(2, kTcpSyn)), "11");
  r.offline->advance(10);
  CHECK_EQ(r.offline->now(), reachedTick);
  r.offline->advance(159999);
  CHECK_EQ(r.offline->director().connectionCount(), 2u);  // the second began at the first one's time, too
  r.offline->advance(160000);
  CHECK_EQ(r.offline->director().connectionCount(), 0u);
}

TEST("accepts a wall clock's time, and leaps of years") {
  Replay r;
  const double start = 1.7e12;
  CHECK_EQ(r.one(start, tcp(1, kTcpSyn)), "12");
  CHECK_EQ(r.one(start + 1, tcp(1, kTcpAck)), "12");
  CHECK_EQ(r.one(start + 899000, tcp(1, kTcpAck)), "12");
  const uint64_t beginUs = monotonicUs();
  for (const double years : {0.1, 0.2, 0.25, 0.3, 0.5, 0.6, 1.0, 10.0, 280000.0}) {
    const double later = start + 1e6 + years * 365 * 86400e3;
    Replay leap;
    CHECK_EQ(leap.one(start, tcp(1, kTcpSyn)), "12");
    CHECK_EQ(leap.one(later, tcp(1, kTcpAck)), "dropNotScheduled");
    CHECK_EQ(leap.offline->director().connectionCount(), 0u);
    CHECK_EQ(leap.one(later, tcp(2, kTcpSyn)), "11");
    leap.offline->advance(later + 59990);
    CHECK_EQ(leap.offline->director().connectionCount(), 1u);
    leap.offline->advance(later + 60000);
    CHECK_EQ(leap.offline->director().connectionCount(), 0u);
  }
  CHECK(monotonicUs() - beginUs < 10'000'000u);  // a few milliseconds on a machine that is not busy
}

TEST("accepts more packets of one time than a vector holds") {
  Replay r;
  std::vector<std::pair<double, Bytes>> timed;
  for (uint16_t i = 0; i < 1000; i++) timed.push_back({8, tcp(static_cast<uint16_t>(2000 + i), kTcpSyn)});
  r.process(timed);
  CHECK_EQ(r.outputs.size(), 1000u);
  CHECK_EQ(r.offline->director().connectionCount(), 1000u);
}

TEST("accepts packets of every length, and treats one longer than any as cut") {
  Replay r;
  Bytes monster = tcp(1, kTcpSyn);
  monster.resize(200000);
  storeBe16(&monster[2], 65535);
  storeBe16(&monster[10], 0);
  const Be16 check = checksum(monster.data(), 20);
  std::memcpy(&monster[10], &check.raw, 2);
  CHECK_EQ(r.one(0, monster), "dropTooLong");
  CHECK_EQ(r.one(0, {}), "dropTruncated");
  CHECK_EQ(r.one(0, {0x45}), "dropTruncated");
}

TEST("gives the same answers to the same packets") {
  const auto run = [] {
    Replay r;
    testing::Random random(1);
    std::vector<std::pair<double, Bytes>> timed;
    double at = 0;
    for (int i = 0; i < 3000; i++) {
      at += random.below(1000);
      timed.push_back({at, tcp(static_cast<uint16_t>(1024 + random.below(200)), random.oneIn(2) ? kTcpSyn : kTcpAck)});
    }
    r.process(timed);
    Bytes all;
    for (const auto& output : r.outputs) all.insert(all.end(), output.bytes.begin(), output.bytes.end());
    return all;
  };
  const Bytes first = run();
  CHECK(!first.empty());
  CHECK(first == run());
}

TEST("forgets removed servers as time passes") {
  Replay r;
  r.one(0, tcp(1, kTcpSyn));
  const Operation remove[] = {DeleteServer{TestDirector::kWeb, TestDirector::server(12)}};
  CHECK(r.offline->director().apply(remove).ok());
  for (double second = 1; second < 400; second++) r.offline->advance(second * 1000);
  const Operation add[] = {AddServer{TestDirector::kWeb, TestDirector::server(12), {}}};
  CHECK(r.offline->director().apply(add).ok());
  CHECK_EQ(r.offline->director().control().rows(0)[0].servers[0].traffic.connections, 0u);
}

TEST("lets drop_entry work second by second through a long silence") {
  Replay r;
  Tunables tunables = r.offline->director().control().tunables();
  CHECK(setSysctl(tunables, "drop_entry", 3).ok());
  r.offline->director().setTunables(tunables);
  std::vector<std::pair<double, Bytes>> timed;
  for (uint16_t i = 0; i < 500; i++) timed.push_back({0, tcp(static_cast<uint16_t>(1024 + i), kTcpSyn)});
  r.process(timed);
  r.offline->advance(50000);  // before SYN_RECV's timeout
  const uint64_t left = r.offline->director().connectionCount();
  CHECK(left > 60 && left < 145);  // 500 * (31/32)^50 is 102
  r.offline->advance(1e15);
  CHECK_EQ(r.offline->director().connectionCount(), 0u);
}

}  // namespace
}  // namespace tunvs::offline_test
