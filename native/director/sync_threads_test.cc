// A master's workers note connections, a thread takes the notes, and a backup's thread applies them beside its workers,
// while both roles and the configuration change. A thread sanitizer watches.
#include "support/director_threads.h"
#include "support/sync_peers.h"

namespace tunvs::sync_threads_test {
namespace {

using testing::Bytes;
using testing::PacketBuilder;
using testing::Random;
using testing::TestDirector;

constexpr size_t kWorkers = 2;

Bytes somePacket(Random& random) {
  const auto port = static_cast<uint16_t>(1024 + random.below(300));
  PacketBuilder packet;
  packet.ip(testing::NatDirector::kClient, TestDirector::kWeb.address);
  const uint8_t flags = random.oneIn(4) ? kTcpSyn : random.oneIn(8) ? kTcpFin | kTcpAck : kTcpAck;
  return random.oneIn(4) ? packet.udp(port, 53).build() : packet.tcp(port, 80, flags).build();
}

void configure(TestDirector& t) {
  ServiceConfig persistent{"rr"};
  persistent.persistence.timeoutSeconds = 2;
  t.addService(persistent);
  t.addService("rr", TestDirector::kNames);
  t.addServer(11, testing::NatDirector::natConfig());
  t.addServer(12);
  t.addServer(11, {}, TestDirector::kNames);
}

}  // namespace

TEST("directors tell each other of connections while workers, roles and services change") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.workers = kWorkers;
  TestDirector master(options), backup(options);
  configure(master);
  configure(backup);
  master.setSysctl("sync_threshold", 0);
  master.setSysctl("sync_period", 1);
  std::atomic<Tick> clock = options.now;
  uint64_t told = 0;
  {
    testing::WorkerThreads workers(2 * kWorkers, [&](size_t worker) {
      Director& director = worker < kWorkers ? master.director : backup.director;
      testing::workThrough(director, worker % kWorkers, clock, 300, somePacket);
    });
    while (workers.areWorking()) {
      clock.fetch_add(20, std::memory_order_relaxed);
      master.director.beginTelling();
      backup.director.beginListening();
      std::atomic<bool> isOver = false;
      std::thread peer([&] {
        while (!isOver.load()) {
          const Tick now = clock.load(std::memory_order_relaxed);
          master.director.noteFast(0, 100, now);
          backup.director.takeSyncRecords(now, [&](auto&& take) {
            master.director.takeSyncNotes(1000, [&](const SyncRecord& record, SyncVersion) {
              take(record);
              told++;
            });
          });
        }
      });
      for (int i = 0; i < 20; i++) {
        const Tick now = clock.load(std::memory_order_relaxed);
        backup.setWeight(12, 1 + i % 3);
        master.director.collect(now);
        backup.director.collect(now);
        std::this_thread::yield();
      }
      isOver = true;
      peer.join();
      master.director.endTelling();
      backup.director.endListening();
    }
  }
  CHECK(told > 0);
  // Nothing is left behind when all has expired.
  clock.fetch_add(ticksFromSeconds(2000));
  for (TestDirector* t : {&master, &backup}) {
    t->now = clock.load();
    for (int i = 0; i < 5; i++) t->pass(120);
    CHECK_EQ(t->director.connectionCount(), 0);
    for (const ServiceRow& service : t->rows()) {
      for (const ServerRow& server : service.servers)
        CHECK(server.active == 0 && server.inactive == 0 && server.persistent == 0);
    }
  }
}

}  // namespace tunvs::sync_threads_test
