#include "io/port/send_each.h"

#include <cerrno>
#include <vector>

#include "io/tun/tun_egress.h"
#include "support/testing.h"

namespace tunvs::send_each_test {
namespace {

// The stand-ins for sendmmsg() and write() do this with the message of each index: 0, or an errno.
std::vector<int> outcomes;
size_t position = 0;
int calls = 0;

int sendAsTold(int, mmsghdr*, unsigned count, int) {
  calls++;
  unsigned sent = 0;
  while (sent < count && outcomes[position] == 0) {
    sent++;
    position++;
  }
  if (sent > 0) return static_cast<int>(sent);
  errno = outcomes[position];
  if (errno == EINTR) {
    outcomes[position] = 0;  // the signal is over
  } else {
    position++;
  }
  return -1;
}

ssize_t writeAsTold(int, const void*, size_t length) {
  const int outcome = outcomes[position];
  if (outcome == EINTR) {
    outcomes[position] = 0;
  } else {
    position++;
  }
  errno = outcome;
  return outcome == 0 ? static_cast<ssize_t>(length) : -1;
}

SendResult sendWith(std::vector<int> told) {
  outcomes = std::move(told);
  position = 0;
  calls = 0;
  std::vector<mmsghdr> messages(outcomes.size());
  SendResult result;
  sendEach(-1, messages, result, sendAsTold);
  return result;
}

TEST("a batch without errors is one call") {
  const SendResult result = sendWith(std::vector<int>(64, 0));
  CHECK_EQ(result.sent, 64u);
  CHECK_EQ(calls, 1);
}

TEST("an error on one packet costs only that packet, and is counted by its kind") {
  const SendResult result = sendWith({0, EAGAIN, 0, 0, EMSGSIZE, ENETUNREACH, EPERM, 0, ENOBUFS, EHOSTUNREACH});
  CHECK_EQ(result.sent, 4u);
  CHECK_EQ(result.noBuffer, 2u);
  CHECK_EQ(result.tooLong, 1u);
  CHECK_EQ(result.noRoute, 2u);
  CHECK_EQ(result.failed, 1u);
}

TEST("an interrupted send is made again") {
  const SendResult result = sendWith({EINTR, 0, EINTR});
  CHECK_EQ(result.sent, 3u);
}

TEST("sending nothing makes no call") {
  sendWith({});
  CHECK_EQ(calls, 0);
}

TEST("the tun egress goes on after a failed write and counts by kind") {
  outcomes = {0, EIO, EINTR, ENOBUFS, 0};
  position = 0;
  TunEgress egress(-1, /*hasVnetHeader=*/false, writeAsTold);
  uint8_t bytes[20] = {0x45};
  std::vector<OutputPacket> packets(5, OutputPacket{bytes, sizeof bytes, {}});
  const SendResult result = egress.send(packets);
  CHECK_EQ(result.sent, 3u);
  CHECK_EQ(result.failed, 1u);
  CHECK_EQ(result.noBuffer, 1u);
}

}  // namespace
}  // namespace tunvs::send_each_test
