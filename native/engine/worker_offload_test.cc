#include "engine/clock.h"
#include "engine/worker.h"
#include "io/memory/memory_port.h"
#include "support/network_namespace.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs {
namespace {

using testing::eventually;
using testing::PacketBuilder;
using testing::TestDirector;

constexpr Offload kSegments{.segmentBytes = 500, .checksumStart = 20, .kind = OffloadKind::tcp4};

// Anything longer than 1,000 bytes comes from this queue as segments in one piece; it may be able to send such.
class OffloadingQueue final : public PortQueue {
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
  bool canOffload(OutputWay way) const override { return canSend_ && way == OutputWay::server; }
  size_t offloads() const { return offloads_; }

 private:
  PortQueue& queue_;
  const bool canSend_;
  std::atomic<size_t> offloads_{0};
};

TEST("what a port can't offload is counted as too long and never sent, and the rest goes out") {
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
    // Packets go in turn to the real server and to the host itself; every third of them is segments.
    for (uint16_t i = 0; i < 60; i++) {
      port.device().push(0, PacketBuilder()
                                .ip("198.51.100.7", "192.0.2.10")
                                .tcp(static_cast<uint16_t>(2000 + i), 80, kTcpSyn)
                                .payload(i % 3 == 0 ? 3000 : 100)
                                .build());
    }
    auto worker = Worker::create({t.director, 0, queue, 4096, events, 0}).value();
    REQUIRE(worker->start().ok());
    CHECK(eventually([&] { return t.counter("handedOut") == 60 && port.device().waiting(0) == 0; }));
    worker->stop();
    worker->join();
    const uint64_t refused = canSend ? 10 : 20;
    CHECK_EQ(t.counter("egressTooLong"), refused);
    CHECK_EQ(t.counter("sent"), 60 - refused);
    CHECK_EQ(queue.offloads(), canSend ? 10u : 0u);
    CHECK_EQ(port.out(0).packets(), canSend ? 30u : 20u);
    CHECK_EQ(port.host(0).packets(), 20u);
  }
}

}  // namespace
}  // namespace tunvs
