// FTP at a master and its backup: control connections go on with numbers that have moved, and are told of while their
// data connections run.
#include "support/ftp_director.h"
#include "support/sync_peers.h"

namespace tunvs::sync_ftp_test {
namespace {

using namespace testing;

constexpr auto kPassiveBytes = static_cast<uint32_t>(kPassive.size());
constexpr uint16_t kDataClient = 50000;

struct Master : FtpDirector {
  Master() { director.beginTelling(); }

  std::string data(uint8_t flags) {
    return send(PacketBuilder().ip(kClient, kFtp.address).tcp(kDataClient, kDataPort, flags).build());
  }
  // Takes what was noted. Returns how many times FTP's control connections were told of.
  size_t controlsTold() {
    size_t told = 0;
    director.takeSyncNotes(SIZE_MAX, [&](const SyncRecord& record, SyncVersion) { told += record.virtualPort == 21; });
    return told;
  }
};

struct Backup : FtpDirector {
  Backup() { director.beginListening(); }
};

}  // namespace

TEST("a control connection goes on at the backup with numbers that have moved") {
  Master master;
  Backup backup;
  master.setSysctl("sync_threshold", 0);
  master.setSysctl("sync_period", 1);
  master.begin(40000);
  uint32_t at = 1000, moved = 0;
  for (; moved < 3; moved++, at += kPassiveBytes) CHECK_EQ(master.server(at, kPassive), "returned");
  CHECK_EQ(master.client(at + moved, "NOOP\r\n"), "11");
  tell(master, backup);

  for (int i = 0; i < 2; i++) {
    CHECK_EQ(backup.server(at, "150 Here it comes.\r\n"), "returned");
    CHECK_EQ(backup.sequence(), at + moved);
    CHECK(backup.isRightFromServer());
    at += 20;
    CHECK_EQ(backup.client(at + moved, "NOOP\r\n"), "11");
    CHECK_EQ(backup.acknowledged(), at);
    // The next reply is replaced here, and numbers move on from where they were.
    CHECK_EQ(backup.server(at, kPassive), "returned");
    CHECK_EQ(backup.text(), kShown);
    CHECK_EQ(backup.sequence(), at + moved);
    at += kPassiveBytes;
    moved++;
  }
}

TEST("a data connection does not go on at the backup") {
  Master master;
  Backup backup;
  master.setSysctl("sync_threshold", 0);
  master.setSysctl("sync_period", 1);
  master.begin(40000);
  CHECK_EQ(master.server(1000, kPassive), "returned");
  CHECK_EQ(master.data(kTcpSyn), "11");
  CHECK_EQ(master.data(kTcpAck), "11");
  tell(master, backup);
  CHECK_EQ(backup.connections().size(), 1);
  CHECK_EQ(
      backup.send(PacketBuilder().ip(FtpDirector::kClient, kFtp.address).tcp(kDataClient, kDataPort, kTcpAck).build()),
      "dropNotScheduled");
}

TEST("what comes again from before the last replaced reply has at the backup the number that it had") {
  Master master;
  Backup backup;
  master.setSysctl("sync_threshold", 0);
  master.setSysctl("sync_period", 1);
  master.begin(40000);
  CHECK_EQ(master.server(1000, kPassive), "returned");
  CHECK_EQ(master.server(1000 + kPassiveBytes, "200 Well.\r\n"), "returned");
  const uint32_t seen = master.sequence(), second = 1000 + kPassiveBytes + 11;
  CHECK_EQ(master.server(second, kPassive), "returned");
  CHECK_EQ(master.client(second + kPassiveBytes + 2, "NOOP\r\n"), "11");
  tell(master, backup);
  CHECK_EQ(backup.server(1000 + kPassiveBytes, "200 Well.\r\n"), "returned");
  CHECK_EQ(backup.sequence(), seen);
}

TEST("a control connection is told of with its data connection, though it is silent") {
  Master t;
  t.begin(40000);
  CHECK_EQ(t.server(1000, kPassive), "returned");
  CHECK_EQ(t.client(1000 + kPassiveBytes + 1, "RETR it\r\n"), "11");
  CHECK_EQ(t.controlsTold(), 1);  // at its own third packet
  CHECK_EQ(t.data(kTcpSyn), "11");
  CHECK_EQ(t.data(kTcpAck), "11");
  t.controlsTold();
  for (int i = 0; i < 200; i++) CHECK_EQ(t.data(kTcpAck), "11");
  CHECK_EQ(t.controlsTold(), 4);  // in 200 packets of 50 a turn
  CHECK_EQ(t.data(kTcpFin | kTcpAck), "11");
  CHECK_EQ(t.controlsTold(), 1);
}

TEST("a data connection whose control connection has ended is told of alone") {
  Master t;
  t.setSysctl("sync_threshold", 0);
  t.setSysctl("sync_period", 1);
  t.setSysctl("conn_reuse_mode", 1);
  t.begin(40000);
  CHECK_EQ(t.server(1000, kPassive), "returned");
  CHECK_EQ(t.data(kTcpSyn), "11");
  CHECK_EQ(t.data(kTcpAck), "11");
  CHECK(t.controlsTold() > 0);
  CHECK_EQ(t.send(PacketBuilder().ip(FtpDirector::kServer, t.kClient).tcp(21, 40000, kTcpRst).build()), "returned");
  // The client begins another control connection from the same port.
  CHECK_EQ(t.handshake(40000, kFtp), "11");
  t.controlsTold();
  for (int i = 0; i < 3; i++) CHECK_EQ(t.data(kTcpAck), "11");
  CHECK_EQ(t.controlsTold(), 0);
}

}  // namespace tunvs::sync_ftp_test
