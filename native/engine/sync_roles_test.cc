// The threads of both roles on a link of a kernel's, each with a director.
#include <sys/socket.h>

#include <cstdlib>

#include "engine/clock.h"
#include "engine/sync_backup.h"
#include "engine/sync_master.h"
#include "io/os/coarse_clock.h"
#include "support/network_namespace.h"
#include "support/sync_peers.h"

namespace tunvs::sync_roles_test {
namespace {

using namespace testing;

DirectorOptions options() {
  DirectorOptions options = TestDirector::defaultOptions();
  options.now = coarseNow();
  options.maxConnections = 8192;
  return options;
}

struct Web : TestDirector {
  Web() : TestDirector(options()) {
    addService();
    addServer(11);
    setSysctl("sync_threshold", 0);
    setSysctl("sync_period", 1);
  }
};

constexpr char kMasters[] = "sync0", kBackups[] = "sync1";
SyncOptions onLink(const char* interface) {
  SyncOptions options;
  options.interface = interface;
  options.syncid = 7;
  options.group = address("ff02::5:81");
  options.port = 9000;
  return options;
}

// Makes a link between the two, and waits until it has its addresses.
void makeLink() {
  setSysctl("ipv6/conf/default/accept_dad", "0");
  run(std::string("ip link add ") + kMasters + " type veth peer name " + kBackups);
  run(std::string("ip link set ") + kMasters + " up && ip link set " + kBackups + " up");
  for (const char* interface : {kMasters, kBackups})
    CHECK(eventually([&] { return openMulticastSender(socketOptions(onLink(interface), 0)).ok(); }));
}

uint64_t made(const SyncBackup& backup) { return backup.counts().outcomes[static_cast<size_t>(SyncOutcome::made)]; }

void flood() {
  makeLink();
  Web t;
  const uint64_t begin = coarseNowMs();
  SyncOptions how = onLink(kBackups);
  how.bufferBytes = 1 << 20;
  const auto backup = SyncBackup::open(t.director, how);
  const auto sender = openMulticastSender(socketOptions(onLink(kMasters), 0));
  CHECK(backup.ok() && sender.ok());
  if (!backup.ok() || !sender.ok()) return;
  const std::vector<SyncRecord> records(40, webRecord(40000, 11));
  const Bytes flood = writeSync(records, SyncVersion::v1, 7, 1452).at(0);
  uint64_t sent = 0;
  CHECK(eventually([&] {
    for (int i = 0; i < 2000; i++) sent += ::send(sender.value().get(), flood.data(), flood.size(), 0) > 0;
    return backup.value()->counts().pauses > 10;
  }));
  const SyncBackupCounts counts = backup.value()->counts();
  const uint64_t passedMs = coarseNowMs() - begin + 1000;  // for the clocks' grain, and what it may save up
  CHECK(counts.records + counts.messages * SyncBackup::kDatagramUnits <= passedMs * SyncBackup::kUnitsPerSecond / 1000);
  const Bytes last = writeSync({{webRecord(40001, 11)}}, SyncVersion::v1, 7, 1452).at(0);
  CHECK(eventually([&] {
    sent += ::send(sender.value().get(), last.data(), last.size(), 0) > 0;
    return made(*backup.value()) == 2;
  }));
  // Each that was sent was taken, or is counted as lost.
  CHECK(eventually([&] {
    const SyncBackupCounts now = backup.value()->counts();
    return now.messages + now.messagesLost == sent;
  }));
  CHECK(backup.value()->counts().messagesLost > 0);
}

// Sends by a link that takes next to nothing. Returns false where there can be none.
bool isHeldUp() {
  makeLink();
  if (std::system("tc qdisc add dev sync0 root tbf rate 8bit burst 2000 limit 1000000 2>/dev/null") != 0) return false;
  constexpr uint32_t kConnections = 2000;
  constexpr size_t kWaiting = 5;
  Web t;
  SyncOptions how = onLink(kMasters);
  how.bufferBytes = 1;  // the kernel takes the least that it allows
  const auto master = SyncMaster::open(t.director, how);
  CHECK(master.ok());
  if (!master.ok()) return true;
  master.value()->setQueueMax(kWaiting);
  for (uint32_t client = 0; client < kConnections; client++) CHECK_EQ(t.establish(client), "11");
  SyncMasterCounts held;
  CHECK(eventually([&] {
    held = master.value()->counts();
    return held.recordsLost > 0 && held.records + held.recordsLost + kWaiting * 40 >= kConnections;
  }));
  CHECK(held.messages < 10);
  run("tc qdisc del dev sync0 root");
  SyncMasterCounts after;
  CHECK(eventually([&] {
    after = master.value()->counts();
    return after.records + after.recordsLost == kConnections;
  }));
  CHECK_EQ(after.messages, held.messages + kWaiting);
  CHECK_EQ(after.recordsLost, held.recordsLost);
  CHECK_EQ(after.messagesFailed + after.notesLost, 0);
  return true;
}

}  // namespace

TEST_IN_NAMESPACE("a master tells its backup of connections by a group of IPv6") {
  makeLink();
  constexpr uint32_t kConnections = 200;
  Web t, other;
  const auto backup = SyncBackup::open(other.director, onLink(kBackups));
  const auto master = SyncMaster::open(t.director, onLink(kMasters));
  CHECK(backup.ok() && master.ok());
  if (!backup.ok() || !master.ok()) return;
  CHECK_EQ(master.value()->options().maxBytes, 1452);
  for (uint32_t client = 0; client < kConnections; client++) CHECK_EQ(t.establish(client), "11");
  CHECK(eventually([&] { return made(*backup.value()) == kConnections; }));
  const SyncMasterCounts sent = master.value()->counts();
  CHECK_EQ(sent.records, kConnections);
  CHECK(sent.bytes / sent.messages <= 1452 && sent.messages > 1);
  CHECK_EQ(sent.messagesFailed + sent.recordsLost + sent.notesLost, 0);
  CHECK_EQ(other.tcp(kConnections - 1, kTcpAck), "11");
}

TEST("a backup takes a bounded number of records a second, and goes on after a flood") {
  if (kFewer > 1) SKIP("needs the speed of a build without sanitizers");
  if (!inNetworkNamespace(flood)) SKIP(kNoNamespace);
}

TEST("messages wait while the socket takes nothing, as many as sync_qlen_max, and those beyond are lost") {
  bool isDone = false;
  if (!inNetworkNamespace([&] { isDone = isHeldUp(); })) SKIP(kNoNamespace);
  if (!isDone) SKIP("needs tc, and a kernel with sch_tbf");
}

TEST_IN_NAMESPACE("a master tells of what the fast path carries by itself, once in a round") {
  makeLink();
  Web t;
  t.setSysctl("sync_threshold", 3);
  t.setSysctl("sync_period", 50);
  t.director.setHandingOver(true);
  t.establish(0);
  for (int i = 0; i < 2; i++) t.tcp(0, kTcpAck);
  t.director.handOver(0, /*isQueueEmpty=*/true);
  const auto master = SyncMaster::open(t.director, onLink(kMasters));
  CHECK(master.ok());
  if (!master.ok()) return;
  // Its first message leaves after two seconds, with all that was noted until then.
  CHECK(eventually([&] { return master.value()->counts().messages == 1; }));
  CHECK_EQ(master.value()->counts().records, 1);
}

}  // namespace tunvs::sync_roles_test
