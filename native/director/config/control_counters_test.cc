// What is shown of traffic: sums over workers, baselines, and what removed servers leave behind.
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::control_counters_test {
namespace {

using testing::TestDirector;

const ServiceKey kWeb = TestDirector::kWeb;

std::string textOf(const Traffic& traffic) {
  return std::to_string(traffic.connections) + " connections, " + std::to_string(traffic.inPackets) + " packets, " +
         std::to_string(traffic.inBytes) + " bytes";
}

void pair(TestDirector& t) {
  t.addService("rr");
  t.addServer(11);
  t.addServer(12);
}

TEST("counts connections, packets and inner bytes for each server and their service") {
  TestDirector t;
  pair(t);
  CHECK_EQ(t.establish(1), "12");
  CHECK_EQ(t.establish(2), "11");
  t.tcp(2, kTcpAck);
  CHECK_EQ(textOf(t.row(12).traffic), "1 connections, 2 packets, 80 bytes");
  CHECK_EQ(textOf(t.row(11).traffic), "1 connections, 3 packets, 120 bytes");
  CHECK_EQ(textOf(t.serviceRow().traffic), "2 connections, 5 packets, 200 bytes");
}

TEST("sums what several workers counted") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.workers = 3;
  TestDirector t(options);
  pair(t);
  for (size_t worker = 0; worker < 3; worker++) t.tcp(1, worker == 0 ? kTcpSyn : kTcpAck, worker);
  CHECK_EQ(textOf(t.row(12).traffic), "1 connections, 3 packets, 120 bytes");
  CHECK_EQ(t.counter("received"), 3u);
}

TEST("counts nothing for a packet that was dropped") {
  TestDirector t;
  pair(t);
  CHECK_EQ(t.establish(1), "12");
  t.deleteServer(12);
  CHECK_EQ(t.tcp(1, kTcpAck), "dropServerGone");
  t.addServer(12);
  CHECK_EQ(textOf(t.row(12).traffic), "1 connections, 2 packets, 80 bytes");
}

TEST("keeps a service's sum when one of its servers is removed, is forgotten, or comes back") {
  TestDirector t;
  pair(t);
  CHECK_EQ(t.establish(1), "12");
  CHECK_EQ(t.establish(2), "11");
  const std::string before = textOf(t.serviceRow().traffic);
  t.deleteServer(12);
  CHECK_EQ(textOf(t.serviceRow().traffic), before);
  for (int i = 0; i < 40; i++) t.pass(60);  // forgotten
  CHECK_EQ(textOf(t.serviceRow().traffic), before);
  t.addServer(12);
  CHECK_EQ(textOf(t.serviceRow().traffic), before);
  CHECK_EQ(textOf(t.row(12).traffic), "0 connections, 0 packets, 0 bytes");
  t.deleteServer(11);
  t.addServer(11);
  CHECK_EQ(textOf(t.serviceRow().traffic), before);
}

TEST("shows zero after zeroing, for one service or all, and goes on from there") {
  TestDirector t;
  pair(t);
  const ServiceKey other{kWeb.address, 81, 6};
  CHECK(t.apply(AddService{other, {"rr"}}, AddServer{other, {IpAddress::v4(10, 0, 0, 21), 81}, {}}).ok());
  CHECK_EQ(t.establish(1), "12");
  CHECK(t.apply(ZeroCounters{other}).ok());
  CHECK_EQ(t.serviceRow().traffic.connections, 1u);
  CHECK(t.apply(ZeroCounters{kWeb}).ok());
  CHECK_EQ(textOf(t.serviceRow().traffic), "0 connections, 0 packets, 0 bytes");
  CHECK_EQ(textOf(t.row(12).traffic), "0 connections, 0 packets, 0 bytes");
  CHECK_EQ(t.tcp(1, kTcpAck), "12");
  CHECK_EQ(textOf(t.serviceRow().traffic), "0 connections, 1 packets, 40 bytes");
  CHECK_EQ(textOf(t.row(12).traffic), "0 connections, 1 packets, 40 bytes");
  CHECK(t.apply(ZeroCounters{}).ok());
  CHECK_EQ(textOf(t.row(12).traffic), "0 connections, 0 packets, 0 bytes");
  CHECK_EQ(t.counts(12).active, 1);  // counts of connections are not traffic counters
}

TEST("keeps what was zeroed at zero when a server is removed and comes back or is forgotten") {
  TestDirector t;
  pair(t);
  CHECK_EQ(t.establish(1), "12");
  CHECK(t.apply(ZeroCounters{}).ok());
  t.deleteServer(12);
  CHECK_EQ(textOf(t.serviceRow().traffic), "0 connections, 0 packets, 0 bytes");
  t.addServer(12);
  CHECK_EQ(textOf(t.row(12).traffic), "0 connections, 0 packets, 0 bytes");
  t.deleteServer(12);
  for (int i = 0; i < 40; i++) t.pass(60);
  CHECK_EQ(textOf(t.serviceRow().traffic), "0 connections, 0 packets, 0 bytes");
}

TEST("starts a service that is added again at zero, and its servers with what they had") {
  TestDirector t;
  pair(t);
  CHECK_EQ(t.establish(1), "12");
  CHECK(t.apply(DeleteService{kWeb}).ok());
  t.addService("rr");
  CHECK_EQ(textOf(t.serviceRow().traffic), "0 connections, 0 packets, 0 bytes");
  t.addServer(12);
  CHECK_EQ(textOf(t.serviceRow().traffic), "0 connections, 0 packets, 0 bytes");
  CHECK_EQ(textOf(t.row(12).traffic), "1 connections, 2 packets, 80 bytes");
  CHECK_EQ(t.tcp(1, kTcpAck), "12");
  CHECK_EQ(textOf(t.serviceRow().traffic), "0 connections, 1 packets, 40 bytes");
  for (int i = 0; i < 40; i++) t.pass(60);
  CHECK_EQ(textOf(t.serviceRow().traffic), "0 connections, 1 packets, 40 bytes");
}

TEST("starts a service at zero when it is deleted and added again in one transaction") {
  TestDirector t;
  pair(t);
  CHECK_EQ(t.establish(1), "12");
  CHECK(t.apply(DeleteService{kWeb}, AddService{kWeb, {"rr"}}, AddServer{kWeb, TestDirector::server(12), {}}).ok());
  CHECK_EQ(textOf(t.serviceRow().traffic), "0 connections, 0 packets, 0 bytes");
  CHECK_EQ(textOf(t.row(12).traffic), "1 connections, 2 packets, 80 bytes");
}

TEST("accounts for the end of every connection that began") {
  TestDirector t;
  t.addService("rr");
  t.addServer(11);
  t.addServer(12);
  t.setSysctl("expire_nodest_conn", 1);
  for (uint32_t client = 1; client <= 200; client++) t.establish(client);
  for (uint32_t client = 1; client <= 50; client++) t.tcp(client, kTcpRst);
  for (uint32_t client = 1; client <= 10; client++) t.tcp(client, kTcpSyn);  // ports reused: rescheduled
  t.pass(10);                                                                // the other 40 expire
  t.deleteServer(12);                                                        // and its connections with it
  const uint64_t live = t.director.connectionCount();
  CHECK(live > 0 && live < 160);
  CHECK_EQ(t.counter("connectionsCreated"), 210u);
  CHECK_EQ(t.counter("connectionsExpired"), 40u);
  CHECK_EQ(t.counter("connectionsCreated"),
           live + t.counter("connectionsExpired") + t.counter("connectionsEvicted") + t.counter("connectionsDropped"));
}

}  // namespace
}  // namespace tunvs::control_counters_test
