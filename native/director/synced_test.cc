// What a peer's records become, where the recordings of a real IPVS say nothing.
#include "support/sync_peers.h"
#include "support/testing.h"

namespace tunvs::synced_test {
namespace {

using namespace testing;

// A Backup is a director that listens, with a service of two servers.
struct Backup : TestDirector {
  explicit Backup(const DirectorOptions& options = defaultOptions()) : TestDirector(options) {
    addService();
    addServer(11);
    addServer(12);
    director.beginListening();
  }
};

std::string ackFrom(TestDirector& t, uint16_t port) {
  return t.send(PacketBuilder().ip(NatDirector::kClient, TestDirector::kWeb.address).tcp(port, 80, kTcpAck).build());
}

}  // namespace

TEST("a connection of a peer goes on where it was") {
  Backup t;
  CHECK_EQ(taken(t, webRecord(40000, 12)), "made");
  CHECK_EQ(taken(t, webRecord(40000, 12)), "updated");
  for (int i = 0; i < 5; i++) CHECK_EQ(ackFrom(t, 40000), "12");
  CHECK((t.counts(12) == Counts{1, 0}));
  CHECK_EQ(t.counter("connectionsCreated"), 1);
  CHECK_EQ(t.row(12).traffic.connections, 0);
}

TEST("a record does not move, close or shorten a connection that has packets here") {
  Backup t;
  CHECK_EQ(t.establish(40000 - 1024), "12");
  SyncRecord closed = webRecord(40000, 12);
  closed.state = static_cast<uint16_t>(TcpState::close);
  closed.flags |= kSyncInactive;
  closed.timeoutSeconds = 1;
  for (const SyncRecord& record : {webRecord(40000, 11), closed}) CHECK_EQ(taken(t, record), "keptLocal");
  t.pass(2);
  CHECK_EQ(t.state(), "ESTABLISHED");
  CHECK_EQ(ackFrom(t, 40000), "12");
  t.pass(61);
  CHECK_EQ(taken(t, webRecord(40000, 11)), "made");
  CHECK_EQ(ackFrom(t, 40000), "11");
  CHECK((t.counts(12) == Counts{0, 0}));
}

TEST("a connection that has ended at the peer lives for its minute here, and for longer only if it has packets") {
  SyncRecord closed = webRecord(40000, 12);
  closed.state = static_cast<uint16_t>(TcpState::finWait);
  closed.flags |= kSyncInactive;
  closed.timeoutSeconds = 120;
  for (const bool hasPackets : {false, true}) {
    Backup t;
    CHECK_EQ(t.establish(40000 - 1024), "12");
    t.pass(20);
    for (int i = 0; i < 2; i++) CHECK_EQ(taken(t, closed), "keptLocal");
    t.pass(30);
    CHECK_EQ(t.state(), "ESTABLISHED");
    // It is this director's own for as long.
    CHECK_EQ(taken(t, webRecord(40000, 11)), "keptLocal");
    if (hasPackets) CHECK_EQ(ackFrom(t, 40000), "12");
    t.pass(11);
    CHECK((t.counts(12) == Counts{hasPackets ? 1 : 0, 0}));
    if (!hasPackets) continue;
    CHECK_EQ(taken(t, webRecord(40000, 11)), "keptLocal");
    t.pass(800);
    CHECK_EQ(ackFrom(t, 40000), "12");
  }
}

TEST("a connection that has ended here is not brought back by what was told before, but gives way to another") {
  Backup t;
  CHECK_EQ(taken(t, webRecord(40000, 12)), "made");
  t.pass(1);
  CHECK_EQ(t.send(PacketBuilder()
                      .ip(NatDirector::kClient, TestDirector::kWeb.address)
                      .tcp(40000, 80, kTcpFin | kTcpAck)
                      .build()),
           "12");
  CHECK_EQ(t.state(), "FIN_WAIT");
  CHECK_EQ(taken(t, webRecord(40000, 12)), "keptLocal");
  CHECK_EQ(t.state(), "FIN_WAIT");
  t.pass(59);
  CHECK_EQ(taken(t, webRecord(40000, 12)), "keptLocal");
  SyncRecord closed = webRecord(40000, 12);
  closed.state = static_cast<uint16_t>(TcpState::close);
  closed.flags |= kSyncInactive;
  closed.timeoutSeconds = 10;
  CHECK_EQ(taken(t, closed), "updated");
  CHECK_EQ(t.state(), "CLOSE");
  CHECK_EQ(taken(t, webRecord(40000, 11)), "made");
  CHECK_EQ(ackFrom(t, 40000), "11");
}

TEST("a peer's connection that has packets here is this director's own from then on") {
  Backup t;
  CHECK_EQ(taken(t, webRecord(40000, 12)), "made");
  t.pass(1);
  CHECK_EQ(ackFrom(t, 40000), "12");
  CHECK_EQ(taken(t, webRecord(40000, 11)), "keptLocal");
  CHECK_EQ(ackFrom(t, 40000), "12");
}

TEST("a record moves a connection that only the peer has, unless it is the one that it was before") {
  Backup t;
  CHECK_EQ(taken(t, webRecord(40000, 12)), "made");
  SyncRecord old = webRecord(40000, 11);
  old.flags |= kSyncInactive;
  CHECK_EQ(taken(t, old), "outOfDate");
  CHECK_EQ(taken(t, webRecord(40000, 11)), "made");
  CHECK((t.counts(11) == Counts{1, 0}));
  CHECK((t.counts(12) == Counts{0, 0}));
}

TEST("a connection to a server that is not here drops its packets, and goes on when the server comes") {
  Backup t;
  CHECK_EQ(taken(t, webRecord(40000, 13)), "waiting");
  CHECK_EQ(t.director.syncRecordsWaiting(), 1);
  t.pass(1);  // the control thread's turn
  CHECK_EQ(taken(t, webRecord(40001, 13)), "made");
  CHECK_EQ(t.director.syncRecordsWaiting(), 0);
  CHECK_EQ(t.connections().size(), 2);
  for (const uint16_t port : {40000, 40001}) CHECK_EQ(ackFrom(t, port), "dropServerGone");
  t.addServer(13);
  for (const uint16_t port : {40000, 40001}) CHECK_EQ(ackFrom(t, port), "13");
  CHECK((t.counts(13) == Counts{2, 0}));
}

TEST("records of a service that is not here wait for it") {
  TestDirector t;
  t.director.beginListening();
  CHECK_EQ(taken(t, webRecord(40000, 11)), "waiting");
  SyncRecord brief = webRecord(40001, 11);
  brief.timeoutSeconds = 2;
  CHECK_EQ(taken(t, brief), "waiting");
  CHECK_EQ(t.director.syncRecordsWaiting(), 2);
  t.pass(3);
  t.addService();
  t.addServer(11);
  t.director.takeSyncRecords(t.now, [](auto&&) {});
  CHECK_EQ(t.director.syncRecordsWaiting(), 0);
  CHECK_EQ(ackFrom(t, 40000), "11");
  CHECK_EQ(t.connections().size(), 1);
}

TEST("what a removed server's peer tells of it waits aside") {
  Backup t;
  CHECK_EQ(taken(t, webRecord(40000, 12)), "made");
  t.deleteServer(12);
  CHECK_EQ(ackFrom(t, 40000), "dropServerGone");
  CHECK_EQ(taken(t, webRecord(40001, 12)), "waiting");
  t.pass(2);
  t.addServer(12);
  t.director.takeSyncRecords(t.now + kTicksPerSecond, [](auto&&) {});
  for (const uint16_t port : {40000, 40001}) CHECK_EQ(ackFrom(t, port), "12");
}

TEST("records take no place from an entry") {
  Backup t;
  uint32_t made = 0, refused = 0;
  for (uint32_t i = 0; i < 4 * ConnTable::kMinCapacity; i++) {
    SyncRecord record = webRecord(static_cast<uint16_t>(i), 11);
    record.client = IpAddress::v4(Be32::from(0xc0000200 + i / 50000));
    const std::string outcome = taken(t, record);
    (outcome == "made" ? made : refused)++;
    if (outcome != "made" && outcome != "updated") CHECK_EQ(outcome, "noRoom");
  }
  CHECK_EQ(t.counter("connectionsEvicted"), 0);
  CHECK(made <= ConnTable::kMinCapacity && refused > 0);
  CHECK(t.director.connectionCount() <= ConnTable::kMinCapacity / 8 * 7 + 64);
  CHECK_EQ(t.establish(1), "12");
}

TEST("a flood of servers that are not here is bounded") {
  Backup t;
  for (uint32_t i = 0; i < 30'000; i++) {
    SyncRecord record = webRecord(static_cast<uint16_t>(i), 11);
    record.server = IpAddress::v4(Be32::from(0x0a010000 + i));
    taken(t, record);
    if (i % 200 == 0) t.pass(0.01);
  }
  CHECK(t.director.syncRecordsWaiting() <= WaitingRecords::kMost);
  CHECK(t.director.control().table()->idCount() <= Control::kMostOfPeers + 8);
}

TEST("a master's connections of all kinds go on at its backup") {
  NatDirector master, backup;
  const ServiceKey persistent{IpAddress::v4(192, 0, 2, 20), 80, 6};
  for (TestDirector* t : {static_cast<TestDirector*>(&master), static_cast<TestDirector*>(&backup)}) {
    t->addService("rr");
    t->addService("rr", TestDirector::kNames);
    t->addServer(21, {}, TestDirector::kNames);
    t->addService({.scheduler = "rr", .persistence = {.timeoutSeconds = 300}}, persistent);
    t->addServer(31, {}, persistent);
    t->addServer(32, {}, persistent);
  }
  master.addNat(11, 8080);
  backup.addNat(11, 8080);
  backup.addNat(12, 8080);
  master.director.beginTelling();
  backup.director.beginListening();
  CHECK_EQ(master.handshake(40000), "11");
  CHECK_EQ(master.send(NatDirector::fromClient(40000, kTcpAck, 9)), "11");
  for (int i = 0; i < 3; i++) CHECK_EQ(master.udp(7), "21");
  const auto toPersistent = [&](TestDirector& t, uint16_t port, uint8_t flags) {
    return t.send(PacketBuilder().ip(NatDirector::kClient, persistent.address).tcp(port, 80, flags).build());
  };
  const std::string server = toPersistent(master, 41000, kTcpSyn);
  for (int i = 0; i < 2; i++) CHECK_EQ(toPersistent(master, 41000, kTcpAck), server);
  CHECK(tell(master, backup) > 0);
  // NAT's goes both ways.
  CHECK_EQ(backup.send(NatDirector::fromClient(40000, kTcpAck, 9)), "11");
  CHECK_EQ(backup.send(NatDirector::fromServer(11, 8080, 40000, kTcpAck, 5)), "returned");
  CHECK_EQ(NatDirector::source(backup.sent), "192.0.2.10:80");
  CHECK_EQ(backup.udp(7), "21");
  // The client's next connection goes where its template leads, and the template is in use.
  CHECK_EQ(toPersistent(backup, 41000, kTcpAck), server);
  for (uint16_t port = 42000; port < 42004; port++) CHECK_EQ(toPersistent(backup, port, kTcpSyn), server);
  for (const ConnectionRow& row : backup.connections()) {
    if (row.isTemplate) CHECK_EQ(row.controlled, 5);
  }
}

TEST("version 0 tells of IPv4's connections") {
  NatDirector master, backup;
  for (NatDirector* t : {&master, &backup}) {
    t->addService("rr");
    t->addServer(11);
  }
  master.setSysctl("sync_version", 0);
  master.director.beginTelling();
  backup.director.beginListening();
  for (const uint8_t flags : {kTcpSyn, kTcpAck, kTcpAck}) {
    CHECK_EQ(master.send(NatDirector::fromClient(40000, flags)), "11");
  }
  CHECK_EQ(tell(master, backup), 1);
  CHECK_EQ(backup.send(NatDirector::fromClient(40000, kTcpAck)), "11");
}

TEST("a template by an engine's data is found by it") {
  Backup t;
  const ServiceKey calls{IpAddress::v4(192, 0, 2, 10), 5060, 17};
  t.addService({.scheduler = "rr", .persistence = {.timeoutSeconds = 300, .engine = "sip"}}, calls);
  t.addServer(11, {}, calls);
  t.addServer(12, {}, calls);
  for (const char* data : {"a@b.com", "b@b.com", "c@b.com", "d@b.com"}) {
    SyncRecord record = webRecord(0, data[0] % 2 == 0 ? 11 : 12, 5060);
    record.virtualPort = 5060;
    record.protocol = kUdpProtocol;
    record.state = 0;
    record.flags |= kSyncTemplate | kSyncInactive;
    record.engineName = "sip";
    record.engineData = data;
    CHECK_EQ(taken(t, record), "made");
    CHECK_EQ(taken(t, record), "updated");
  }
  const auto call = [&](const std::string& id, uint16_t port) {
    const std::string text = "INVITE sip:x@y SIP/2.0\r\nCall-ID: " + id + "\r\n\r\n";
    return t.send(PacketBuilder()
                      .ip(NatDirector::kClient, calls.address)
                      .udp(port, 5060)
                      .payload(bytesOf({reinterpret_cast<const uint8_t*>(text.data()), text.size()}))
                      .build());
  };
  CHECK_EQ(call("a@b.com", 5001), "12");
  CHECK_EQ(call("b@b.com", 5002), "11");
  CHECK_EQ(call("c@b.com", 5003), "12");
  CHECK_EQ(call("d@b.com", 5004), "11");
}

TEST("a template that connections here count on stays, and lives no shorter for a record") {
  Backup t;
  const ServiceKey persistent{IpAddress::v4(192, 0, 2, 20), 80, 6};
  t.addService({.scheduler = "rr", .persistence = {.timeoutSeconds = 300}}, persistent);
  t.addServer(31, {}, persistent);
  t.addServer(32, {}, persistent);
  const std::string server =
      t.send(PacketBuilder().ip(NatDirector::kClient, persistent.address).tcp(41000, 80, kTcpSyn).build());
  SyncRecord record = webRecord(0, server == "31" ? 32 : 31);
  record.virtualAddress = persistent.address;
  record.flags |= kSyncTemplate | kSyncInactive;
  record.state = 1;
  record.timeoutSeconds = 1;
  CHECK_EQ(taken(t, record), "keptLocal");
  record.server = IpAddress::v4(10, 0, 0, static_cast<uint8_t>(std::stoi(server)));
  CHECK_EQ(taken(t, record), "updated");
  for (const ConnectionRow& row : t.connections()) {
    if (row.isTemplate) CHECK(row.expiresMs > 290'000);
  }
}

TEST("with backup_only a backup carries nothing, and a director that is none carries all") {
  Backup t;
  t.setSysctl("backup_only", 1);
  CHECK_EQ(taken(t, webRecord(40000, 12)), "made");
  CHECK_EQ(ackFrom(t, 40000), "dropBackup");
  CHECK_EQ(t.counter("dropBackup"), 1);
  CHECK_EQ(t.counter("received"), 1);
  t.director.endListening();
  CHECK_EQ(ackFrom(t, 40000), "12");
}

TEST("a master tells what it was told, once packets come here") {
  Backup t;
  t.director.beginTelling();
  CHECK_EQ(taken(t, webRecord(40000, 12)), "made");
  const auto noted = [&] { return t.director.takeSyncNotes(SIZE_MAX, [](const SyncRecord&, SyncVersion) {}); };
  for (int packet = 4; packet < 53; packet++) CHECK_EQ(ackFrom(t, 40000), "12");
  CHECK_EQ(noted(), 0);
  CHECK_EQ(ackFrom(t, 40000), "12");
  CHECK_EQ(noted(), 1);
  t.director.endTelling();
  t.director.endListening();
  CHECK_EQ(ackFrom(t, 40000), "12");
}

TEST("notes that find no room are lost and counted, and what they told is told the next time") {
  Backup t;
  t.setSysctl("sync_threshold", 0);
  t.setSysctl("sync_period", 1);
  t.director.beginTelling();
  CHECK_EQ(t.establish(1), "12");
  t.director.takeSyncNotes(SIZE_MAX, [](const SyncRecord&, SyncVersion) {});
  for (size_t i = 0; i < SyncTeller::kNotes + 10; i++) t.tcp(1, kTcpAck);
  CHECK_EQ(t.director.syncNotesLost(), 10);
  CHECK(t.director.isSyncHurried(0));
  CHECK_EQ(t.director.takeSyncNotes(SIZE_MAX, [](const SyncRecord&, SyncVersion) {}), SyncTeller::kNotes);
  t.tcp(1, kTcpAck);
  CHECK_EQ(t.director.takeSyncNotes(SIZE_MAX, [](const SyncRecord&, SyncVersion) {}), 1);
}

TEST("a record of a transfer changes nothing that was told as it changed since the transfer began") {
  TestDirector backup;
  backup.director.beginListening();
  backup.addService();
  backup.addServer(11);
  backup.addServer(12);
  const auto takenOf = [&](const SyncRecord& record, SyncOrigin origin) {
    std::string outcome;
    backup.director.takeSyncRecords(backup.now, [&](auto&& take) { outcome = toString(take(record, origin)); });
    return outcome;
  };
  constexpr SyncOrigin kAsItChanges{false, 7}, kOfTransfer{true, 7}, kOfTheNext{true, 8};
  CHECK_EQ(takenOf(webRecord(40000, 11), kOfTransfer), "made");
  CHECK_EQ(takenOf(webRecord(40000, 12), kAsItChanges), "made");
  CHECK_EQ(takenOf(webRecord(40000, 11), kOfTransfer), "outOfDate");
  CHECK_EQ(takenOf(webRecord(40000, 12), kOfTheNext), "updated");
  // A transfer's own records may be told again by it.
  CHECK_EQ(takenOf(webRecord(40000, 12), kOfTheNext), "updated");
  CHECK_EQ(takenOf(webRecord(40001, 12), kOfTransfer), "made");
}

}  // namespace tunvs::synced_test
