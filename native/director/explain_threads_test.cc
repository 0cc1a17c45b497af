// The control thread asks what would become of packets while workers handle others. A thread sanitizer watches.
#include "support/director_threads.h"
#include "support/raw_bytes.h"

namespace tunvs::explain_threads_test {
namespace {

using testing::Bytes;
using testing::HeldPacket;
using testing::PacketBuilder;
using testing::Random;
using testing::TestDirector;

constexpr size_t kWorkers = 2;
constexpr uint32_t kClients = 400;
const IpAddress kVip = TestDirector::kWeb.address;

// Returns flows, fragments of any part of a datagram, pings, and errors about replies and about our own outer packets.
Bytes somePacket(Random& random) {
  const auto client = IpAddress::v4(198, 51, 100, static_cast<uint8_t>(1 + random.below(9)));
  const auto port = static_cast<uint16_t>(1024 + random.below(kClients));
  PacketBuilder packet;
  packet.ip(client, kVip);
  switch (random.below(8)) {
    case 0: return packet.udp(port, 53).payload(random.below(20)).build();
    case 1:
      return packet.identification(static_cast<uint16_t>(random.below(50)))
          .moreFragments()
          .udp(port, 53)
          .payload(32)
          .build();
    case 2:
      packet.identification(static_cast<uint16_t>(random.below(50))).fragmentOffset(40);
      return packet.protocol(IpProtocol{17}).payload(16).build();
    case 3: return testing::icmpPacket(client, kVip, 8, 0, 0, Bytes(16, 7));
    case 4: {
      const Bytes reply = PacketBuilder().ip(kVip, client).tcp(80, port, kTcpAck).payload(20).build();
      return testing::icmpPacket(client, kVip, 3, 4, 1200, reply);
    }
    default: return packet.tcp(port, 80, random.oneIn(3) ? kTcpAck : kTcpSyn).build();
  }
}

void work(Director& director, size_t worker, const std::atomic<Tick>& clock, const std::atomic<bool>& isOver) {
  Random random(worker + 1);
  OutputVector out;
  while (!isOver.load()) {
    std::vector<HeldPacket> held;
    std::vector<Packet> packets;
    for (int i = 0; i < 16; i++) held.emplace_back(somePacket(random));
    for (auto& packet : held) packets.push_back(packet.packet());
    const Tick now = clock.load(std::memory_order_relaxed);
    director.process(worker, packets, now, out);
    director.expire(worker, now, false, 100);
  }
  director.leave(worker);
}

uint64_t explainWhileWorking(std::string_view scheduler, bool isPersistent) {
  DirectorOptions options = TestDirector::defaultOptions();
  options.workers = kWorkers;
  TestDirector t(options);
  t.setSysctl("schedule_icmp", 1);
  for (const ServiceKey& service : {TestDirector::kWeb, TestDirector::kNames}) {
    ServiceConfig config{std::string(scheduler)};
    if (isPersistent) config.persistence.timeoutSeconds = 2;
    t.addService(config, service);
    for (uint8_t server = 11; server < 15; server++) t.addServer(server, {}, service);
  }
  std::atomic<Tick> clock = options.now;
  std::atomic<bool> isOver = false;
  testing::WorkerThreads workers(kWorkers, [&](size_t worker) { work(t.director, worker, clock, isOver); });
  Random random(99);
  uint64_t named = 0;
  for (int round = 0; round < 600; round++) {
    clock.fetch_add(random.below(20), std::memory_order_relaxed);
    t.now = clock.load();
    named += t.explain(somePacket(random)).server.has_value();
    // A new list of servers makes explain() read the scheduler's memory anew.
    if (round % 20 == 0) t.setWeight(11, 1 + static_cast<int32_t>(random.below(3)));
  }
  isOver = true;
  workers.join();
  return named;
}

TEST("explains packets of every kind by every scheduler while workers handle others (threads)") {
  for (const Scheduler* scheduler : schedulers()) {
    CHECK(explainWhileWorking(scheduler->name(), false) > 0);
    CHECK(explainWhileWorking(scheduler->name(), true) > 0);
  }
}

}  // namespace
}  // namespace tunvs::explain_threads_test
