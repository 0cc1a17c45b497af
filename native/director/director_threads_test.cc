// Several workers run at once, and a control thread changes everything under them. A thread sanitizer watches; the laws
// are checked when all have come to rest.
#include <map>

#include "support/director_threads.h"

namespace tunvs::director_threads_test {
namespace {

using testing::Bytes;
using testing::HeldPacket;
using testing::PacketBuilder;
using testing::Random;
using testing::TestDirector;

constexpr size_t kWorkers = 3;
constexpr uint8_t kServers = 5;
const ServiceKey kServices[] = {TestDirector::kWeb, TestDirector::kNames};

ServerKey serverOf(const ServiceKey& service, uint32_t number) {
  return TestDirector::server(static_cast<uint8_t>(11 + number), service);
}

// The thresholds are low, so that servers go in and out of overload all the time.
ServerConfig someConfig(Random& random) {
  ServerConfig config;
  config.weight = static_cast<int32_t>(random.below(4));
  config.upperThreshold = random.oneIn(2) ? 1 + random.below(6) : 0;
  config.lowerThreshold = config.upperThreshold > 1 && random.oneIn(2) ? 1 : 0;
  return config;
}

ServerCondition someCondition(Random& random) {
  ServerCondition condition;
  condition.health.isUp = random.oneIn(3);
  condition.health.isOut = random.oneIn(2);
  condition.health.onDown = static_cast<OnDown>(random.below(4));
  return condition;
}

Bytes somePacket(Random& random, uint32_t flows) {
  static constexpr uint8_t kFlags[] = {kTcpSyn, kTcpAck, kTcpAck, kTcpFin, kTcpRst};
  const auto port = static_cast<uint16_t>(1024 + random.below(flows));
  PacketBuilder packet;
  packet.ip(IpAddress::v4(198, 51, 100, static_cast<uint8_t>(1 + random.below(9))), kServices[0].address);
  if (random.oneIn(3)) return packet.udp(port, 53).payload(random.below(20)).build();
  packet.tcp(port, 80, kFlags[random.below(std::size(kFlags))]);
  if (random.oneIn(50)) packet.wrongChecksum();
  return packet.build();
}

ServiceConfig someService(Random& random, const ServiceKey& key) {
  static constexpr const char* kSchedulers[] = {"rr", "wrr", "lc", "wlc"};
  ServiceConfig config{kSchedulers[random.below(4)]};
  if (random.oneIn(2)) config.persistence.timeoutSeconds = 1 + random.below(30);
  config.onePacket = key.protocol == kUdpProtocol && random.oneIn(4);
  return config;
}

Operation someOperation(Random& random) {
  const ServiceKey& service = kServices[random.below(2)];
  const ServerKey server = serverOf(service, random.below(kServers));
  switch (random.below(16)) {
    case 0: return AddService{service, someService(random, service)};
    case 1: return EditService{service, someService(random, service)};
    case 2: return random.oneIn(4) ? Operation{DeleteService{service}} : Operation{ZeroCounters{service}};
    case 3:
    case 4:
    case 5:
    case 6:
    case 7: return AddServer{service, server, someConfig(random)};
    case 8:
    case 9: return EditServer{service, server, someConfig(random), someCondition(random)};
    case 10:
    case 11: return EditServer{service, server, someConfig(random)};
    default: return DeleteServer{service, server};
  }
}

void checkAtRest(TestDirector& t) {
  for (const auto& service : kServices) {  // what was removed is added again, so that its counts are seen
    static_cast<void>(t.apply(AddService{service, {"rr"}}));
    for (uint32_t n = 0; n < kServers; n++) static_cast<void>(t.apply(AddServer{service, serverOf(service, n), {}}));
  }
  std::map<std::pair<ServiceKey, ServerKey>, testing::Counts> named;
  uint64_t live = 0, templates = 0, controlled = 0;
  for (const auto& row : t.connections()) {
    if (row.isTemplate) {
      templates++;
      controlled += row.controlled;
      continue;
    }
    live++;
    const ServiceKey service{row.key.virtualAddress(), row.key.virtualPort().host(), row.key.protocol()};
    testing::Counts& counts = named[{service, row.server}];
    (row.active ? counts.active : counts.inactive)++;
  }
  int64_t persistent = 0;
  for (const auto& service : t.rows()) {
    CHECK_EQ(service.servers.size(), size_t{kServers});
    for (const auto& server : service.servers) {
      persistent += server.persistent;
      CHECK_EQ((testing::Counts{server.active, server.inactive}), named[{service.key, server.key}]);
    }
  }
  CHECK_EQ(t.director.connectionCount(), live + templates);
  CHECK_EQ(persistent, static_cast<int64_t>(templates));
  CHECK(controlled <= live);
  CHECK_EQ(t.counter("templatesCreated"), templates + t.counter("templatesEnded"));
  CHECK_EQ(t.counter("connectionsCreated"),
           live + t.counter("connectionsExpired") + t.counter("connectionsEvicted") + t.counter("connectionsDropped"));
  uint64_t verdicts = 0;
  for (const auto name : kVerdictNames) verdicts += t.counter(name);
  CHECK_EQ(t.counter("received"), verdicts);
}

void runWorkersAndControl(uint32_t flows, int rounds) {
  DirectorOptions options = TestDirector::defaultOptions();
  options.workers = kWorkers;
  options.now = 0u - 20000u;  // ticks wrap around on the way
  options.holdsPerTurn = 1;
  TestDirector t(options);
  for (const auto& service : kServices) {
    t.addService("wlc", service);
    t.addServer(11, {}, service);
  }
  std::atomic<Tick> clock = options.now;
  testing::WorkerThreads workers(kWorkers, [&](size_t worker) {
    testing::workThrough(t.director, worker, clock, rounds,
                         [flows](Random& random) { return somePacket(random, flows); });
  });
  Random random(77);
  uint64_t listed = 0, cursor = 0;
  uint32_t drained = 0;
  while (workers.areWorking()) {
    clock.fetch_add(random.below(60), std::memory_order_relaxed);
    const Operation operations[] = {someOperation(random), someOperation(random)};
    static_cast<void>(t.director.apply({operations, 1 + random.below(2)}));
    if (random.oneIn(8)) {
      t.setSysctl("expire_nodest_conn", random.below(2));
      t.setSysctl("conn_reuse_mode", random.below(4));
      t.setSysctl("expire_quiescent_template", random.below(2));
      for (const char* defence : {"drop_entry", "drop_packet", "secure_tcp"}) t.setSysctl(defence, random.below(4));
      t.director.setAvailablePages(random.below(2048));
    }
    if (random.oneIn(4)) t.director.collect(clock.load());
    if (random.oneIn(2)) t.director.endRemoved();
    // It ends one server's connections after the other's, in turns, and now and then abandons one.
    if (cursor == 0) drained = random.below(2 * kServers);
    const ServiceKey& service = kServices[drained / kServers];
    const auto some = t.director.endConnections(service, serverOf(service, drained % kServers), cursor);
    cursor = some.ok() && some.value().next != UINT64_MAX && !random.oneIn(20) ? some.value().next : 0;
    if (random.oneIn(16)) {
      t.now = clock.load();
      listed += t.connections().size() + t.rows().size();
    }
  }
  workers.join();
  t.now = clock.load();
  CHECK(listed > 0);
  CHECK(t.counter("forwarded") > 0);
  CHECK(t.counter("templatesCreated") > 0);
  checkAtRest(t);
  for (int i = 0; i < 3; i++) t.pass(1000);
  testing::checkNothingLeft(t);
}

TEST("keeps its counts right while workers share flows and control changes everything") {
  runWorkersAndControl(300, 6000);
}

TEST("keeps its counts right while a full table evicts under changing control") { runWorkersAndControl(20000, 2500); }

// Few flows go to few servers with thresholds of one or two. A server without connections must never stay overloaded.
TEST("leaves no idle server overloaded, however workers open and end connections at once") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.workers = kWorkers;
  options.maxConnections = 70000;  // two shards: their locks do not order workers
  TestDirector t(options);
  t.setSysctl("conn_reuse_mode", 3);
  t.addService("rr");
  ServerConfig one;
  one.upperThreshold = 1;
  for (const uint8_t lastByte : {11, 12}) t.addServer(lastByte, one);
  testing::WorkerThreads workers(kWorkers, [&](size_t worker) {
    Random random(worker);
    OutputVector out;
    for (Tick now = 0; now < 200000; now += 50) {
      const auto port = static_cast<uint16_t>(2000 + random.below(4));
      for (const int flags : {int{kTcpSyn}, int{kTcpAck}, int{kTcpRst}}) {
        HeldPacket held(
            PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(port, 80, static_cast<uint8_t>(flags)).build());
        Packet packet = held.packet();
        t.director.process(worker, {&packet, 1}, now, out);
      }
      t.director.expire(worker, now, true, SIZE_MAX);
    }
    t.director.leave(worker);
  });
  workers.join();
  t.now = 200000;
  for (int i = 0; i < 2; i++) t.pass(1000);
  CHECK_EQ(t.director.connectionCount(), 0u);
  for (const uint8_t lastByte : {11, 12}) {
    CHECK_EQ(t.counts(lastByte), testing::Counts{});
    CHECK(!t.row(lastByte).overloaded);
  }
}

}  // namespace
}  // namespace tunvs::director_threads_test
