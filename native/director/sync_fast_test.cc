// A master tells of connections that a fast path in the kernel carries, though their packets come to no worker.
#include "support/sync_peers.h"
#include "support/testing.h"

namespace tunvs::sync_fast_test {
namespace {

using namespace testing;

const ServiceKey kWeb6{address("2001:db8::10"), 80, 6};

DirectorOptions bothFamilies() {
  DirectorOptions options = TestDirector::defaultOptions();
  options.settings.v6 = SourceRange{address("2001:db8:1::1"), 128};
  return options;
}

struct Master : TestDirector {
  Master() : TestDirector(bothFamilies()) {
    addService();
    addServer(11);
    addService("rr", kWeb6);
    const auto added = apply(AddServer{kWeb6, {address("2001:db8:1::11"), 80}, {}});
    CHECK(added.ok());
    director.beginTelling();
    director.setHandingOver(true);
  }
  std::string from6(uint16_t port, uint8_t flags) {
    return send(ipv6Tcp(address("2001:db8::7"), kWeb6.address, port, 80, flags));
  }
  void establish6(uint16_t port) {
    from6(port, kTcpSyn);
    from6(port, kTcpAck);
  }
  // Has the kernel carry a connection from now on, behind two packets.
  void carry(uint32_t client) {
    for (int i = 0; i < 2; i++) tcp(client, kTcpAck);
    director.handOver(0, /*isQueueEmpty=*/true);
  }
  void carry6(uint16_t port) {
    for (int i = 0; i < 2; i++) from6(port, kTcpAck);
    director.handOver(0, /*isQueueEmpty=*/true);
  }
  // Goes over the tables, some entries at a time.
  void go(size_t limit = 10) {
    for (uint64_t cursor = 0; cursor != UINT64_MAX;) cursor = director.noteFast(cursor, limit, now);
  }
  // Does so. Returns the client ports of what is told of then, in order.
  std::string sweep(size_t limit = 10) {
    go(limit);
    return told();
  }
  std::string told() {
    std::vector<uint16_t> ports;
    director.takeSyncNotes(SIZE_MAX,
                           [&](const SyncRecord& record, SyncVersion) { ports.push_back(record.clientPort); });
    std::ranges::sort(ports);
    std::string text;
    for (const uint16_t port : ports) text += (text.empty() ? "" : " ") + std::to_string(port);
    return text;
  }
};

}  // namespace

TEST("a sweep tells of connections of both families that the fast path carries, and of no others") {
  Master t;
  for (const uint32_t client : {0u, 1u, 2u}) t.establish(client);
  for (const uint16_t port : {2000, 2001}) t.establish6(port);
  CHECK_EQ(t.told(), "");
  CHECK_EQ(t.sweep(), "");
  t.carry(0);
  t.carry(2);
  t.carry6(2001);
  CHECK_EQ(t.told(), "1024 1026 2001");  // at their third packets
  CHECK_EQ(t.sweep(), "1024 1026 2001");
  CHECK_EQ(t.sweep(1), "1024 1026 2001");
  // What ends goes by the workers again.
  CHECK_EQ(t.tcp(2, kTcpFin | kTcpAck), "11");
  CHECK_EQ(t.told(), "1026");
  CHECK_EQ(t.sweep(), "1024 2001");
}

TEST("a sweep goes by sync_refresh_period and the version, too") {
  Master t;
  t.establish(0);
  t.establish6(2000);
  t.carry(0);
  t.carry6(2000);
  CHECK_EQ(t.told(), "1024 2000");
  t.setSysctl("sync_version", 0);
  CHECK_EQ(t.sweep(), "1024");
  t.setSysctl("sync_version", 1);
  CHECK_EQ(t.sweep(), "1024 2000");
  t.setSysctl("sync_refresh_period", 60);
  CHECK_EQ(t.sweep(), "");
  t.now += ticksFromSeconds(61);
  CHECK_EQ(t.sweep(), "1024 2000");
}

TEST("a connection that the fast path carries lives on at the backup as long as sweeps tell of it") {
  Master master;
  TestDirector backup;
  backup.addService();
  backup.addServer(11);
  backup.director.beginListening();
  master.establish(0);
  master.carry(0);
  for (int i = 0; i < 3; i++) {
    CHECK_EQ(tell(master, backup), 1);
    CHECK_EQ(backup.state(), "ESTABLISHED");
    master.now += ticksFromSeconds(800);
    backup.pass(800);
    master.go();
  }
  backup.pass(901);
  CHECK_EQ(backup.state(), "");
}

}  // namespace tunvs::sync_fast_test
