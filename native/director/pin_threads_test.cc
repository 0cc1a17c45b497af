// A control thread pins and releases flows while workers forward them. What a thread sanitizer finds matters most.
#include "support/director_threads.h"
#include "support/pinned_director.h"
#include "support/raw_bytes.h"

namespace tunvs::pin_threads_test {
namespace {

using testing::Bytes;
using testing::HeldPacket;
using testing::PinnedDirector;
using testing::Random;
using testing::TestDirector;

constexpr size_t kWorkers = 3;
constexpr uint16_t kFirstPort = 40000;
constexpr uint32_t kFlows = 16;

DirectorOptions options() {
  DirectorOptions made = TestDirector::defaultOptions();
  made.workers = kWorkers;
  return made;
}

uint16_t somePort(Random& random) { return static_cast<uint16_t>(kFirstPort + random.below(kFlows)); }

// Packets of the flows, which open no connection, and errors about them.
void work(Director& director, size_t worker, const std::atomic<Tick>& clock, std::atomic<uint64_t>& sent, int rounds) {
  Random random(worker + 1);
  OutputVector out;
  for (int round = 0; round < rounds; round++) {
    Bytes bytes = PinnedDirector::fromHost(somePort(random), kTcpAck).build();
    if (random.oneIn(4)) {
      bytes = testing::icmpPacket(testing::kRouter, testing::kDirector, 3, 1, 0, bytes);
    }
    HeldPacket held(bytes);
    Packet packet = held.packet();
    Verdict verdict{};
    director.process(worker, {&packet, 1}, clock.load(std::memory_order_relaxed), out, &verdict);
    CHECK(verdict == Verdict::pinned || verdict == Verdict::dropNotScheduled || verdict == Verdict::consumedIcmp ||
          verdict == Verdict::dropIcmp);
    if (verdict == Verdict::pinned) sent.fetch_add(1, std::memory_order_relaxed);
    if (random.oneIn(16)) director.expire(worker, clock.load(std::memory_order_relaxed), true, SIZE_MAX);
    if (random.oneIn(16)) testing::pauseWorker(director, worker);
  }
  director.leave(worker);
}

}  // namespace

TEST("flows are pinned, released and read while workers forward them, and servers come and go") {
  PinnedDirector t(options());
  std::atomic<Tick> clock{0};
  std::atomic<uint64_t> sent{0};
  testing::WorkerThreads workers(kWorkers, [&](size_t worker) { work(t.director, worker, clock, sent, 20000); });
  Random random(99);
  uint32_t names[kFlows] = {};
  uint64_t pinned = 0, read = 0;
  while (workers.areWorking()) {
    const Tick now = clock.fetch_add(random.below(20)) + 20;
    const uint32_t which = random.below(kFlows);
    const uint8_t lastByte = random.oneIn(2) ? 11 : 12;
    const auto name = t.director.pin(PinnedDirector::request(static_cast<uint16_t>(kFirstPort + which), lastByte), now);
    if (name.ok()) {
      names[which] = name.value();
      pinned++;
    } else {
      CHECK(name.error().code == ErrorCode::exists);
    }
    if (const auto report = t.director.pinReport(names[random.below(kFlows)])) read += report->packets;
    if (random.oneIn(2)) t.director.releasePin(names[random.below(kFlows)], now);
    if (random.oneIn(8)) {
      const ServerKey server = TestDirector::server(lastByte);
      const Operation operations[] = {DeleteServer{TestDirector::kWeb, server},
                                      AddServer{TestDirector::kWeb, server, {}}};
      CHECK(t.director.apply(operations).ok());
    }
    if (random.oneIn(4)) t.director.collect(now);
  }
  workers.join();
  CHECK(pinned > 0);
  CHECK(sent.load() > 0);
  CHECK(read > 0);
  CHECK_EQ(t.counter("pinned"), sent.load());
  CHECK_EQ(t.director.connectionCount(), 0u);
  t.now = clock.load() + ticksFromSeconds(1);
  for (int i = 0; i < 3; i++) t.pass(100);
  CHECK_EQ(t.director.pinCount(), 0u);
}

}  // namespace tunvs::pin_threads_test
