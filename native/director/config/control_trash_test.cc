// Removed servers: what is remembered of them, and for how long.
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::control_trash_test {
namespace {

using testing::Counts;
using testing::TestDirector;

const ServiceKey kWeb = TestDirector::kWeb;
constexpr double kTrash = Control::kTrashSeconds;

TestDirector& twoServers(TestDirector& t) {
  t.addService("rr");
  t.addServer(11);
  t.addServer(12);
  return t;
}

TEST("gives a server that comes back its connections and counters") {
  TestDirector t;
  twoServers(t);
  CHECK_EQ(t.establish(1), "12");
  CHECK_EQ(t.tcp(2, kTcpSyn), "11");
  const uint32_t id = t.row(12).id;
  const Traffic before = t.row(12).traffic;
  t.deleteServer(12);
  t.pass(300);  // longer than the trash is kept, but a connection still names it
  t.addServer(12);
  CHECK_EQ(t.row(12).id, id);
  CHECK_EQ(t.counts(12), Counts{1, 0});
  CHECK_EQ(t.row(12).traffic.connections, before.connections);
  CHECK_EQ(t.row(12).traffic.inPackets, before.inPackets);
  CHECK_EQ(t.tcp(1, kTcpAck), "12");
}

TEST("forgets a removed server that nothing names after two minutes") {
  TestDirector t;
  twoServers(t);
  CHECK_EQ(t.establish(1), "12");
  CHECK_EQ(t.tcp(1, kTcpRst), "12");
  const uint32_t id = t.row(12).id;
  t.deleteServer(12);
  t.pass(10);  // the connection ends
  t.pass(kTrash - 1);
  t.addServer(12);
  CHECK_EQ(t.row(12).traffic.connections, 1u);  // still remembered
  CHECK_EQ(t.row(12).id, id);
  t.deleteServer(12);
  t.pass(1);
  t.pass(kTrash);
  t.pass(1);
  t.addServer(12);
  CHECK_EQ(t.row(12).traffic.connections, 0u);
}

TEST("counts the two minutes from when the last connection went") {
  TestDirector t;
  twoServers(t);
  CHECK_EQ(t.establish(1), "12");
  t.deleteServer(12);
  for (int i = 0; i < 14; i++) t.pass(60);
  CHECK_EQ(t.director.connectionCount(), 1u);
  t.pass(60);  // 900 s: the connection ends
  CHECK_EQ(t.director.connectionCount(), 0u);
  t.pass(kTrash - 1);
  t.addServer(12);
  CHECK_EQ(t.row(12).traffic.connections, 1u);
}

TEST("reuses a forgotten server's id for another server, with nothing of the first in it") {
  TestDirector t;
  twoServers(t);
  CHECK_EQ(t.establish(1), "12");
  CHECK(t.apply(ZeroCounters{kWeb}).ok());  // leaves a baseline behind that does not apply to the next server
  const uint32_t id = t.row(12).id;
  t.deleteServer(12);
  for (int i = 0; i < 30; i++) t.pass(60);
  t.addServer(99);
  CHECK_EQ(t.row(99).id, id);
  CHECK_EQ(t.counts(99), Counts{});
  CHECK_EQ(t.row(99).traffic.connections + t.row(99).traffic.inPackets + t.row(99).traffic.inBytes, 0u);
}

TEST("remembers the servers of a deleted service for a new one of the same name") {
  TestDirector t;
  twoServers(t);
  CHECK_EQ(t.establish(1), "12");
  CHECK(t.apply(DeleteService{kWeb}).ok());
  CHECK_EQ(t.tcp(1, kTcpAck), "dropNoService");  // a director without any service is as if absent
  CHECK_EQ(t.tcp(2, kTcpSyn), "dropNoService");
  t.addService("rr");
  CHECK_EQ(t.tcp(2, kTcpSyn), "dropNoServer");
  CHECK_EQ(t.tcp(1, kTcpAck), "dropServerGone");
  t.addServer(12);
  CHECK_EQ(t.tcp(1, kTcpAck), "12");
  CHECK_EQ(t.counts(12), Counts{1, 0});
}

TEST("takes a server back within the transaction that removes it") {
  TestDirector t;
  twoServers(t);
  CHECK_EQ(t.establish(1), "12");
  CHECK(t.apply(ClearServices{}, AddService{kWeb, {"rr"}}, AddServer{kWeb, TestDirector::server(12), {}}).ok());
  CHECK_EQ(t.tcp(1, kTcpAck), "12");
  CHECK_EQ(t.counts(12), Counts{1, 0});
}

TEST("treats the same real server in two services as two") {
  TestDirector t;
  twoServers(t);
  const ServiceKey other{kWeb.address, 81, 6};
  CHECK(t.apply(AddService{other, {"rr"}}, AddServer{other, {IpAddress::v4(10, 0, 0, 12), 81}, {}}).ok());
  CHECK_EQ(t.establish(1), "12");
  t.deleteServer(12);
  CHECK_EQ(t.tcp(1, kTcpAck), "dropServerGone");
  CHECK_EQ(t.rows()[1].servers.size(), 1u);
  CHECK_EQ(t.rows()[1].servers[0].traffic.connections, 0u);
}

// The server is removed while a reader that may still choose it is under way: the id must outlive both.
TEST("does not forget a server while a reader may still have it from an old snapshot") {
  Epochs epochs;
  ServerPool pool(1);
  Control control(TestDirector::defaultOptions().settings, pool, epochs);
  const ServerKey key = TestDirector::server(11);
  const Operation add[] = {AddService{kWeb, {"rr"}}, AddServer{kWeb, key, {}}};
  REQUIRE(control.apply(add).ok());
  epochs.enter(0);
  const ServiceTable* held = control.table();
  const Operation remove[] = {DeleteServer{kWeb, key}};
  REQUIRE(control.apply(remove).ok());
  const auto wait = [&](Tick now) {
    epochs.advance();
    control.collect(now);
  };
  wait(0);
  wait(ticksFromSeconds(500));
  wait(ticksFromSeconds(1000));
  const ServerView* server = held->server(0);
  REQUIRE(server != nullptr);
  pool.references(server->id)++;  // it opens a connection after all
  epochs.leave(0);
  wait(ticksFromSeconds(1001));
  wait(ticksFromSeconds(2000));
  REQUIRE(control.table()->server(0) != nullptr);
  CHECK(!control.table()->server(0)->available);
  pool.references(0)--;
  wait(ticksFromSeconds(2001));
  wait(ticksFromSeconds(2200));
  wait(ticksFromSeconds(2201));
  CHECK_EQ(control.table()->server(0), nullptr);
}

}  // namespace
}  // namespace tunvs::control_trash_test
