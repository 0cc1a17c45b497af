// Ends a removed server's connections in turns: what a turn costs, and what may happen between two of them.
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::removal_test {
namespace {

using testing::Counts;
using testing::TestDirector;

const ServiceKey kWeb = TestDirector::kWeb;
constexpr uint32_t kClients = 900;
constexpr auto kPerHold = static_cast<int64_t>(ConnTable::kUnitsPerLock);

DirectorOptions inTurns() {
  DirectorOptions options = TestDirector::defaultOptions();
  options.holdsPerTurn = 1;
  return options;
}

// Two servers have half of the clients each. When the second one is deleted, its connections are ended in turns.
struct HalfRemoved : TestDirector {
  explicit HalfRemoved(const ServiceConfig& service = {"rr"}) : TestDirector(inTurns()) {
    setSysctl("expire_nodest_conn", 1);
    addService(service);
    addServer(11);
    addServer(12);
    for (uint32_t client = 0; client < kClients; client++) establish(client);
  }
  int64_t count() const { return static_cast<int64_t>(director.connectionCount()); }
  int turnsLeft() {
    int turns = 0;
    while (director.hasRemoved()) {
      director.endRemoved();
      turns++;
    }
    return turns;
  }
};

TEST("a turn ends a bounded number of a removed server's connections, and the turns after it the others") {
  HalfRemoved t;
  const Counts before = t.counts(11);
  t.deleteServer(12);
  CHECK(t.director.hasRemoved());
  CHECK(t.count() >= int64_t{kClients} - kPerHold && t.count() > before.active);
  int turns = 1;
  for (bool isDone = false; !isDone; turns++) {
    const int64_t live = t.count();
    isDone = t.director.endRemoved();
    CHECK(live - t.count() <= kPerHold);
    CHECK_EQ(t.counts(11), before);
    CHECK_EQ(static_cast<int64_t>(t.counter("connectionsDropped")), int64_t{kClients} - t.count());
  }
  CHECK(turns > 2);
  CHECK_EQ(t.count(), int64_t{before.active});
  CHECK(t.director.endRemoved());
}

TEST("a packet of a connection that is still to be ended gets what it would get after the end") {
  HalfRemoved whole, t;
  whole.deleteServer(12);
  whole.turnsLeft();
  t.deleteServer(12);
  for (uint32_t client = 0; client < kClients; client++) {
    CHECK_EQ(t.tcp(client, kTcpAck), whole.tcp(client, kTcpAck));
  }
  CHECK_EQ(t.count(), whole.count());
}

TEST("a server that is back between two turns keeps the connections it still has, under its own id") {
  HalfRemoved t;
  const uint32_t id = t.row(12).id;
  t.deleteServer(12);
  const int64_t kept = t.count() - t.counts(11).active;
  CHECK(kept > 0);
  t.addServer(12);
  CHECK_EQ(t.row(12).id, id);
  CHECK_EQ(t.counts(12), (Counts{static_cast<int32_t>(kept), 0}));
  t.turnsLeft();
  CHECK_EQ(t.counts(12), (Counts{static_cast<int32_t>(kept), 0}));
}

TEST("a server that is removed while another's connections are ended has all of its own ended, too") {
  HalfRemoved t;
  t.deleteServer(12);
  t.director.endRemoved();  // the walk is past the first units, which have connections of both
  t.deleteServer(11);
  t.turnsLeft();
  CHECK_EQ(t.count(), 0);
  CHECK_EQ(t.counter("connectionsDropped"), uint64_t{kClients});
}

TEST("removals that come before the last one is done do not keep its connections alive") {
  HalfRemoved t;
  t.addServer(13);
  t.setWeight(13, 0);
  t.deleteServer(12);
  const int32_t others = t.counts(11).active;
  // Each removal asks for another round; the first one's is finished meanwhile.
  for (int i = 0; i < 12; i++) {
    t.deleteServer(13);
    t.addServer(13);
  }
  CHECK_EQ(t.count(), int64_t{others});
  t.turnsLeft();
  CHECK_EQ(t.count(), int64_t{others});
}

TEST("an id is kept while connections that name it are still to be ended") {
  HalfRemoved t;
  const uint32_t id = t.row(12).id;
  t.deleteServer(12);
  t.now += ticksFromSeconds(Control::kTrashSeconds + 1);
  for (int i = 0; i < 3; i++) t.director.collect(t.now);
  t.addServer(14);
  CHECK(t.row(14).id != id);
}

TEST("a persistent service's templates go with the connections of a removed server, in turns, too") {
  ServiceConfig sticky{"rr"};
  sticky.persistence.timeoutSeconds = 300;
  HalfRemoved t(sticky);
  const uint8_t used = t.counts(12).active > 0 ? 12 : 11;
  t.deleteServer(used);
  t.turnsLeft();
  CHECK_EQ(t.counter("connectionsDropped"), uint64_t{kClients});
  CHECK_EQ(t.count(), 0);
  // To all clients, the server that comes back is a new one.
  t.addServer(used);
  CHECK_EQ(t.row(used).persistent, 0);
  t.setWeight(used, 0);
  CHECK_EQ(t.establish(1), used == 12 ? "11" : "12");
}

TEST("a template that nothing counts on any more gives way, however its last connection ended") {
  ServiceConfig sticky{"rr"};
  sticky.persistence.timeoutSeconds = 600;
  for (const bool isDrained : {false, true}) {
    TestDirector t(inTurns());
    t.setSysctl("expire_nodest_conn", 1);
    t.addService(sticky);
    t.addServer(11);
    t.addService("rr", TestDirector::kNames);
    t.addServer(11, {}, TestDirector::kNames);
    t.establish(1);
    CHECK_EQ(t.director.connectionCount(), 2u);
    if (isDrained) {
      // The drain ends the connections, and is called off before it ends the template.
      const auto some = t.director.endConnections(kWeb, TestDirector::server(11), 0);
      REQUIRE(some.ok() && some.value().ended == 1u);
    } else {
      // The connection is opened again at a server that takes none, and is refused.
      t.setWeight(11, 0);
      t.setSysctl("expire_quiescent_template", 1);
      CHECK_EQ(t.tcp(1, kTcpSyn), "dropNoServer");
    }
    CHECK_EQ(t.director.connectionCount(), 1u);
    t.pass(4);
    const auto hasTemplate = [&] {
      for (const auto& row : t.connections()) {
        if (row.isTemplate) return true;
      }
      return false;
    };
    CHECK(hasTemplate());
    // The template is idle longer than all other entries.
    for (uint32_t client = 0; client < ConnTable::kMinCapacity + 64; client++) t.udp(client);
    CHECK(!hasTemplate());
  }
}

TEST("turns that end a server's connections end them all together, and its templates") {
  ServiceConfig sticky{"rr"};
  sticky.persistence.timeoutSeconds = 300;
  for (const ServiceConfig& service : {ServiceConfig{"rr"}, sticky}) {
    HalfRemoved t(service);
    const int32_t had = t.counts(12).active;
    const int64_t before = t.count();
    uint64_t ended = 0, cursor = 0;
    int turns = 0;
    for (; cursor != UINT64_MAX; turns++) {
      const auto some = t.director.endConnections(kWeb, TestDirector::server(12), cursor);
      REQUIRE(some.ok());
      CHECK(static_cast<int64_t>(some.value().ended) <= kPerHold);
      ended += some.value().ended;
      cursor = some.value().next;
    }
    CHECK(turns > 4);
    CHECK_EQ(ended, static_cast<uint64_t>(had));
    CHECK_EQ(t.counts(12), Counts{});
    CHECK_EQ(t.row(12).persistent, 0);
    CHECK(t.count() <= before - had);
    CHECK_EQ(t.director.endConnections(kWeb, TestDirector::server(12), UINT64_MAX).value().ended, 0u);
  }
}

TEST("a row by name is the one from the whole list, and there is none for what is not configured") {
  HalfRemoved t;
  const auto server = t.director.control().row(kWeb, TestDirector::server(12), t.now);
  REQUIRE(server.has_value());
  CHECK_EQ(server->id, t.row(12).id);
  CHECK_EQ(server->active, t.row(12).active);
  const auto service = t.director.control().row(kWeb, t.now);
  REQUIRE(service.has_value());
  CHECK_EQ(service->servers.size(), 2u);
  CHECK(!t.director.control().row(TestDirector::kNames, t.now).has_value());
  CHECK(!t.director.control().row(kWeb, TestDirector::server(13), t.now).has_value());
  CHECK(!t.director.control().row(TestDirector::kNames, TestDirector::server(12), t.now).has_value());
}

}  // namespace
}  // namespace tunvs::removal_test
