#include "engine/worker.h"

#include <chrono>
#include <thread>

#include "io/memory/memory_port.h"
#include "support/network_namespace.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::worker_test {
namespace {

using testing::Bytes;
using testing::eventually;
using testing::PacketBuilder;
using testing::TestDirector;

// A queue that counts how often it is asked.
class CountingQueue final : public PortQueue {
 public:
  explicit CountingQueue(PortQueue& queue) : queue_(queue) {}
  Result<size_t> receive(PacketVector& vector) override {
    receives_.fetch_add(1);
    return queue_.receive(vector);
  }
  SendResult send(std::span<const OutputPacket> packets, OutputWay way, PacketVector& read) override {
    return queue_.send(packets, way, read);
  }
  int pollDescriptor() const override { return queue_.pollDescriptor(); }
  bool isDrained() const override { return queue_.isDrained(); }
  uint64_t oversized() const override { return queue_.oversized(); }
  uint64_t receives() const { return receives_.load(); }

 private:
  PortQueue& queue_;
  std::atomic<uint64_t> receives_{0};
};

// A queue that holds its worker for as long as it is told to.
class HoldingQueue final : public PortQueue {
 public:
  explicit HoldingQueue(PortQueue& queue) : queue_(queue) {}
  Result<size_t> receive(PacketVector& vector) override {
    for (; isHolding.load(); std::this_thread::sleep_for(std::chrono::milliseconds(1))) isHeld = true;
    return queue_.receive(vector);
  }
  SendResult send(std::span<const OutputPacket> packets, OutputWay way, PacketVector& read) override {
    return queue_.send(packets, way, read);
  }
  int pollDescriptor() const override { return queue_.pollDescriptor(); }
  uint64_t oversized() const override { return queue_.oversized(); }

  std::atomic<bool> isHolding{false};
  std::atomic<bool> isHeld{false};

 private:
  PortQueue& queue_;
};

struct Setting {
  size_t maxPacketBytes = 2048;
  uint32_t busyPollUs = 0;
};

// One worker on a memory device, with the real clock.
class Bench {
 public:
  explicit Bench(const Setting& setting = {}) : t(options()), port(1, setting.maxPacketBytes), queue(port.queue(0)) {
    t.addService();
    t.addServer(11);
    t.addService("rr", TestDirector::kNames);
    t.addServer(12, {}, TestDirector::kNames);
    worker = Worker::create({t.director, 0, queue, setting.maxPacketBytes, events, setting.busyPollUs}).value();
  }

  void push(const Bytes& bytes) { device.push(0, bytes); }
  void pushSyn(uint16_t port) { push(PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(port, 80, kTcpSyn).build()); }
  [[nodiscard]] bool sends(uint64_t packets) {
    return eventually([&] { return egress.packets() == packets; });
  }

  static DirectorOptions options() {
    DirectorOptions made = TestDirector::defaultOptions();
    made.now = testing::coarseTick();
    return made;
  }

  TestDirector t;
  MemoryPort port;
  MemoryDevice& device = port.device();
  MemoryEgress& egress = port.out(0);
  MemoryEgress& host = port.host(0);
  CountingQueue queue;
  EventRing events;
  std::unique_ptr<Worker> worker;
};

TEST("a worker that sleeps turns when asked, and one that is held does not until it is let go") {
  Bench b;
  HoldingQueue queue(b.port.queue(0));
  auto worker = Worker::create({b.t.director, 0, queue, 2048, b.events, 0}).value();
  CHECK(worker->start().ok());
  CHECK(worker->hasTurned());  // nobody has asked it yet
  for (int i = 0; i < 3; i++) CHECK(eventually([&] { return worker->hasTurned(); }));
  queue.isHolding = true;
  CHECK(eventually([&] {
    static_cast<void>(worker->hasTurned());  // wakes it up
    return queue.isHeld.load();
  }));
  static_cast<void>(worker->hasTurned());  // what it answered before it was held
  for (int i = 0; i < 3; i++) CHECK(!worker->hasTurned());
  queue.isHolding = false;
  CHECK(eventually([&] { return worker->hasTurned(); }));
  worker->stop();
  worker->join();
}

TEST("a worker asks a queue that is drained, and one without errors, no more than their descriptors say") {
  constexpr uint16_t kPackets = 200;
  Bench b;
  MemoryPort errorPort(1, 2048);
  auto counted = std::make_unique<CountingQueue>(errorPort.queue(0));
  const CountingQueue& errors = *counted;
  std::vector<std::unique_ptr<DeviceQueue>> queues;
  queues.push_back(std::move(counted));
  auto worker = Worker::create({b.t.director, 0, b.queue, 2048, b.events, 0, std::move(queues)}).value();
  CHECK(worker->start().ok());
  for (uint16_t i = 0; i < kPackets; i++) {
    b.pushSyn(static_cast<uint16_t>(2000 + i));
    REQUIRE(b.sends(i + 1u));
  }
  // It also looks when it keeps house.
  CHECK(b.queue.receives() < kPackets * 3 / 2);
  CHECK(errors.receives() < kPackets / 2);
  errorPort.device().push(0, PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(1999, 80, kTcpSyn).build());
  CHECK(b.sends(kPackets + 1u));
  worker->stop();
  worker->join();
}

TEST("a worker sends on what its queue brings, in order") {
  Bench b;
  CHECK(b.worker->start().ok());
  for (uint16_t i = 0; i < 500; i++) b.pushSyn(static_cast<uint16_t>(2000 + i));
  REQUIRE(b.sends(500));
  b.worker->stop();
  b.worker->join();
  const auto sent = b.egress.take();
  for (uint16_t i = 0; i < 500; i++) {
    if (!CHECK_EQ(loadBe16(&sent[i].bytes[40]), 2000 + i)) return;
    CHECK_EQ(toString(sent[i].nextHop), "10.0.0.11");
  }
  CHECK_EQ(b.t.counter("received"), 500u);
  CHECK_EQ(b.t.counter("sent"), 500u);
}

TEST("a worker wakes for packets that come after a pause") {
  Bench b;
  CHECK(b.worker->start().ok());
  for (uint64_t i = 1; i <= 5; i++) {
    REQUIRE(eventually([&] { return b.device.waiting(0) == 0; }));
    b.pushSyn(static_cast<uint16_t>(2000 + i));
    REQUIRE(b.sends(i));
  }
}

TEST("a worker with nothing to expire sleeps long, and wakes for a packet all the same") {
  Bench b;
  CHECK(b.worker->start().ok());
  REQUIRE(eventually([&] { return b.queue.receives() >= 2; }));  // it has slept once and nothing came
  const uint64_t before = b.queue.receives();
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  CHECK(b.queue.receives() - before <= 3);
  b.pushSyn(2000);
  CHECK(b.sends(1));
}

TEST("an idle worker sleeps and asks its queue only now and then") {
  Bench b;
  CHECK(b.worker->start().ok());
  b.pushSyn(2000);
  REQUIRE(b.sends(1));
  const uint64_t before = b.queue.receives();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  // It asks once in 100 ms; a busy loop would have asked a hundred thousand times.
  CHECK(b.queue.receives() - before < 50);
  CHECK(eventually([&] { return b.queue.receives() > before; }));
}

TEST("a worker that was told to spin asks its queue again and again, and still stops when asked") {
  Bench b({.busyPollUs = 3600u * 1000000u});
  CHECK(b.worker->start().ok());
  CHECK(eventually([&] { return b.queue.receives() > 2000; }));
  b.worker->stop();
  b.worker->join();
}

TEST("a worker sleeps again after it has spun for as long as it was told") {
  Bench b({.busyPollUs = 1000});
  CHECK(b.worker->start().ok());
  b.pushSyn(2000);
  REQUIRE(b.sends(1));
  CHECK(eventually([&] {  // within some 10 ms it asks at most twice, so it sleeps
    const uint64_t before = b.queue.receives();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return b.queue.receives() - before <= 2;
  }));
}

TEST("a worker can be stopped before it was started, twice, and by being destroyed") {
  {
    Bench b;
    b.worker->stop();
    b.worker->join();
  }
  {
    Bench b;
    CHECK(b.worker->start().ok());
    b.worker->stop();
    b.worker->stop();
    b.worker->join();
    b.worker->join();
  }
  {
    Bench b;
    CHECK(b.worker->start().ok());
    b.pushSyn(2000);
  }
  {
    Bench b;
    b.worker->stop();
    CHECK(b.worker->start().ok());
    b.worker->join();  // it was already asked to end
  }
}

TEST("a worker stops while packets keep coming") {
  Bench b;
  CHECK(b.worker->start().ok());
  for (uint16_t i = 0; i < 5000; i++) b.pushSyn(static_cast<uint16_t>(2000 + i));
  b.worker->stop();
  b.worker->join();
  CHECK_EQ(b.t.counter("received") + b.device.waiting(0), 5000u);
  CHECK_EQ(b.t.counter("sent"), b.t.counter("forwarded"));
}

TEST("a worker whose device is lost says so, still expires its connections, and sleeps") {
  Bench b;
  Tunables tunables = b.t.director.control().tunables();
  tunables.setTimeout(timeoutIndex(TcpState::synRecv), 1);
  b.t.director.setTunables(tunables);
  std::atomic<int> notified = 0;
  b.events.notify([&] { notified++; });
  CHECK(b.worker->start().ok());
  b.pushSyn(2000);
  REQUIRE(b.sends(1));
  b.device.breakQueue(0);
  CHECK(eventually([&] { return notified.load() == 1; }));
  CHECK_EQ(b.t.director.connectionCount(), 1u);
  const uint64_t before = b.queue.receives();
  CHECK(eventually([&] { return b.t.director.connectionCount() == 0; }));
  CHECK_EQ(b.queue.receives(), before);
  const CpuTime used = b.worker->cpu();
  CHECK(used.userNs + used.systemNs < 500'000'000);
  b.worker->stop();
  b.worker->join();
  const auto events = b.events.drain();
  REQUIRE(events.size() == 1);
  CHECK(events[0].type == EventType::deviceLost);
  CHECK_EQ(events[0].value, 0u);
  CHECK(!events[0].message.empty());
  // It takes no part in reclamation any more, so memory that it might have used becomes free.
  for (int i = 0; i < 100; i++) b.t.setWeight(11, i);
  b.t.director.collect(b.t.now);
}

TEST("a worker counts what its egress could not send") {
  Bench b;
  b.egress.refuse(3);
  for (uint16_t i = 0; i < 10; i++) b.pushSyn(static_cast<uint16_t>(2000 + i));
  CHECK(b.worker->start().ok());
  REQUIRE(b.sends(7));
  REQUIRE(eventually([&] { return b.t.counter("sent") == 7; }));
  b.worker->stop();
  b.worker->join();
  CHECK_EQ(b.t.counter("egressNoBuffer"), 3u);
  CHECK_EQ(b.t.counter("forwarded"), b.t.counter("sent") + b.t.counter("egressNoBuffer") +
                                         b.t.counter("egressNoRoute") + b.t.counter("egressTooLong") +
                                         b.t.counter("egressFailed"));
}

TEST("a worker hands a local node's packets to the host, in order and as they came, and sends the others on") {
  Bench b;
  b.t.addServer(1, {.tunnel = {.method = ForwardingMethod::local}});
  b.host.refuse(2);
  for (uint16_t i = 0; i < 100; i++) b.pushSyn(static_cast<uint16_t>(2000 + i));
  CHECK(b.worker->start().ok());
  REQUIRE(b.sends(50));
  REQUIRE(eventually([&] { return b.host.packets() == 48; }));
  b.worker->stop();
  b.worker->join();
  const auto local = b.host.take();
  for (size_t i = 0; i < local.size(); i++) {
    const auto& bytes = local[i].bytes;
    if (!CHECK_EQ(bytes.size(), 40u)) return;
    if (i > 0) CHECK_EQ(loadBe16(&bytes[20]), loadBe16(&local[i - 1].bytes[20]) + 2);
  }
  CHECK_EQ(b.t.counter("sentToHost"), 48u);
  CHECK_EQ(b.t.counter("sent"), 98u);
  CHECK_EQ(b.t.counter("egressNoBuffer"), 2u);
  CHECK_EQ(b.t.counter("handedOut"), 100u);
}

TEST("a worker hands what the director says to clients to its egress as answers") {
  Bench b;
  for (uint16_t i = 0; i < 100; i++) {
    b.pushSyn(static_cast<uint16_t>(2000 + i));
    b.push(PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(static_cast<uint16_t>(2000 + i), 81, kTcpSyn).build());
  }
  CHECK(b.worker->start().ok());
  REQUIRE(b.sends(200));
  CHECK_EQ(b.egress.answers(), 100u);
}

TEST("a worker counts packets that are longer than its buffers, beside those received") {
  Bench b({.maxPacketBytes = 256});
  CHECK(b.worker->start().ok());
  for (int i = 0; i < 4; i++) b.push(Bytes(300, 0x45));
  b.pushSyn(2000);
  REQUIRE(b.sends(1));
  b.worker->stop();
  b.worker->join();
  CHECK_EQ(b.t.counter("oversized"), 4u);
  CHECK_EQ(b.t.counter("received"), 1u);
}

TEST("a worker reads the memory for the automatic defences") {
  Bench b;
  b.t.setSysctl("secure_tcp", 1);
  b.t.setSysctl("amemthresh", INT32_MAX);  // more than any host has free
  const auto shown = [&] {
    for (const auto& sysctl : kSysctls) {
      if (sysctl.name == "secure_tcp") return b.t.director.sysctl(sysctl);
    }
    return -1;
  };
  CHECK_EQ(shown(), 1);
  CHECK(b.worker->start().ok());
  CHECK(eventually([&] { return shown() == 2; }));
}

TEST("an idle worker expires connections") {
  Bench b;
  Tunables tunables;
  for (size_t i = 0; i < kTimeoutStates; i++) tunables.setTimeout(i, 1);
  b.t.director.setTunables(tunables);
  CHECK(b.worker->start().ok());
  b.push(PacketBuilder().ip("198.51.100.7", "192.0.2.10").udp(4000, 53).build());
  REQUIRE(b.sends(1));
  CHECK_EQ(b.t.director.connectionCount(), 1u);
  CHECK(eventually([&] { return b.t.director.connectionCount() == 0; }));
  CHECK_EQ(b.t.counter("connectionsExpired"), 1u);
}

TEST("a worker reports a full table once in a while, with the number of entries that were evicted or refused") {
  Bench b;
  // Datagrams make room for one another; a SYN takes the place of none that came within its round trip.
  for (uint16_t i = 0; i < ConnTable::kMinCapacity; i++)
    b.push(PacketBuilder().ip("198.51.100.7", "192.0.2.10").udp(static_cast<uint16_t>(2000 + i), 53).build());
  for (uint16_t i = 0; i < ConnTable::kMinCapacity + 100; i++) b.pushSyn(static_cast<uint16_t>(2000 + i));
  CHECK(b.worker->start().ok());
  REQUIRE(b.sends(2 * ConnTable::kMinCapacity));
  CHECK(eventually([&] { return b.t.counter("dropTableFull") == 100; }));
  b.worker->stop();
  b.worker->join();
  uint64_t reported = 0, events = 0;
  for (const auto& event : b.events.drain()) {
    CHECK(event.type == EventType::tableFull);
    reported += event.value;
    events++;
  }
  CHECK(events >= 1 && events <= 2);
  CHECK(reported > 0 && reported <= ConnTable::kMinCapacity + 100);
  CHECK_EQ(b.t.counter("connectionsEvicted"), ConnTable::kMinCapacity);
  CHECK_EQ(b.t.counter("evictedUnproven"), ConnTable::kMinCapacity);
}

TEST("a worker reports the CPU time that it took") {
  Bench b({.busyPollUs = 3600u * 1000000u});
  CHECK(b.worker->start().ok());
  CHECK(eventually([&] { return b.worker->cpu().userNs + b.worker->cpu().systemNs > 0; }));
}

}  // namespace
}  // namespace tunvs::worker_test
