#include "engine/policy_channel.h"

#include <chrono>
#include <thread>

#include "engine/worker.h"
#include "io/memory/memory_port.h"
#include "support/network_namespace.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::policy_channel_test {
namespace {

using testing::Bytes;
using testing::eventually;
using testing::PacketBuilder;
using testing::TestDirector;

// A worker on a memory device whose web service asks, and somebody who answers when told to.
class Bench {
 public:
  explicit Bench(Tick deadline) : t(options()), port(1, 2048), desk(1) {
    t.addService("rr");
    for (const uint8_t lastByte : {11, 12}) t.addServer(lastByte);
    t.addService("rr", TestDirector::kNames);
    t.addServer(12, {}, TestDirector::kNames);
    auto made = std::make_shared<ConnectionPolicy>();
    made->id = 3;
    made->deadline = deadline;
    policy = made;
    CHECK(t.apply(SetPolicy{TestDirector::kWeb, {nullptr, policy}}).ok());
    desk.notify([this] { told++; });
    worker = Worker::create({t.director, 0, port.queue(0), 2048, events, 0, {}, &desk.channel(0)}).value();
  }
  ~Bench() {
    worker->stop();
    worker->join();
  }

  static DirectorOptions options() {
    DirectorOptions made = TestDirector::defaultOptions();
    made.maxConnections = 1u << 16;
    timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    made.now = ticksFromMs(static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1000000);
    return made;
  }

  void pushSyn(uint32_t client) {
    device.push(0, PacketBuilder()
                       .ip(IpAddress::v4(Be32::from(0xc6336407 + client / 60000)), TestDirector::kWeb.address)
                       .tcp(static_cast<uint16_t>(1024 + client % 60000), 80, kTcpSyn)
                       .build());
  }
  void pushDatagram() {
    device.push(0, PacketBuilder().ip("198.51.100.9", "192.0.2.10").udp(4000, 53).payload(9).build());
  }
  // Answers all waiting questions with this server. Returns how many there were.
  size_t answerAll(uint32_t server) {
    desk.beginRound();
    PolicyChannel& channel = desk.channel(0);
    size_t count = 0;
    for (const PolicyQuestion* question; (question = channel.nextQuestion()) != nullptr; channel.dropQuestion()) {
      channel.answer({question->flow, question->sequence, server, PolicyAnswer::Kind::server});
      count++;
    }
    if (channel.mustWake()) worker->wake();
    return count;
  }
  uint64_t count(std::string_view name) const {
    const auto values = valuesOf(policy->counters);
    for (size_t i = 0; i < values.size(); i++)
      if (kPolicyCounterNames[i] == name) return values[i];
    std::abort();
  }

  TestDirector t;
  MemoryPort port;
  MemoryDevice& device = port.device();
  MemoryEgress& egress = port.out(0);
  EventRing events;
  PolicyDesk desk;
  std::atomic<int> told{0};
  std::shared_ptr<const ConnectionPolicy> policy;
  std::unique_ptr<Worker> worker;
};

constexpr Tick kLong = ConnectionPolicy::kMaxDeadline;

TEST("a ring gives what was pushed in order, refuses what it has no room for, and wraps around") {
  SpscRing<uint64_t> ring(4);
  uint64_t pushed = 0, popped = 0;
  for (int round = 0; round < 100; round++) {
    for (uint64_t* slot; (slot = ring.slot()) != nullptr; ring.push()) *slot = pushed++;
    CHECK_EQ(pushed - popped, 4u);
    for (int i = 0; i < 3; i++, ring.pop()) {
      REQUIRE(ring.front() != nullptr);
      CHECK_EQ(*ring.front(), popped++);
    }
  }
  while (ring.front() != nullptr) ring.pop();
  CHECK(ring.isEmpty());
}

TEST("a ring between two threads loses nothing and keeps its order") {
  SpscRing<uint64_t> ring(64);
  constexpr uint64_t kCount = 200000 / testing::kFewer;
  std::thread pusher([&] {
    for (uint64_t i = 0; i < kCount;) {
      uint64_t* slot = ring.slot();
      if (slot == nullptr) {
        std::this_thread::yield();
        continue;
      }
      *slot = i++;
      ring.push();
    }
  });
  uint64_t next = 0;
  while (next < kCount) {
    const uint64_t* front = ring.front();
    if (front == nullptr) {
      std::this_thread::yield();
      continue;
    }
    if (!CHECK_EQ(*front, next)) break;
    next++;
    ring.pop();
  }
  pusher.join();
}

TEST("a sleeping worker wakes for an answer, and announces its question once") {
  Bench b(kLong);
  CHECK(b.worker->start().ok());
  for (uint32_t client = 0; client < 3; client++) {
    b.pushSyn(client);
    REQUIRE(eventually([&] { return b.told.load() == static_cast<int>(client) + 1; }));
    REQUIRE(eventually([&] { return b.answerAll(b.t.row(12).id) == 1; }));
    REQUIRE(eventually([&] { return b.egress.packets() == client + 1; }));
  }
  for (const auto& sent : b.egress.take()) CHECK_EQ(toString(sent.nextHop), "10.0.0.12");
  CHECK_EQ(b.count("answered"), 3u);
}

TEST("while nobody answers, the scheduler takes over at the deadline and established traffic does not wait") {
  Bench b(/*deadline=*/5);
  CHECK(b.worker->start().ok());
  b.pushDatagram();
  REQUIRE(eventually([&] { return b.egress.packets() == 1; }));
  for (uint32_t client = 0; client < 300; client++) b.pushSyn(client);
  for (int i = 0; i < 50; i++) b.pushDatagram();
  REQUIRE(eventually([&] { return b.egress.packets() == 351; }));
  CHECK_EQ(b.count("late"), 300u);
  CHECK_EQ(b.count("answered"), 0u);
  // Answers to the earlier questions are too late now, and do no harm.
  CHECK_EQ(b.answerAll(b.t.row(12).id), 300u);
  b.pushDatagram();
  REQUIRE(eventually([&] { return b.egress.packets() == 352; }));
  b.worker->stop();
  b.worker->join();
  CHECK_EQ(b.t.counter("forwarded"), 52u);
  CHECK_EQ(b.t.counter("parkedReleased"), 300u);
  CHECK_EQ(b.t.counter("sent"), 352u);
}

TEST("when there are more questions than anybody reads, new connections stop waiting") {
  Bench b(/*deadline=*/2);
  CHECK(b.worker->start().ok());
  uint32_t client = 0;
  while (b.count("overflow") == 0 && client < 100000) {
    for (int i = 0; i < 1000; i++) b.pushSyn(client++);
    REQUIRE(eventually([&] { return b.egress.packets() == client; }));
  }
  CHECK(b.count("overflow") > 0);
  CHECK_EQ(b.count("asked"), client);
  CHECK_EQ(b.count("late") + b.count("overflow"), client);
}

TEST("every question ends as answered, late, failed or overflow, however the threads meet") {
  Bench b(/*deadline=*/2);
  CHECK(b.worker->start().ok());
  const uint32_t servers[] = {b.t.row(11).id, b.t.row(12).id, 77777};
  std::atomic<bool> isDone = false;
  std::thread policies([&] {
    for (size_t round = 0; !isDone.load(); round++) {
      b.answerAll(servers[round % 3]);
      if (round % 8 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(round % 64 == 0 ? 20 : 1));
    }
  });
  constexpr uint32_t kConnections = 20000;
  for (uint32_t client = 0; client < kConnections; client++) {
    b.pushSyn(client);
    if (client % 500 == 0) {
      CHECK(b.t.apply(SetPolicy{TestDirector::kWeb, {nullptr, client % 1000 == 0 ? nullptr : b.policy}}).ok());
      std::this_thread::yield();
    }
  }
  REQUIRE(eventually([&] { return b.egress.packets() == kConnections; }));
  isDone = true;
  policies.join();
  b.worker->stop();
  b.worker->join();
  CHECK(b.count("asked") > 0);
  CHECK_EQ(b.count("asked"), b.count("answered") + b.count("late") + b.count("failed") + b.count("overflow"));
  CHECK_EQ(b.t.counter("parked"), b.t.counter("parkedReleased"));
  CHECK_EQ(b.t.director.connectionCount(), kConnections);
}

}  // namespace
}  // namespace tunvs::policy_channel_test
