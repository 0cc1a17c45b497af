// A worker whose port keeps packets beyond send().
#include <chrono>
#include <set>
#include <thread>

#include "engine/clock.h"
#include "engine/worker.h"
#include "io/memory/memory_port.h"
#include "support/keeping_queue.h"
#include "support/network_namespace.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::held_buffers_test {
namespace {

using testing::Bytes;
using testing::eventually;
using testing::KeepingQueue;
using testing::PacketBuilder;
using testing::TestDirector;

constexpr size_t kAll = VectorPool::kMax * kVectorSize;  // packets that a port can keep

Bytes syn(uint16_t port, uint16_t virtualPort = 80) {
  return PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(port, virtualPort, kTcpSyn).build();
}

// A worker that starts with all packets pushed already, so that its vectors are full.
class Bench {
 public:
  explicit Bench(bool tells = true) : t(options()), device(1, 2048), queue(device.queue(0), tells) {
    t.addService();
    t.addServer(11);
    t.addService("rr", TestDirector::kNames);
    t.addServer(12, {}, TestDirector::kNames);
  }
  ~Bench() { stop(); }

  static DirectorOptions options() {
    DirectorOptions made = TestDirector::defaultOptions();
    made.maxConnections = 1u << 16;
    made.now = coarseNow();
    return made;
  }

  void push(const Bytes& bytes) { device.push(0, bytes); }
  void pushSyns(size_t count) {
    for (size_t i = 0; i < count; i++) push(syn(static_cast<uint16_t>(2000 + next_++)));
  }
  void start(PortQueue& by) {
    worker = Worker::create({t.director, 0, by, 2048, events, 0}).value();
    CHECK(worker->start().ok());
  }
  void start() { start(queue); }
  void stop() {
    if (worker == nullptr) return;
    worker->stop();
    worker->join();
  }
  [[nodiscard]] bool keeps(size_t packets) {
    return eventually([&] { return queue.kept() == packets; });
  }
  // A packet that the worker holds is neither waiting nor kept, so only what was sent says that all is done.
  [[nodiscard]] bool sends(size_t packets) {
    return eventually([&] { return queue.sent() == packets; });
  }

  TestDirector t;
  MemoryDevice device;
  KeepingQueue queue;
  EventRing events;
  std::unique_ptr<Worker> worker;

 private:
  size_t next_ = 0;
};

// Returns the clients' ports of packets that are tunnelled SYNs to the real server and nothing else.
std::vector<uint16_t> portsOf(const std::vector<Bytes>& sent) {
  std::vector<uint16_t> ports;
  for (const Bytes& bytes : sent) {
    if (!CHECK_EQ(bytes.size(), 60u)) return {};
    CHECK_EQ(loadBe32(&bytes[16]), 0x0a00000bu);
    ports.push_back(loadBe16(&bytes[40]));
  }
  return ports;
}

TEST("what a port keeps leaves as it was, however much is read meanwhile, and in whatever order it is sent") {
  Bench b;
  b.pushSyns(kAll);
  b.start();
  REQUIRE(b.keeps(kAll));
  b.queue.letGo(0, 100);
  REQUIRE(b.keeps(kAll - 100));
  b.queue.letGo(100, 50);
  REQUIRE(b.keeps(kAll - 250));
  for (int round = 0; round < 20; round++) {
    b.pushSyns(kVectorSize);
    b.queue.letGo(round % 3 == 0 ? kVectorSize : 0, round % 3 == 0 ? 0 : kVectorSize);
  }
  b.queue.letGo(2 * kAll);
  CHECK(b.sends(kAll + 20 * kVectorSize));
  const auto ports = portsOf(b.queue.take());
  CHECK_EQ(ports.size(), kAll + 20 * kVectorSize);
  CHECK_EQ(std::set<uint16_t>(ports.begin(), ports.end()).size(), ports.size());
}

TEST("a worker whose port keeps all that it may keep reads no more, sleeps, and continues when some comes back") {
  for (const bool tells : {true, false}) {
    Bench b(tells);
    b.pushSyns(kAll + 100);
    b.start();
    REQUIRE(b.keeps(kAll));
    REQUIRE(eventually([&] { return b.t.counter("readsHeldBack") == 1; }));
    const size_t before = b.queue.reclaims();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    // It asks once in 100 ms, or every millisecond; a busy loop would have asked ten thousand times.
    CHECK(b.queue.reclaims() - before < (tells ? 20u : 100u));
    CHECK_EQ(b.device.waiting(0), 100u);
    CHECK_EQ(b.queue.kept(), kAll);
    CHECK_EQ(b.t.counter("readsHeldBack"), 1u);
    // While one packet of a vector is still kept, the whole vector stays unavailable.
    b.queue.letGo(kVectorSize - 1);
    REQUIRE(b.keeps(kAll - kVectorSize + 1));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK_EQ(b.device.waiting(0), 100u);
    b.queue.letGo(1);
    REQUIRE(eventually([&] { return b.device.waiting(0) == 36; }));
    REQUIRE(b.keeps(kAll));
    b.queue.letGo(2 * kAll);
    CHECK(b.sends(kAll + 100));
    const auto ports = portsOf(b.queue.take());
    for (size_t i = 0; i < ports.size(); i++) {
      if (!CHECK_EQ(ports[i], 2000 + i)) return;
    }
    CHECK_EQ(ports.size(), kAll + 100);
  }
}

TEST("answers and fragments that waited leave as they were, though their buffers are reused at once") {
  const auto pushAll = [](MemoryDevice& device) {
    for (uint16_t i = 0; i < 200; i++) {
      device.push(0, syn(static_cast<uint16_t>(2000 + i), i % 3 == 0 ? 81 : 80));
      if (i % 20 != 0) continue;
      const auto piece = [&](bool isFirst) {
        PacketBuilder builder = PacketBuilder().ip("198.51.100.9", "192.0.2.10").identification(i);
        if (isFirst) return builder.moreFragments().udp(4000, 53).build();
        return builder.fragmentOffset(8).protocol(IpProtocol::udp).payload(8 + i).build();
      };
      device.push(0, piece(false));
      device.push(0, piece(true));
    }
  };
  Bench kept;
  pushAll(kept.device);
  kept.start();
  REQUIRE(kept.keeps(220));
  kept.queue.letGo(220);
  REQUIRE(kept.keeps(0));
  const auto sent = kept.queue.take();

  Bench plain;
  MemoryPort port(1, 2048);
  pushAll(port.device());
  plain.start(port.queue(0));
  REQUIRE(eventually([&] { return port.out(0).packets() == 220; }));
  const auto expected = port.out(0).take();
  plain.stop();
  REQUIRE(sent.size() == expected.size());
  for (size_t i = 0; i < sent.size(); i++) {
    if (!CHECK(sent[i] == expected[i].bytes)) return;
  }
  CHECK_EQ(kept.t.counter("answersReset"), 67u);
  CHECK_EQ(kept.t.counter("fragmentsReleased"), 10u);
}

TEST("a worker that ends leaves its port nothing of its own") {
  Bench b;
  b.pushSyns(kAll + 100);
  b.start();
  REQUIRE(b.keeps(kAll));
  b.stop();
  CHECK_EQ(b.queue.kept(), 0u);
}

}  // namespace
}  // namespace tunvs::held_buffers_test
