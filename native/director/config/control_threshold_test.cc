// Upper and lower thresholds: when a server counts as overloaded.
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::control_threshold_test {
namespace {

using testing::TestDirector;

ServerConfig limits(uint32_t upper, uint32_t lower = 0) {
  ServerConfig config;
  config.upperThreshold = upper;
  config.lowerThreshold = lower;
  return config;
}

// Adds a service with one server that has `connections`, all of which close within 10 s of the next RST.
void fill(TestDirector& t, const ServerConfig& config, uint32_t connections) {
  t.addService("rr");
  t.addServer(11, config);
  for (uint32_t client = 0; client < connections; client++) CHECK_EQ(t.tcp(client + 1, kTcpSyn), "11");
}

void end(TestDirector& t, uint32_t client) {
  t.tcp(client, kTcpAck);
  t.tcp(client, kTcpRst);
  t.pass(10);
}

TEST("chooses a server until its upper threshold and not beyond") {
  TestDirector t;
  fill(t, limits(4), 4);
  CHECK(t.row(11).overloaded);
  CHECK_EQ(t.tcp(9, kTcpSyn), "dropNoServer");
  CHECK_EQ(t.tcp(1, kTcpAck), "11");  // it keeps its connections
}

TEST("chooses it again below three quarters of the upper threshold") {
  TestDirector t;
  fill(t, limits(8), 8);
  end(t, 1);
  end(t, 2);
  CHECK_EQ(t.tcp(20, kTcpSyn), "dropNoServer");  // 6 of 8 are three quarters
  end(t, 3);
  CHECK_EQ(t.tcp(20, kTcpSyn), "11");
}

TEST("chooses it again below the lower threshold where there is one") {
  TestDirector t;
  fill(t, limits(8, 3), 8);
  for (uint32_t client = 1; client <= 5; client++) end(t, client);
  CHECK_EQ(t.tcp(20, kTcpSyn), "dropNoServer");  // 3 left
  end(t, 6);
  CHECK_EQ(t.tcp(20, kTcpSyn), "11");
}

TEST("counts closing connections and UDP towards the threshold") {
  TestDirector t;
  fill(t, limits(2), 2);
  t.tcp(1, kTcpAck);
  t.tcp(1, kTcpFin);
  t.tcp(2, kTcpFin);
  CHECK_EQ(t.counts(11).inactive, 2);
  CHECK(t.row(11).overloaded);

  TestDirector u;
  u.addService("rr", TestDirector::kNames);
  u.addServer(11, limits(1), TestDirector::kNames);
  CHECK_EQ(u.udp(1), "11");
  CHECK_EQ(u.udp(2), "dropNoServer");
  CHECK_EQ(u.udp(1), "11");
}

TEST("ends an overload at once when the limit is raised or lifted, not when it is lowered") {
  TestDirector t;
  fill(t, limits(4), 4);
  t.editServer(11, limits(3));
  CHECK(t.row(11).overloaded);
  t.editServer(11, limits(3));
  CHECK(t.row(11).overloaded);
  t.editServer(11, limits(5));
  CHECK(!t.row(11).overloaded);
  CHECK_EQ(t.tcp(20, kTcpSyn), "11");
  CHECK(t.row(11).overloaded);
  t.editServer(11, limits(0));
  CHECK(!t.row(11).overloaded);
  CHECK_EQ(t.tcp(21, kTcpSyn), "11");
}

TEST("an edit alone sets no overload: the next connection does") {
  TestDirector t;
  fill(t, limits(0), 4);
  t.editServer(11, limits(2));
  CHECK(!t.row(11).overloaded);
  CHECK_EQ(t.tcp(20, kTcpSyn), "11");
  CHECK(t.row(11).overloaded);
  CHECK_EQ(t.tcp(21, kTcpSyn), "dropNoServer");
}

TEST("remembers the overload of a server that is removed and comes back") {
  TestDirector t;
  fill(t, limits(2), 2);
  t.deleteServer(11);
  t.addServer(11, limits(2));
  CHECK(t.row(11).overloaded);
  t.deleteServer(11);
  t.addServer(11, limits(3));
  CHECK(!t.row(11).overloaded);
}

TEST("ends the overload of a removed server when its connections end meanwhile") {
  TestDirector t;
  fill(t, limits(2), 2);
  t.deleteServer(11);
  t.pass(60);
  t.addServer(11, limits(2));
  CHECK_EQ(t.row(11).active, 0);
  CHECK(!t.row(11).overloaded);
  CHECK_EQ(t.tcp(20, kTcpSyn), "11");
}

}  // namespace
}  // namespace tunvs::control_threshold_test
