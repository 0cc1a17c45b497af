// Which packets the fast path's program takes, and what it leaves to the director.
#include <chrono>
#include <thread>

#include "core/spin_lock.h"
#include "support/fast_path_bench.h"
#include "support/raw_bytes.h"

namespace tunvs::fast_path_test {
namespace {

using namespace tunvs::testing;

PacketBuilder web(uint8_t flags) {
  return PacketBuilder().ip("198.51.100.7", "192.0.2.10").dontFragment().tcp(40000, 80, flags);
}

// One real server, and a connection of five packets whose next goes by the program: `ack`, which holds `payload` bytes.
struct Established : FastPathBench {
  explicit Established(const ServiceConfig& config = {"rr"}, size_t payload = 0, bool isIngress = false)
      : FastPathBench(optionsWithClock(), isIngress), ack(web(kTcpAck).payload(payload).build()) {
    t.addService(config);
    t.addServer(11);
    establish(web(kTcpSyn).build(), ack);
  }
  const Bytes ack;
};

TEST("the fast path sends an established connection's packet as the director does") {
  SKIP_WITHOUT_FAST_PATH();
  Established b;
  const Bytes packet = web(kTcpAck).tos(0x2b).ttl(17).payload(300).build();
  const Bytes sent = b.run(packet);
  CHECK_EQ(b.send(packet), "11");
  CHECK_EQ(sent, b.t.sent);
  CHECK_EQ(b.fast->counts().sent.packets, 1u);
  CHECK_EQ(b.fast->counts().sent.bytes, packet.size());
}

TEST("the fast path leaves a packet that is more than one more, and what follows it, to the director") {
  SKIP_WITHOUT_FAST_PATH();
  Established b;
  CHECK(!b.run(b.ack).empty());
  CHECK(b.run(web(kTcpAck | kTcpFin).build()).empty());
  CHECK_EQ(b.reason(kFast_control), 1u);
  CHECK_EQ(b.t.counter("slowControl"), 1u);
  CHECK(b.run(b.ack).empty());
  CHECK_EQ(b.reason(kFast_notYet), 1u);
  CHECK_EQ(b.send(web(kTcpAck | kTcpFin).build()), "11");
  b.send(b.ack);
  CHECK(b.run(b.ack).empty());  // FIN_WAIT is the director's
  CHECK_EQ(b.reason(kFast_notYet), 2u);
}

TEST("a connection is handed over once the queue was empty behind its packets, whatever came between") {
  SKIP_WITHOUT_FAST_PATH();
  Established b;
  const auto other = [](uint16_t port, uint8_t flags) {
    return PacketBuilder().ip("198.51.100.8", "192.0.2.10").dontFragment().tcp(port, 80, flags).build();
  };
  const auto sendMore = [&](const Bytes& packet, bool isQueueEmpty) {
    b.t.send(packet);
    b.t.director.handOver(0, isQueueEmpty);
  };
  for (uint16_t port = 1; port <= 300; port++) {
    for (const uint8_t flags : {kTcpSyn, kTcpAck, kTcpAck, kTcpAck}) sendMore(other(port, flags), false);
  }
  sendMore(other(300, kTcpAck | kTcpFin), false);                     // it ends before it is handed over
  for (int i = 0; i < 10; i++) sendMore(other(299, kTcpAck), false);  // one busy flow takes one place
  CHECK(b.t.director.hasToHandOver(0));
  CHECK(b.run(other(299, kTcpAck)).empty());
  sendMore(b.ack, true);
  CHECK(!b.t.director.hasToHandOver(0));
  CHECK(!b.run(other(299, kTcpAck)).empty());
  CHECK(b.run(other(300, kTcpAck)).empty());
  size_t fast = 0;
  for (uint16_t port = 1; port < 300; port++) fast += b.run(other(port, kTcpAck)).empty() ? 0 : 1;
  CHECK(fast > 120 && fast <= 256);  // 256 places, by hash
}

TEST("the fast path at an ingress counts the hop, and leaves to the host what is at its last") {
  SKIP_WITHOUT_FAST_PATH();
  Established b({"rr"}, 0, /*isIngress=*/true);
  const Bytes sent = b.run(web(kTcpAck).ttl(1).build());
  REQUIRE(sent.size() == 60);
  CHECK_EQ(sent[8], 1);   // the outer header's
  CHECK_EQ(sent[28], 1);  // the packet's
  CHECK(isChecksumRight20(&sent[20]));
  CHECK(b.run(web(kTcpAck).ttl(0).build()).empty());
  CHECK(!b.run(b.ack).empty());
}

TEST("the fast path at an ingress cuts the padding of a short frame, and elsewhere leaves such a packet alone") {
  SKIP_WITHOUT_FAST_PATH();
  for (const bool isIngress : {false, true}) {
    Established b({"rr"}, 0, isIngress);
    Bytes padded = b.ack;
    padded.resize(46);  // of a frame of 60 bytes
    const Bytes sent = b.run(padded);
    CHECK_EQ(sent.empty(), !isIngress);
    if (isIngress) CHECK_EQ(sent, b.run(b.ack));
  }
}

TEST("the fast path at an ingress takes a connection's mark off, and counts nothing that goes on") {
  SKIP_WITHOUT_FAST_PATH();
  Established b({"rr"}, 0, /*isIngress=*/true);
  CHECK(b.run(web(kTcpAck | kTcpFin).build()).empty());
  CHECK(b.run(b.ack).empty());
  CHECK(b.run(web(kTcpSyn).build()).empty());
  for (int i = 0; i < kFastReasons; i++) CHECK_EQ(b.reason(i), 0u);
  b.send(b.ack);
  CHECK_EQ(b.t.row(11).traffic.inPackets, 6u);
}

TEST("the director sees at once that a connection with a template has come to count for more") {
  SKIP_WITHOUT_FAST_PATH();
  for (const bool isPersistent : {false, true}) {
    ServiceConfig config{"rr"};
    if (isPersistent) config.persistence.timeoutSeconds = 300;
    Established b(config);
    for (int packets = 6; packets < 11; packets++) CHECK(!b.run(b.ack).empty());
    CHECK_EQ(b.run(b.ack).empty(), isPersistent);
    CHECK_EQ(b.reason(kFast_rise), isPersistent ? 1u : 0u);
    b.send(b.ack);  // the eleventh, or one more
    b.send(b.ack);  // from here on it is handed over again
    CHECK(!b.run(b.ack).empty());
  }
}

TEST("the fast path sends nothing to a server that is down, removed or too far for the packet") {
  SKIP_WITHOUT_FAST_PATH();
  Established b;
  CHECK(b.run(web(kTcpAck).payload(1441).build()).empty());
  CHECK_EQ(b.reason(kFast_tooLong), 1u);
  b.send(b.ack);
  CHECK(!b.run(web(kTcpAck).payload(1440).build()).empty());
  b.t.deleteServer(11);
  b.fast->refresh();
  CHECK(b.run(b.ack).empty());
  CHECK_EQ(b.reason(kFast_server), 1u);
}

TEST("the fast path leaves an expired connection alone") {
  SKIP_WITHOUT_FAST_PATH();
  Established b;
  const Conn* found = nullptr;
  b.t.director.connTable(Family::ipv4).forEach(0, 10, [&](const Conn& conn) { found = &conn; });
  REQUIRE(found != nullptr);
  const_cast<Conn*>(found)->expires.store(coarseTick() - 1);
  CHECK(b.run(b.ack).empty());
  CHECK_EQ(b.reason(kFast_expired), 1u);
}

TEST("what the fast path sends is in the director's statistics") {
  SKIP_WITHOUT_FAST_PATH();
  Established b({"rr"}, 100);
  const ServerRow before = b.t.row(11);
  const uint64_t received = b.t.counter("received"), forwarded = b.t.counter("forwarded");
  for (int i = 0; i < 3; i++) CHECK(!b.run(b.ack).empty());
  CHECK_EQ(b.t.row(11).traffic.inPackets, before.traffic.inPackets + 3);
  CHECK_EQ(b.t.row(11).traffic.inBytes, before.traffic.inBytes + 3 * b.ack.size());
  CHECK_EQ(b.t.serviceRow().traffic.inPackets, b.t.row(11).traffic.inPackets);
  CHECK_EQ(b.t.counter("received"), received + 3);
  CHECK_EQ(b.t.counter("forwarded"), forwarded + 3);
  CHECK_EQ(b.t.counter("fastForwarded"), 3u);
}

TEST("a table's lock may be waited for where the table lies in a map") {
  SKIP_WITHOUT_FAST_PATH();
  struct alignas(64) Line {
    SpinLock lock;
  };
  auto map = BpfArray<Line>::make("the locks", 64);
  REQUIRE(map.ok());
  SpinLock& lock = map.value().lines()[0].lock;
  lock.lock();
  std::atomic<bool> isIn = false;
  std::thread other([&] {
    const SpinGuard guard(lock);
    isIn = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(!isIn);
  lock.unlock();
  other.join();
  CHECK(isIn);
}

}  // namespace
}  // namespace tunvs::fast_path_test
