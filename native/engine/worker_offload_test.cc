#include "engine/clock.h"
#include "engine/worker.h"
#include "io/memory/memory_port.h"
#include "support/network_namespace.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::worker_offload_test {
namespace {

using testing::eventually;
using testing::PacketBuilder;
using testing::TestDirector;

constexpr Offload kSegments{.segmentBytes = 500, .checksumStart = 20, .kind = OffloadKind::tcp4};

// Anything longer than 1,000 bytes comes from this queue as segments in one piece; it may be able to send such.
class OffloadingQueue : public PortQueue {
 public:
  OffloadingQueue(PortQueue& queue, bool canSend) : queue_(queue), canSend_(canSend) {}
  Result<size_t> receive(PacketVector& vector) override {
    auto received = queue_.receive(vector);
    for (Packet& packet : vector.packets())
      if (packet.length > 1000) packet.offload = kSegments;
    return received;
  }
  SendResult send(std::span<const OutputPacket> packets, OutputWay way, PacketVector& read) override {
    for (const OutputPacket& packet : packets) offloads_ += packet.offload.isNone() ? 0 : 1;
    return queue_.send(packets, way, read);
  }
  int pollDescriptor() const override { return queue_.pollDescriptor(); }
  bool canOffload(OutputWay way, const OutputPacket&) const override { return canSend_ && way == OutputWay::server; }
  size_t offloads() const { return offloads_; }

 private:
  PortQueue& queue_;
  const bool canSend_;
  std::atomic<size_t> offloads_{0};
};

// It cuts what it is given, as an egress that sends trains does, and loses the last segment of each packet.
class CuttingQueue final : public OffloadingQueue {
 public:
  explicit CuttingQueue(PortQueue& queue) : OffloadingQueue(queue, true) {}
  SendResult send(std::span<const OutputPacket> packets, OutputWay, PacketVector&) override {
    SendResult result;
    for (const OutputPacket& packet : packets) {
      const size_t segments = packet.offload.isNone() ? 0 : Segmenter(packet).count();
      result.segmentsMade += segments;
      result.noBuffer += segments == 0 ? 0 : 1;
      result.sent += segments == 0 ? 1 : segments - 1;
    }
    return result;
  }
};

// Packets go in turn to the real server and to the host itself; every third of them is segments.
void pushPackets(MemoryDevice& device) {
  for (uint16_t i = 0; i < 60; i++) {
    device.push(0, PacketBuilder()
                       .ip("198.51.100.7", "192.0.2.10")
                       .tcp(static_cast<uint16_t>(2000 + i), 80, kTcpSyn)
                       .payload(i % 3 == 0 ? 3000 : 100)
                       .build());
  }
}

TEST("what a port can't offload goes out as the segments that it becomes, and the rest as it is") {
  for (const bool canSend : {false, true}) {
    DirectorOptions options = TestDirector::defaultOptions();
    options.now = coarseNow();
    TestDirector t(options);
    t.addService("rr");
    t.addServer(11);
    t.addServer(1, {.tunnel = {.method = ForwardingMethod::local}});
    MemoryPort port(1, 4096);
    OffloadingQueue queue(port.queue(0), canSend);
    EventRing events;
    pushPackets(port.device());
    auto worker = Worker::create({t.director, 0, queue, 4096, events, 0}).value();
    REQUIRE(worker->start().ok());
    // Packets for the host never go with an offload here.
    const uint64_t sent = (canSend ? 30 : 80) + 80;
    CHECK(eventually([&] { return t.counter("handedOut") == sent && port.device().waiting(0) == 0; }));
    worker->stop();
    worker->join();
    // Packets of 3,000 bytes are six segments, and 10 of the 30 each way are such.
    const uint64_t away = canSend ? 30 : 20 + 10 * 6;
    CHECK_EQ(t.counter("egressTooLong") + t.counter("egressFailed"), 0u);
    CHECK_EQ(t.counter("sent"), t.counter("handedOut"));
    CHECK_EQ(queue.offloads(), canSend ? 10u : 0u);
    CHECK_EQ(port.out(0).packets(), away);
    CHECK_EQ(port.host(0).packets(), 80u);
    CHECK_EQ(t.counter("sentToHost"), 80u);
    CHECK_EQ(t.counter("segmentsMade"), canSend ? 60u : 120u);
  }
}

TEST("what a port cuts counts as the segments that it becomes, sent or lost") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.now = coarseNow();
  TestDirector t(options);
  t.addService("rr");
  t.addServer(11);
  t.addServer(1, {.tunnel = {.method = ForwardingMethod::local}});
  MemoryPort port(1, 4096);
  CuttingQueue queue(port.queue(0));
  EventRing events;
  pushPackets(port.device());
  auto worker = Worker::create({t.director, 0, queue, 4096, events, 0}).value();
  REQUIRE(worker->start().ok());
  CHECK(eventually([&] { return t.counter("handedOut") == 160 && port.device().waiting(0) == 0; }));
  worker->stop();
  worker->join();
  // 10 packets of 6 segments went each way; the worker cut those for the host.
  CHECK_EQ(t.counter("segmentsMade"), 120u);
  CHECK_EQ(t.counter("sent"), 150u);
  CHECK_EQ(t.counter("egressNoBuffer"), 10u);
  const uint64_t cut = t.counter("forwarded") + t.counter("segmentsMade") - t.counter("handedOut");
  CHECK_EQ(cut, 20u);
}

}  // namespace
}  // namespace tunvs::worker_offload_test
