// What happens to connections when a server is drained or removed, or its service is.
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::director_removal_test {
namespace {

using testing::Counts;
using testing::TestDirector;

const ServiceKey kWeb = TestDirector::kWeb;

void serve(TestDirector& t) {
  t.addService("rr");
  t.addServer(11);
  t.addServer(12);
}

TEST("keeps a drained server's connections and gives it no new ones") {
  TestDirector t;
  serve(t);
  CHECK_EQ(t.establish(1), "12");
  t.setWeight(12, 0);
  for (uint32_t client = 2; client < 10; client++) CHECK_EQ(t.tcp(client, kTcpSyn), "11");
  CHECK_EQ(t.tcp(1, kTcpAck), "12");
  CHECK_EQ(t.tcp(1, kTcpSyn), "12");  // even a repeated SYN
  t.setWeight(11, 0);
  CHECK_EQ(t.tcp(20, kTcpSyn), "dropNoServer");
  t.setWeight(12, 1);
  CHECK_EQ(t.tcp(20, kTcpSyn), "12");
}

TEST("drops a removed server's packets silently and leaves its connections alone") {
  TestDirector t;
  serve(t);
  CHECK_EQ(t.establish(1), "12");
  t.deleteServer(12);
  t.pass(500);
  CHECK_EQ(t.tcp(1, kTcpAck), "dropServerGone");
  CHECK_EQ(t.tcp(1, kTcpSyn), "dropServerGone");
  CHECK_EQ(t.tcp(1, kTcpRst), "dropServerGone");
  CHECK_EQ(t.state(), "ESTABLISHED");
  t.pass(399);
  CHECK_EQ(t.director.connectionCount(), 1u);
  t.pass(1);  // 900 s after the last forwarded packet
  CHECK_EQ(t.director.connectionCount(), 0u);
  CHECK_EQ(t.tcp(1, kTcpSyn), "11");
}

TEST("continues a connection when its removed server comes back") {
  TestDirector t;
  serve(t);
  CHECK_EQ(t.establish(1), "12");
  t.deleteServer(12);
  CHECK_EQ(t.tcp(1, kTcpAck), "dropServerGone");
  t.addServer(12);
  CHECK_EQ(t.tcp(1, kTcpAck), "12");
  t.deleteServer(12);
  ServerConfig drained;
  drained.weight = 0;
  t.addServer(12, drained);
  CHECK_EQ(t.tcp(1, kTcpAck), "12");
}

TEST("ends a removed server's connections at once with expire_nodest_conn, and only those") {
  TestDirector t;
  serve(t);
  t.setSysctl("expire_nodest_conn", 1);
  CHECK_EQ(t.establish(1), "12");
  CHECK_EQ(t.establish(2), "11");
  t.deleteServer(12);
  CHECK_EQ(t.director.connectionCount(), 1u);
  CHECK_EQ(t.tcp(1, kTcpAck), "dropNotScheduled");
  CHECK_EQ(t.tcp(2, kTcpAck), "11");
  CHECK_EQ(t.tcp(1, kTcpSyn), "11");
  t.addServer(12);
  CHECK_EQ(t.counts(12), Counts{});
}

TEST("ends a connection of a server removed earlier at its next packet when expire_nodest_conn is set later") {
  TestDirector t;
  serve(t);
  CHECK_EQ(t.establish(1), "12");
  CHECK_EQ(t.establish(2), "11");
  CHECK_EQ(t.establish(3), "12");
  t.deleteServer(12);
  t.setSysctl("expire_nodest_conn", 1);
  CHECK_EQ(t.tcp(1, kTcpAck), "dropNotScheduled");
  CHECK_EQ(t.tcp(3, kTcpSyn), "11");
  CHECK_EQ(t.director.connectionCount(), 2u);
  CHECK_EQ(t.counts(11), Counts{2, 0});
}

TEST("drops the packets of a deleted service's connections, and none become new ones") {
  TestDirector t;
  serve(t);
  CHECK_EQ(t.establish(1), "12");
  t.addService("rr", TestDirector::kNames);  // as long as there is a service, flows of the other one are remembered
  CHECK(t.apply(DeleteService{kWeb}).ok());
  CHECK_EQ(t.tcp(1, kTcpAck), "dropServerGone");
  CHECK_EQ(t.tcp(2, kTcpSyn), "dropNoService");
  CHECK_EQ(t.director.connectionCount(), 1u);
  t.pass(900);
  CHECK_EQ(t.tcp(1, kTcpAck), "dropNoService");
}

TEST("removes no connections in a transaction that fails") {
  TestDirector t;
  serve(t);
  t.setSysctl("expire_nodest_conn", 1);
  CHECK_EQ(t.establish(1), "12");
  CHECK(!t.apply(DeleteServer{kWeb, TestDirector::server(12)}, DeleteServer{kWeb, TestDirector::server(12)}).ok());
  CHECK_EQ(t.tcp(1, kTcpAck), "12");
}

TEST("does not lose the connections of a server that is removed and comes back in one transaction") {
  for (const int64_t isOn : {0, 1}) {
    TestDirector t;
    serve(t);
    t.setSysctl("expire_nodest_conn", isOn);
    CHECK_EQ(t.establish(1), "12");
    CHECK(t.apply(DeleteServer{kWeb, TestDirector::server(12)}, AddServer{kWeb, TestDirector::server(12), {}}).ok());
    CHECK_EQ(t.tcp(1, kTcpAck), "12");
  }
}

}  // namespace
}  // namespace tunvs::director_removal_test
