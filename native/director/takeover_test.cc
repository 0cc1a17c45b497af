// A director takes over what another process has left in memory: its connections go on at their servers, whatever the
// other was doing when it was killed, and whatever somebody has written into the memory.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "support/outside_memory.h"
#include "support/random.h"

namespace tunvs::takeover_test {
namespace {

using testing::addServices;
using testing::Bytes;
using testing::Counts;
using testing::exchanged;
using testing::kNat;
using testing::Outside;
using testing::PacketBuilder;
using testing::Random;
using testing::TestDirector;
using testing::toNat;
using testing::wrongWith;

const ServiceKey kWeb = TestDirector::kWeb, kNames = TestDirector::kNames;

TEST("connections go on at their servers, by whatever ids these have, and are counted for them") {
  const Outside outside;
  std::vector<std::string> servers, named, translated;
  std::vector<Bytes> replies;
  {
    const auto t = outside.open(false);
    // These have ids that nobody has later.
    t->addService("rr", {IpAddress::v4(192, 0, 2, 99), 1, 6});
    for (uint8_t i = 50; i < 60; i++) t->addServer(i, {}, {IpAddress::v4(192, 0, 2, 99), 1, 6});
    addServices(*t);
    for (uint32_t i = 0; i < 30; i++) {
      servers.push_back(t->establish(i));
      named.push_back(t->udp(i * 60000));
      translated.push_back(t->send(toNat(static_cast<uint16_t>(20000 + i), kTcpSyn)));
      replies.push_back(exchanged(t->sent));
    }
  }
  const auto t = outside.open(true, 100);
  CHECK_EQ(t->director.takenOver().connections, 90u);
  CHECK_EQ(t->director.takenOver().templates, 30u);
  CHECK_EQ(t->director.takenOver().ended, 0u);
  addServices(*t, /*isInOtherOrder=*/true);
  for (const auto& [service, active] : {std::pair{kWeb, 10}, {kNames, 0}, {kNat, 10}}) {
    int32_t sum = 0;
    const auto found = t->director.control().row(service, t->now);
    for (const auto& row : found->servers) {
      CHECK_EQ(row.active, active);
      sum += row.active + row.inactive;
    }
    CHECK_EQ(sum, 30);
  }
  for (uint32_t i = 0; i < 30; i++) {
    CHECK_EQ(t->tcp(i, kTcpAck), servers[i].substr(0, 2));
    CHECK_EQ(t->udp(i * 60000), named[i]);
    CHECK_EQ(t->send(replies[i]), "returned");
    CHECK_EQ(t->send(toNat(static_cast<uint16_t>(20000 + i), kTcpAck)), translated[i]);
    // Another connection of the client follows the template.
    const Bytes other = PacketBuilder()
                            .ip(IpAddress::v4(Be32::from(0xc6336407 + i)), kNames.address)
                            .udp(static_cast<uint16_t>(5000 + i), kNames.port)
                            .payload(9)
                            .build();
    CHECK_EQ(t->send(other), named[i]);
  }
  CHECK_EQ(testing::brokenNatLaw(t->director), "");
  for (int i = 0; i < 3; i++) t->pass(1000);
  CHECK_EQ(t->director.connectionCount(), 0u);
  const auto left = t->director.control().row(kWeb, t->now);
  for (const auto& row : left->servers) CHECK_EQ(row.active + row.inactive, 0);
}

TEST("packets of servers that are not there again are dropped, and what they had ends by its timeouts") {
  const Outside outside;
  {
    const auto t = outside.open(false);
    addServices(*t);
    for (uint32_t i = 0; i < 6; i++) t->establish(i);
  }
  const auto t = outside.open(true);
  CHECK_EQ(t->tcp(0, kTcpAck), "dropNoService");
  t->addService("rr", kWeb);
  t->addServer(14, {}, kWeb);
  CHECK_EQ(t->tcp(0, kTcpAck), "dropServerGone");
  CHECK_EQ(t->tcp(100, kTcpSyn), "14");
  t->pass(1000);
  CHECK_EQ(t->director.connectionCount(), 0u);
  // The id is given back, and is another server's.
  for (int i = 0; i < 4; i++) t->pass(200);
  for (uint8_t i = 20; i < 40; i++) t->addServer(i, {}, kWeb);
  for (uint32_t i = 200; i < 240; i++) CHECK(t->tcp(i, kTcpSyn) >= "14");
}

TEST("nobody is told that something is not there while it may come yet, and what does not come is as if removed") {
  const Outside outside;
  {
    const auto t = outside.open(false);
    addServices(*t);
    for (uint32_t i = 0; i < 9; i++) t->establish(i);
  }
  const auto t = outside.open(true, 100);
  const auto answers = [&] {
    const WorkerStats& stats = t->director.stats(0);
    return stats.answersReset.read() + stats.answersUnreachable.read();
  };
  Tunables tunables = t->director.control().tunables();
  tunables.expireNodestConn = 1;
  t->director.setTunables(tunables);
  for (uint32_t i = 0; i < 9; i++) CHECK_EQ(t->tcp(i, kTcpAck), "dropNoService");
  CHECK_EQ(t->tcp(100, kTcpSyn), "dropNoService");
  t->addService("rr", kWeb);
  for (uint32_t i = 0; i < 9; i++) CHECK_EQ(t->tcp(i, kTcpAck), "dropServerGone");
  CHECK_EQ(t->tcp(100, kTcpSyn), "dropNoServer");
  // The removal of another server ends none of them.
  t->addServer(40, {}, kWeb);
  CHECK(t->apply(DeleteServer{kWeb, {IpAddress::v4(10, 0, 0, 40), 80}}).ok());
  CHECK_EQ(answers(), 0u);
  CHECK_EQ(t->director.connectionCount(), 9u);
  t->addServer(11, {}, kWeb);
  t->addServer(12, {}, kWeb);
  t->director.settle();
  CHECK_EQ(t->director.connectionCount(), 6u);
  CHECK(t->tcp(100, kTcpSyn) == "11" || t->tcp(100, kTcpSyn) == "12");
  uint32_t ended = 0;
  for (uint32_t i = 0; i < 9; i++) ended += t->tcp(i, kTcpAck) == "dropNotScheduled";
  CHECK_EQ(ended, 3u);
  CHECK_EQ(answers(), 3u);
}

TEST("a server that begins slowly has its whole weight when it had it before") {
  const Outside outside;
  ServiceConfig slow{"wlc"};
  slow.slowStartSeconds = 60;
  for (const bool isOld : {false, true}) {
    const auto t = outside.open(isOld, 100);
    t->addService(slow, kWeb);
    t->addServer(11, {}, kWeb);
    CHECK_EQ(t->director.control().table()->services()[0]->owned[0]->rampSince.has_value(), !isOld);
  }
}

TEST("what is restarted again and again stays as it is") {
  const Outside outside;
  { addServices(*outside.open(false)); }
  for (uint32_t i = 0; i < 20; i++) {
    const auto t = outside.open(true, i * 100);
    addServices(*t, i % 2 == 0);
    for (uint32_t old = 0; old < i; old++) CHECK_EQ(t->tcp(old, kTcpAck).size(), 2u);
    t->establish(i);
    CHECK_EQ(t->director.connectionCount(), uint64_t{i} + 1);
  }
}

TEST("old memory is refused that was made for other options, or is none") {
  DirectorOptions options = TestDirector::defaultOptions();
  const Outside outside;
  CHECK(!Director::checkOld(options, outside.memory(true)).ok());
  { addServices(*outside.open(false)); }
  CHECK(Director::checkOld(options, outside.memory(true)).ok());
  Director::Memory cut = outside.memory(true);
  cut.tables = cut.tables.first(cut.tables.size() - 1);
  CHECK(!Director::checkOld(options, cut).ok());
  cut = outside.memory(true);
  cut.servers = cut.servers.first(cut.servers.size() - 1);
  CHECK(!Director::checkOld(options, cut).ok());
  options.maxConnections *= 2;
  CHECK(!Director::checkOld(options, outside.memory(true)).ok());
}

// Sends packets of both sides about few flows; `rounds` is how often.
void work(TestDirector& t, Random& random, int rounds) {
  std::vector<Bytes> seen;
  static constexpr uint8_t kFlags[] = {kTcpSyn, kTcpAck, kTcpAck, kTcpFin | kTcpAck, kTcpRst};
  for (int i = 0; i < rounds; i++) {
    const uint32_t client = random.below(1500);
    const uint8_t flags = kFlags[random.below(std::size(kFlags))];
    switch (random.below(6)) {
      case 0:
      case 1: t.tcp(client, flags); break;
      case 2: t.udp(client % 40 * 60000); break;
      case 3:
        t.send(toNat(static_cast<uint16_t>(20000 + client), flags));
        if (!t.sent.empty()) seen.push_back(exchanged(t.sent));
        break;
      case 4:
        if (!seen.empty()) t.send(seen[random.below(static_cast<uint32_t>(seen.size()))]);
        break;
      default:
        if (random.oneIn(40)) t.now += random.below(5000);
        t.director.expire(0, t.now, false, 200);
        break;
    }
    if (seen.size() > 500) seen.clear();
  }
}

void endsEmpty(TestDirector& t) {
  for (int i = 0; i < 4; i++) t.pass(1000);
  CHECK_EQ(t.director.connectionCount(), 0u);
  for (const auto& service : t.rows()) {
    for (const auto& server : service.servers) {
      CHECK_EQ((Counts{server.active, server.inactive}), Counts{});
      CHECK_EQ(server.persistent, 0);
    }
  }
}

TEST("a director that is killed at any moment leaves what the next one goes on with") {
  const Outside outside;
  { addServices(*outside.open(false)); }
  uint64_t connections = 0;
  Tick now = 0;
  for (uint64_t time = 0; time < 300 / testing::kFewer; time++) {
    Random random(time + 1);
    const pid_t child = ::fork();
    if (child == 0) {
      const auto t = outside.open(true, now);
      addServices(*t, time % 2 == 0);
      for (;;) work(*t, random, 1000);
    }
    ::usleep(2000 + random.below(6000));
    ::kill(child, SIGKILL);
    int status = 0;
    if (!CHECK_EQ(::waitpid(child, &status, 0), child) || !CHECK(WIFSIGNALED(status))) return;
    now += 500;
    const auto t = outside.open(true, now);
    addServices(*t);
    if (!CHECK_EQ(wrongWith(*t), "")) return;
    connections += t->director.takenOver().connections;
    work(*t, random, 200);
    if (!CHECK_EQ(wrongWith(*t), "")) return;
    now = t->now;
  }
  CHECK(connections > 10000 / testing::kFewer);
  const auto t = outside.open(true, now);
  addServices(*t);
  endsEmpty(*t);
}

TEST("whatever somebody writes into the memory, a director takes over what holds together, and works") {
  for (uint64_t seed = 1; seed <= 150 / testing::kFewer; seed++) {
    const Outside outside;
    Random random(seed);
    {
      const auto t = outside.open(false);
      addServices(*t);
      work(*t, random, 3000);
    }
    const std::span<std::byte> bytes = outside.bytes();
    constexpr size_t kHeader = 4096;
    for (uint32_t hits = 1 + random.below(3000); hits > 0; hits--) {
      // The tables' headers are looked at elsewhere (conn_table_region_test.cc).
      const bool isDirectory = random.oneIn(3);
      const size_t at = isDirectory ? outside.connectionBytes() + random.below(16 * 128)
                                    : kHeader + random.next() % (outside.tableBytes() / 2 - kHeader);
      bytes[at] = static_cast<std::byte>(random.oneIn(4) ? 0xff : random.below(256));
    }
    if (!Director::checkOld(TestDirector::defaultOptions(), outside.memory(true)).ok()) continue;
    const auto t = outside.open(true, 1000);
    addServices(*t);
    if (!CHECK_EQ(wrongWith(*t), "")) return;
    work(*t, random, 3000);
    if (!CHECK_EQ(wrongWith(*t), "")) return;
    endsEmpty(*t);
  }
}

}  // namespace
}  // namespace tunvs::takeover_test
