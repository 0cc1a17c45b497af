#include "io/packet/train_socket.h"

#include <cerrno>
#include <string_view>
#include <vector>

#include "support/gue_super_packets.h"
#include "support/testing.h"
#include "support/wire_capture.h"

namespace tunvs::train_socket_test {
namespace {

using testing::Bytes;
using testing::SuperPacket;
using testing::TrainRow;

// The topology is va --- vb, whose frames the test reads. The device takes no trains, so that the kernel cuts them.
class Wire {
 public:
  Wire()
      : isReady_(testing::setSysctl("ipv6/conf/default/disable_ipv6", "1") &&
                 testing::run("ip link add va type veth peer name vb && ip link set vb up && ip link set va up") &&
                 testing::takeOffloads("va")),
        capture("vb") {
    hop.interfaceIndex = static_cast<int>(::if_nametoindex("va"));
    hop.destination = {2, 0, 0, 0, 0, 2};
    hop.source = {2, 0, 0, 0, 0, 1};
    hop.linkMtu = hop.pathMtu = 1500;
  }
  bool isReady() const { return isReady_ && capture.isReady(); }

 private:
  bool isReady_;

 public:
  testing::WireCapture capture;
  LinkHop hop;
};

TEST_IN_NAMESPACE("the kernel cuts trains into the very segments that would leave one by one") {
  Wire wire;
  REQUIRE(wire.isReady());
  auto opened = TrainSocket::open();
  REQUIRE(opened.ok());
  for (TrainRow& row : testing::trainRows()) {
    SuperPacket whole = testing::behindGue(std::move(row.inner), row.outer);
    const std::vector<Bytes> wanted = testing::segmentsOf(whole);
    SendResult result;
    CHECK_EQ(opened.value()->send(whole.output(), wire.hop, result), wanted.size());
    CHECK_EQ(result.sent, wanted.size());
    CHECK_EQ(std::string_view(wire.capture.datagrams(wanted.size()) == wanted ? "" : row.is), "");
  }
  CHECK(opened.value()->isOn());
  CHECK_EQ(opened.value()->refused(), 0u);
}

TEST_IN_NAMESPACE("what a train is not for is left to the caller, and nothing of it is sent") {
  Wire wire;
  REQUIRE(wire.isReady());
  auto opened = TrainSocket::open();
  REQUIRE(opened.ok());
  SendResult result;
  SuperPacket tooLong = testing::behindGue(testing::tcp4(9000, 1449));
  CHECK_EQ(opened.value()->send(tooLong.output(), wire.hop, result), 0u);
  SuperPacket sealed = testing::behindGue(testing::tcp4(9000, 1400));
  sealed.bytes[26] = 1;  // the outer UDP checksum
  CHECK_EQ(opened.value()->send(sealed.output(), wire.hop, result), 0u);
  SuperPacket plain = testing::tcp4(9000, 1400);
  CHECK_EQ(opened.value()->send(plain.output(), wire.hop, result), 0u);
  CHECK_EQ(result.handed(), 0u);
  CHECK(opened.value()->isOn());
  CHECK_EQ(opened.value()->refused(), 0u);
}

TEST_IN_NAMESPACE("a train whose device is gone is counted as without a route, and trains go on") {
  auto opened = TrainSocket::open();
  REQUIRE(opened.ok());
  LinkHop hop;
  hop.interfaceIndex = 9999;
  hop.pathMtu = 1500;
  SuperPacket whole = testing::behindGue(testing::tcp4(4200, 1400));
  SendResult result;
  CHECK_EQ(opened.value()->send(whole.output(), hop, result), 3u);
  CHECK_EQ(result.noRoute, 3u);
  CHECK(opened.value()->isOn());
}

// Answers as the kernel would: the first `takes` trains are sent, and `error` comes of all others.
size_t takes;
int error;
ssize_t answer(int, const void*, size_t length, int, const sockaddr*, socklen_t) {
  if (takes != 0) {
    takes--;
    return static_cast<ssize_t>(length);
  }
  errno = error;
  return -1;
}

struct Refusal {
  int error;
  size_t done;         // of three segments
  bool isOn;           // after one packet
  bool isOnAfterMany;  // after 16 whose segments went
  uint64_t refused;    // after one packet
};

TEST_IN_NAMESPACE("a train that is refused is left to the caller, and a kernel that can't cut trains gets no more") {
  const Refusal rows[] = {
      {EINVAL, 0, false, false, 1}, {EIO, 0, false, false, 1},    {EOPNOTSUPP, 0, false, false, 1},
      {ENOMEM, 0, true, false, 1},  {ENOBUFS, 0, true, false, 1}, {EMSGSIZE, 0, true, false, 1},
      {EAGAIN, 3, true, true, 0},   {ENETDOWN, 3, true, true, 0}, {EPERM, 3, true, true, 0},
  };
  LinkHop hop;
  hop.pathMtu = 1500;
  for (const Refusal& row : rows) {
    auto opened = TrainSocket::open(false, answer);
    REQUIRE(opened.ok());
    TrainSocket& trains = *opened.value();
    takes = 0;
    error = row.error;
    SuperPacket whole = testing::behindGue(testing::tcp4(4200, 1400));
    SendResult result;
    CHECK_EQ(trains.send(whole.output(), hop, result), row.done);
    CHECK_EQ(result.handed(), row.done);
    CHECK_EQ(result.sent, 0u);
    CHECK_EQ(trains.isOn(), row.isOn);
    CHECK_EQ(trains.refused(), row.refused);
    for (int i = 0; i < 15; i++) {
      trains.segmentsWent();
      (void)trains.send(whole.output(), hop, result);
    }
    trains.segmentsWent();
    CHECK_EQ(trains.isOn(), row.isOnAfterMany);
  }
}

TEST_IN_NAMESPACE("refusals do not end trains when segments are dropped as well, or when there were none") {
  LinkHop hop;
  hop.pathMtu = 1500;
  for (const int each : {ENOMEM, ENOBUFS, EMSGSIZE}) {
    auto opened = TrainSocket::open(false, answer);
    REQUIRE(opened.ok());
    takes = 0;
    error = each;
    SuperPacket whole = testing::behindGue(testing::tcp4(4200, 1400));
    SuperPacket tooLong = testing::behindGue(testing::tcp4(4200, 1490));
    SendResult result;
    for (int i = 0; i < 100; i++) (void)opened.value()->send(whole.output(), hop, result);
    for (int i = 0; i < 100; i++) {
      (void)opened.value()->send(tooLong.output(), hop, result);
      opened.value()->segmentsWent();
    }
    CHECK(opened.value()->isOn());
    CHECK_EQ(opened.value()->refused(), 100u);
  }
}

TEST_IN_NAMESPACE("memory that comes back between refusals keeps trains on") {
  auto opened = TrainSocket::open(false, answer);
  REQUIRE(opened.ok());
  LinkHop hop;
  hop.pathMtu = 1500;
  SuperPacket whole = testing::behindGue(testing::tcp4(4200, 1400));
  SendResult result;
  error = ENOMEM;
  for (int i = 0; i < 40; i++) {
    takes = i % 2;
    (void)opened.value()->send(whole.output(), hop, result);
    if (i % 2 == 0) opened.value()->segmentsWent();
  }
  CHECK(opened.value()->isOn());
  CHECK_EQ(opened.value()->refused(), 20u);
  CHECK_EQ(result.sent, 60u);
}

TEST_IN_NAMESPACE("when a later train of a packet is refused, the segments of those before are not the caller's") {
  auto opened = TrainSocket::open(false, answer);
  REQUIRE(opened.ok());
  LinkHop hop;
  hop.pathMtu = 1500;
  takes = 1;
  error = EINVAL;
  SuperPacket whole = testing::behindGue(testing::tcp4(30000, 300));
  SendResult result;
  CHECK_EQ(opened.value()->send(whole.output(), hop, result), 64u);
  CHECK_EQ(result.sent, 64u);
}

}  // namespace
}  // namespace tunvs::train_socket_test
