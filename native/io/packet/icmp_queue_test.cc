#include "io/packet/icmp_queue.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "packet/checksum.h"
#include "support/network_namespace.h"
#include "support/testing.h"

namespace tunvs::icmp_queue_test {
namespace {

// Sends a "fragmentation needed" of `bytes` from this host to itself.
void sendError(int socket, size_t bytes) {
  std::vector<uint8_t> message(bytes, 0);
  message[0] = 3;
  message[1] = 4;
  const Be16 check = checksum(message.data(), message.size());
  std::memcpy(&message[2], &check.raw, 2);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = Be32::from(INADDR_LOOPBACK).raw;
  CHECK_EQ(sendto(socket, message.data(), bytes, 0, reinterpret_cast<sockaddr*>(&to), sizeof to),
           static_cast<ssize_t>(bytes));
}

TEST_IN_NAMESPACE(
    "a flood of ICMP messages that are too long holds a worker no longer than a vector, is counted, and hides none") {
  testing::run("ip link set lo up");
  auto queue = IcmpQueue::open(IpAddress::v4(127, 0, 0, 1));
  REQUIRE(queue.ok());
  const UniqueFd sender(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
  REQUIRE(static_cast<bool>(sender));
  constexpr size_t kTooLong = 70;  // more than one round reads
  for (size_t i = 0; i < kTooLong; i++) sendError(sender.get(), 600);
  sendError(sender.get(), 36);

  PacketVector vector(512);
  auto received = queue.value()->receive(vector);
  REQUIRE(received.ok());
  CHECK_EQ(received.value(), 0u);
  CHECK_EQ(queue.value()->oversized(), kVectorSize);
  received = queue.value()->receive(vector);
  REQUIRE(received.ok());
  CHECK_EQ(received.value(), 1u);
  CHECK_EQ(vector[0].length, 56u);
  CHECK_EQ(queue.value()->oversized(), kTooLong);
}

}  // namespace
}  // namespace tunvs::icmp_queue_test
