// Trains beside what the packet egress sends one by one: the same packets arrive, in the same order.
#include <cerrno>
#include <string_view>
#include <vector>

#include "io/packet/packet_egress.h"
#include "io/port/segment_burst.h"
#include "support/gue_super_packets.h"
#include "support/testing.h"
#include "support/wire_capture.h"

namespace tunvs::packet_trains_test {
namespace {

using testing::Bytes;
using testing::SuperPacket;
using testing::TrainRow;

const IpAddress kServer4 = IpAddress::v4(10, 1, 0, 2), kUnknown = IpAddress::v4(10, 1, 0, 3);
const IpAddress kServer6 = testing::address("fd00::2");

// The topology is va (10.1.0.1, fd00::1) --- vb, a bare link whose frames the test reads. The kernel cuts what va
// sends.
class Wire {
 public:
  Wire()
      : isReady_(testing::run("ip link add va type veth peer name vb && ip link set vb up && ip link set va up && "
                              "ip addr add 10.1.0.1/24 dev va && ip addr add fd00::1/64 dev va nodad && "
                              "ip neigh replace 10.1.0.2 lladdr 02:00:00:00:00:02 dev va nud permanent && "
                              "ip neigh replace fd00::2 lladdr 02:00:00:00:00:02 dev va nud permanent") &&
                 testing::takeOffloads("va")),
        capture("vb") {}

  // Returns an egress that knows its next hops, or null.
  std::unique_ptr<PacketEgress> open(const PacketEgressOptions& options) {
    auto started = NextHopResolver::start({IpAddress::v4(10, 1, 0, 1), testing::address("fd00::1")});
    if (!CHECK(isReady_ && capture.isReady() && started.ok())) return nullptr;
    resolver_ = started.value();
    resolver_->setServers(std::vector<IpAddress>{kServer4, kServer6, kUnknown});
    auto egress = PacketEgress::open(resolver_, options);
    const bool isOpen = egress.ok() && testing::eventually([&] {
                          return resolver_->find(kServer4).has_value() && resolver_->find(kServer6).has_value();
                        });
    if (!CHECK(isOpen)) return nullptr;
    return std::move(egress).value();
  }

 private:
  bool isReady_;
  std::shared_ptr<NextHopResolver> resolver_;

 public:
  testing::WireCapture capture;
};

// A packet that can be sent: it has headroom, and a next hop.
struct Sendable {
  Bytes bytes;
  OutputPacket output;

  Sendable(SuperPacket whole, const IpAddress& nextHop) : bytes(kHeadroom), output(whole.output()) {
    bytes.insert(bytes.end(), whole.bytes.begin(), whole.bytes.end());
    output.data = bytes.data() + kHeadroom;
    output.nextHop = nextHop;
  }
};

// Sends as a worker does: what the egress does not take is cut first. Returns what became of it.
SendResult sendAsWorker(PacketEgress& egress, std::span<const OutputPacket> packets) {
  SegmentRoom room;
  SendResult result;
  SegmentBurst burst(room, [&](std::span<const OutputPacket> part) {
    const SendResult sent = egress.send(part);
    result.sent += sent.sent;
    result.noRoute += sent.noRoute;
    result.failed += sent.failed;
    result.segmentsMade += sent.segmentsMade;
  });
  for (const OutputPacket& packet : packets) {
    if (packet.offload.isNone() || egress.canOffload(packet)) {
      burst.add(packet);
    } else {
      CHECK(burst.addFinished(packet) != 0);
    }
  }
  burst.flush();
  return result;
}

TEST_IN_NAMESPACE("what arrives by trains is what leaves one by one, byte for byte") {
  Wire wire;
  const auto byTrains = wire.open({.sendsTrains = true}), oneByOne = wire.open({});
  REQUIRE(byTrains != nullptr && oneByOne != nullptr);
  CHECK(byTrains->sendsTrains());
  CHECK(!oneByOne->sendsTrains());
  for (TrainRow& row : testing::trainRows()) {
    const Sendable packet(testing::behindGue(std::move(row.inner), row.outer), row.outer.isV6 ? kServer6 : kServer4);
    const SendResult wanted = sendAsWorker(*oneByOne, {&packet.output, 1});
    const std::vector<Bytes> segments = wire.capture.datagrams(wanted.sent);
    CHECK(byTrains->canOffload(packet.output));
    CHECK(!oneByOne->canOffload(packet.output));
    const SendResult got = sendAsWorker(*byTrains, {&packet.output, 1});
    CHECK_EQ(got.sent, wanted.sent);
    CHECK_EQ(got.segmentsMade, wanted.sent);
    CHECK_EQ(wanted.segmentsMade, 0u);
    CHECK_EQ(std::string_view(wire.capture.datagrams(segments.size()) == segments ? "" : row.is), "");
  }
  CHECK_EQ(byTrains->offloadsRefused(), 0u);
}

TEST_IN_NAMESPACE("trains stay in order with the packets around them") {
  Wire wire;
  const auto egress = wire.open({.sendsTrains = true});
  REQUIRE(egress != nullptr);
  std::vector<Sendable> packets;
  std::vector<OutputPacket> outputs;
  std::vector<Bytes> wanted;
  for (size_t i = 0; i < 6; i++) {
    SuperPacket whole = testing::behindGue(testing::tcp4(i % 2 == 0 ? 4000 : 100 + i, 1400));
    std::vector<Bytes> segments = testing::segmentsOf(whole);
    if (i % 2 != 0) whole = {segments.at(0), {}};
    wanted.insert(wanted.end(), segments.begin(), segments.end());
    outputs.push_back(packets.emplace_back(std::move(whole), kServer4).output);
  }
  const SendResult result = egress->send(outputs);
  CHECK_EQ(result.sent, 12u);
  CHECK_EQ(result.handed(), 12u);
  CHECK_EQ(result.segmentsMade, 9u);
  CHECK(wire.capture.datagrams(12) == wanted);
}

TEST_IN_NAMESPACE("nothing is offered that wants no outer checksums, or is not still to be cut") {
  Wire wire;
  const auto egress = wire.open({.sendsTrains = true});
  REQUIRE(egress != nullptr);
  SuperPacket gue = testing::behindGue(testing::tcp4(4000, 1400));
  gue.sealsOuter = false;
  CHECK(!egress->canOffload(gue.output()));
  CHECK(!egress->canOffload(testing::tcp4(4000, 1400).output()));
}

TEST_IN_NAMESPACE("a packet whose offload contradicts it is counted as failed") {
  Wire wire;
  const auto egress = wire.open({.sendsTrains = true});
  REQUIRE(egress != nullptr);
  SuperPacket gue = testing::behindGue(testing::tcp4(4000, 1400));
  gue.bytes[32] = 0x65;  // the inner version
  const Sendable packet(std::move(gue), kServer4);
  const SendResult result = egress->send({&packet.output, 1});
  CHECK_EQ(result.failed, 1u);
  CHECK_EQ(result.handed(), 1u);
  CHECK_EQ(result.segmentsMade, 0u);
}

TEST_IN_NAMESPACE("what is not resolved goes by the kernel's own routing, as segments") {
  Wire wire;
  const auto egress = wire.open({.sendsTrains = true});
  REQUIRE(egress != nullptr);
  testing::GueOuter outer;
  outer.destination = kUnknown;
  const Sendable packet(testing::behindGue(testing::tcp4(4000, 1400), outer), kUnknown);
  const SendResult result = sendAsWorker(*egress, {&packet.output, 1});
  CHECK_EQ(result.sent, 3u);
  CHECK_EQ(result.segmentsMade, 3u);
  CHECK_EQ(egress->offloadsRefused(), 0u);
}

// Answers as a kernel would that takes the first `takes` trains and refuses all others.
size_t takes;
int error;
ssize_t refuse(int fd, const void* bytes, size_t length, int flags, const sockaddr* to, socklen_t toBytes) {
  if (takes != 0) {
    takes--;
    return ::sendto(fd, bytes, length, flags, to, toBytes);
  }
  errno = error;
  return -1;
}

TEST_IN_NAMESPACE("when the kernel refuses a train, its segments leave one by one, and nothing is lost or sent twice") {
  Wire wire;
  for (const int each : {EINVAL, EIO, ENOBUFS, EMSGSIZE, ENOMEM}) {
    for (const size_t taken : {0, 1}) {
      const auto egress = wire.open({.sendsTrains = true, .sendTrain = refuse});
      REQUIRE(egress != nullptr);
      error = each;
      takes = taken;
      SuperPacket whole = testing::behindGue(testing::tcp4(60000, 300));
      const std::vector<Bytes> wanted = testing::segmentsOf(whole);
      CHECK_EQ(wanted.size(), 200u);
      const Sendable packet(std::move(whole), kServer4);
      const SendResult result = sendAsWorker(*egress, {&packet.output, 1});
      CHECK_EQ(result.sent, wanted.size());
      CHECK_EQ(result.segmentsMade, wanted.size());
      CHECK(wire.capture.datagrams(wanted.size()) == wanted);
      CHECK_EQ(egress->offloadsRefused(), 1u);
      CHECK_EQ(egress->canOffload(packet.output), each != EINVAL && each != EIO);
    }
  }
}

TEST_IN_NAMESPACE("a device that cuts nothing gets no more trains where its queueing discipline is bypassed") {
  Wire wire;
  const auto egress = wire.open({.bypassesQdisc = true, .sendsTrains = true});
  REQUIRE(egress != nullptr);
  const Sendable packet(testing::behindGue(testing::tcp4(4000, 1400)), kServer4);
  size_t sent = 0;
  for (int i = 0; i < 40; i++) sent += sendAsWorker(*egress, {&packet.output, 1}).sent;
  CHECK_EQ(sent, 120u);
  CHECK_EQ(egress->offloadsRefused(), 16u);
  CHECK(!egress->canOffload(packet.output));
}

}  // namespace
}  // namespace tunvs::packet_trains_test
