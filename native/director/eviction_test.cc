// What a flood costs existing connections and new ones: the promise of docs/conn-table.md, attack by attack. The table
// has one shard of 1,024 places; rates and counts are those of a table of a million, scaled.
#include <functional>

#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::eviction_test {
namespace {

using testing::PacketBuilder;
using testing::TestDirector;

constexpr uint32_t kCapacity = ConnTable::kMinCapacity;
constexpr uint16_t kOther = 443;
const ServiceKey kWeb = TestDirector::kWeb, kNames = TestDirector::kNames;

struct Attacked : TestDirector {
  explicit Attacked(uint32_t persistentSeconds = 0) {
    ServiceConfig web{"rr"};
    web.persistence.timeoutSeconds = persistentSeconds;
    for (const auto& [key, config] : {std::pair{kWeb, web},
                                      {kNames, ServiceConfig{"rr"}},
                                      {ServiceKey{kWeb.address, kOther, kTcpProtocol}, ServiceConfig{"rr"}}}) {
      addService(config, key);
      for (const uint8_t server : {11, 12, 13}) addServer(server, {}, key);
    }
  }

  // Sends from an address of its own for each number. Returns false when the packet was not forwarded, which for TCP
  // without SYN means that there is no connection.
  bool tcpFrom(uint32_t number, uint8_t flags, uint16_t port = kWeb.port) {
    return isSent(from(number).tcp(4000, port, flags));
  }
  bool udpFrom(uint32_t number) { return isSent(from(number).udp(4000, kNames.port).payload(9)); }
  // Sends a SYN, an ACK, and data.
  bool connect(uint32_t number, uint16_t port = kWeb.port) {
    return tcpFrom(number, kTcpSyn, port) && tcpFrom(number, kTcpAck, port) && tcpFrom(number, kTcpAck, port);
  }
  void talk(uint32_t number, uint32_t packets, uint16_t port = kWeb.port) {
    for (uint32_t i = 0; i < packets; i++) tcpFrom(number, kTcpAck, port);
  }
  // Returns how many of the first connections still exist.
  uint32_t alive(uint32_t count) {
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++) found += tcpFrom(i, kTcpAck);
    return found;
  }
  bool isFull() const { return director.connectionCount() >= kCapacity; }

  // One newcomer comes every 54 ms for a minute, and answers take 100 ms; `flood` runs each time in between. Returns
  // how many newcomers got through their handshake, their data and their end.
  uint32_t handshakesOfAMinute(const std::function<void(uint32_t)>& flood, uint16_t port = kWeb.port) {
    constexpr uint32_t kRoundTrip = 2;  // steps
    uint32_t finished = 0;
    for (uint32_t i = 0; i < 1111 + 2 * kRoundTrip; i++) {
      passTicks(i % 2 == 0 ? 13 : 14);
      flood(i);
      if (i < 1111) tcpFrom(1000000 + i, kTcpSyn, port);
      if (i >= kRoundTrip && i < 1111 + kRoundTrip) tcpFrom(1000000 + i - kRoundTrip, kTcpAck, port);
      if (i < 2 * kRoundTrip) continue;
      const uint32_t number = 1000000 + i - 2 * kRoundTrip;
      finished += tcpFrom(number, kTcpAck, port) && tcpFrom(number, kTcpFin | kTcpAck, port);
    }
    return finished;
  }

 private:
  static PacketBuilder from(uint32_t number) {
    return PacketBuilder().ip(IpAddress::v4(Be32::from(0x0b000000 + number)), kWeb.address);
  }
  bool isSent(const PacketBuilder& packet) { return std::isdigit(send(PacketBuilder(packet).build())[0]) != 0; }
};

TEST("idle clients of a persistent service keep their connections and templates, and block nobody") {
  Attacked t(300);
  for (uint32_t i = 0; i < 100; i++) t.connect(i);
  t.pass(30);
  uint32_t spoofed = 5000;
  while (!t.isFull()) t.tcpFrom(spoofed++, kTcpSyn, kOther);
  t.pass(10);
  const auto flood = [&](uint32_t) { t.tcpFrom(spoofed++, kTcpSyn, kOther); };
  CHECK_EQ(t.handshakesOfAMinute(flood, kOther), 1111u);
  CHECK_EQ(t.alive(100), 100u);
}

TEST("a table full of datagrams' connections accepts handshakes while more datagrams come") {
  Attacked t;
  uint32_t spoofed = 5000;
  while (!t.isFull()) t.udpFrom(spoofed++);
  CHECK_EQ(t.handshakesOfAMinute([&](uint32_t i) {
    if (i % 3 != 0) t.udpFrom(spoofed++);
  }),
           1111u);
  CHECK_EQ(t.counter("evictedIdle"), 0u);
}

TEST("a table full of blindly established connections accepts handshakes, however many packets those had") {
  for (const uint32_t packets : {2u, 3u, 6u, 12u}) {
    Attacked t;
    uint32_t spoofed = 5000;
    const auto establish = [&](uint32_t) {
      t.tcpFrom(spoofed, kTcpSyn, kOther);
      t.talk(spoofed++, packets - 1, kOther);
    };
    while (!t.isFull()) establish(0);
    t.pass(60);
    const uint32_t finished = t.handshakesOfAMinute([&](uint32_t i) {
      if (i % 10 == 0) establish(i);
    });
    CHECK(finished >= 1111u * 99 / 100);
  }
}

TEST("every packet of short connections finds its connection, far beyond what the table holds until their timeouts") {
  Attacked t;
  // 40 connections come each second and end after 200 ms. FIN_WAIT keeps each for 120 s: without eviction, 4,800 places
  // would be needed.
  uint32_t lost = 0;
  for (uint32_t i = 0; i < 40 * 150; i++) {
    t.passTicks(6);
    lost += !t.tcpFrom(i, kTcpSyn);
    if (i >= 4) lost += !t.tcpFrom(i - 4, kTcpAck);
    if (i >= 5) lost += !t.tcpFrom(i - 5, kTcpAck);
    if (i >= 8) lost += !t.tcpFrom(i - 8, kTcpFin | kTcpAck);
    if (i >= 12) lost += !t.tcpFrom(i - 12, kTcpAck);
  }
  CHECK_EQ(lost, 0u);
  CHECK(t.counter("evictedClosing") > 4000);
  CHECK_EQ(t.counter("evictedUnproven") + t.counter("evictedIdle"), 0u);
}

TEST("connections with a packet this very instant stay while half-open ones exist, and when there are none left") {
  Attacked t;
  constexpr uint32_t kHalfOpen = 380, kLive = kCapacity - kHalfOpen;
  for (uint32_t i = 0; i < kLive; i++) t.connect(i);
  for (uint32_t i = 0; i < kHalfOpen; i++) t.tcpFrom(5000 + i, kTcpSyn, kOther);
  t.passTicks(kHandshakeTicks);
  for (uint32_t i = 0; i < kLive; i++) t.tcpFrom(i, kTcpAck);
  uint32_t opened = 0;
  for (uint32_t i = 0; i < 3 * kHalfOpen; i++) opened += t.tcpFrom(10000 + i, kTcpSyn, kOther);
  CHECK_EQ(opened, kHalfOpen);
  CHECK_EQ(t.counter("dropTableFull"), 2 * kHalfOpen);
  CHECK_EQ(t.alive(kLive), kLive);
}

TEST("a handshake keeps its place for a round trip, and a newcomer is refused before that") {
  Attacked t;
  for (uint32_t i = 0; i < kCapacity; i++) t.tcpFrom(i, kTcpSyn);
  t.passTicks(kHandshakeTicks - 1);
  CHECK(!t.tcpFrom(5000, kTcpSyn));
  t.passTicks(1);
  CHECK(t.tcpFrom(5000, kTcpSyn));
  CHECK_EQ(t.counter("dropTableFull"), 1u);
  CHECK_EQ(t.counter("evictedUnproven"), 1u);
}

TEST("a flood takes the place of idle connections up to the share that is for the unproven, and of no others") {
  Attacked t;
  for (uint32_t i = 0; i < kCapacity; i++) {
    t.connect(i);
    t.talk(i, 10);
  }
  t.pass(200);
  for (uint32_t i = 0; i < kCapacity / 2; i++) t.talk(i, 1);  // the others are idle
  uint32_t spoofed = 5000;
  for (uint32_t i = 0; i < 2000; i++) {
    t.passTicks(1);
    t.udpFrom(spoofed++);
  }
  for (uint32_t i = 0; i < 600; i++) {
    t.passTicks(kHandshakeTicks / 100);
    t.tcpFrom(spoofed++, kTcpSyn, kOther);
  }
  uint32_t alive = 0;
  for (uint32_t i = 0; i < kCapacity; i++) {
    const bool isAlive = t.tcpFrom(i, kTcpAck);
    if (i < kCapacity / 2) CHECK(isAlive);
    alive += isAlive;
  }
  CHECK_EQ(alive, kCapacity - kCapacity / kUnprovenShare);
  CHECK_EQ(t.counter("evictedIdle"), kCapacity / kUnprovenShare);
}

TEST("a connection is the more idle, the longer it has been silent for its timeout, whatever is left of that") {
  Attacked t;
  t.connect(0);  // TCP: 900 s
  t.pass(440);
  for (uint32_t i = 1; i < kCapacity; i++) {  // UDP: 300 s, of which 60 have passed
    for (int k = 0; k < 3; k++) t.udpFrom(i);
  }
  t.pass(60);
  CHECK(t.udpFrom(5000));
  CHECK(!t.tcpFrom(0, kTcpAck));
  CHECK_EQ(t.counter("evictedIdle"), 1u);
}

TEST("a client that has sent its last data and reads on is not evicted for a flood") {
  Attacked t;
  t.connect(0);
  t.tcpFrom(0, kTcpFin | kTcpAck);
  uint32_t spoofed = 5000;
  while (!t.isFull()) t.udpFrom(spoofed++);
  for (int second = 0; second < 60; second++) {
    for (int i = 0; i < 100; i++) t.udpFrom(spoofed++);
    t.pass(1);
    if (!CHECK(t.tcpFrom(0, kTcpAck))) return;
  }
}

TEST("a SYN flood at a persistent service costs its clients nothing, and leaves no templates that block others") {
  Attacked t(300);
  for (uint32_t i = 0; i < 100; i++) t.connect(i);
  uint32_t spoofed = 5000;
  while (!t.isFull()) t.tcpFrom(spoofed++, kTcpSyn);
  t.pass(10);
  CHECK_EQ(t.handshakesOfAMinute([&](uint32_t) {
    for (int i = 0; i < 4; i++) t.tcpFrom(spoofed++, kTcpSyn);
  }),
           1111u);
  CHECK_EQ(t.alive(100), 100u);
  CHECK(t.counter("templatesEnded") > 1000);
}

TEST("a template is evicted only when its last connection has gone, and an unproven one before a proven one") {
  Attacked t(3000);
  t.connect(0);
  t.tcpFrom(1, kTcpSyn);
  t.connect(2);
  t.tcpFrom(0, kTcpRst);
  t.tcpFrom(2, kTcpRst);
  t.pass(70);  // the templates of 0 and 2 are left, and that of 1, which no connection proved
  CHECK_EQ(t.director.connectionCount(), 3u);
  t.connect(2);
  uint32_t number = 5000;
  while (!t.isFull()) {
    t.connect(number, kOther);
    t.talk(number++, 9, kOther);
  }
  const auto templates = [&] {
    std::vector<uint8_t> clients;
    for (const auto& row : t.connections()) {
      if (row.isTemplate) clients.push_back(row.key.client().bytes[3]);
    }
    std::ranges::sort(clients);
    return clients;
  };
  CHECK_EQ(templates(), (std::vector<uint8_t>{0, 1, 2}));
  t.udpFrom(9000);
  CHECK_EQ(templates(), (std::vector<uint8_t>{0, 2}));
  for (uint32_t i = 0; i < 20; i++) t.udpFrom(9001 + i);  // the first ones find out what has become of the others
  CHECK_EQ(templates(), (std::vector<uint8_t>{2}));
  CHECK_EQ(t.counter("templatesEvicted"), 2u);
}

TEST("a round of expiry is bounded in sum, and the next continues from there") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.maxConnections = 200000;  // six shards
  TestDirector t(options);
  t.addService("rr", kNames);
  t.addServer(11, {}, kNames);
  for (uint32_t client = 0; client < 3000; client++) t.udp(client);
  t.now += ticksFromSeconds(301);
  uint32_t rounds = 0;
  for (bool isDone = false; !isDone; rounds++) {
    const uint64_t before = t.director.connectionCount();
    isDone = t.director.expire(0, t.now, false, 100);
    // Those whose time as fresh ones is over are looked at on the way, too.
    if (!CHECK(before - t.director.connectionCount() <= 100 && rounds < 1000)) return;
  }
  CHECK_EQ(t.director.connectionCount(), 0u);
  CHECK(rounds >= 30);
}

}  // namespace
}  // namespace tunvs::eviction_test
