#include "io/packet/echo_socket.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <string>

#include "packet/checksum.h"
#include "support/network_namespace.h"
#include "support/testing.h"

namespace tunvs::echo_socket_test {
namespace {

using Kind = EchoSocket::Kind;

constexpr uint16_t kIdentifier = 0x1234, kSequence = 7;
const std::vector<uint8_t> kPayload(32, 0xab);
const IpAddress kLoopback4 = IpAddress::v4(127, 0, 0, 1);
const IpAddress kLoopback6 = parseIpAddress("::1").value();
constexpr const char* kAllowAll = "echo '0 2147483647' > /proc/sys/net/ipv4/ping_group_range";

bool isReadable(const EchoSocket& echo, int milliseconds) {
  pollfd wait{echo.descriptor(), POLLIN, 0};
  return ::poll(&wait, 1, milliseconds) == 1;
}

// Waits for an outcome, half a minute at most.
std::optional<EchoOutcome> outcomeOf(EchoSocket& echo) {
  for (int tries = 0; tries < 100; tries++) {
    if (!isReadable(echo, 30'000)) return std::nullopt;
    if (auto outcome = echo.receive()) return outcome;
  }
  return std::nullopt;
}

Result<EchoSocket> ping(const IpAddress& to, Kind kind) {
  return EchoSocket::send(to, kIdentifier, kSequence, kPayload, kind);
}

// An ICMP message of this host to itself, as another may forge it.
void forge(std::vector<uint8_t> message) {
  const UniqueFd socket(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
  REQUIRE(static_cast<bool>(socket));
  const Be16 check = checksum(message.data(), message.size());
  std::memcpy(&message[2], &check.raw, 2);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = kLoopback4.asV4().raw;
  CHECK_EQ(::sendto(socket.get(), message.data(), message.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to),
           static_cast<ssize_t>(message.size()));
}

std::vector<uint8_t> echo(uint8_t type, uint16_t identifier, uint16_t sequence, const std::vector<uint8_t>& payload) {
  std::vector<uint8_t> message(8);
  message[0] = type;
  storeBe16(&message[4], identifier);
  storeBe16(&message[6], sequence);
  message.insert(message.end(), payload.begin(), payload.end());
  return message;
}

// "Host unreachable" about an echo request of this host to itself.
std::vector<uint8_t> unreachable(uint16_t identifier, uint16_t sequence) {
  std::vector<uint8_t> message{3, 1, 0, 0, 0, 0, 0, 0};
  std::vector<uint8_t> quoted{0x45, 0, 0, 60, 0, 0, 0, 0, 64, 1, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1};
  const Be16 check = checksum(quoted.data(), quoted.size());
  std::memcpy(&quoted[10], &check.raw, 2);
  message.insert(message.end(), quoted.begin(), quoted.end());
  const auto request = echo(8, identifier, sequence, kPayload);
  message.insert(message.end(), request.begin(), request.end());
  return message;
}

TEST_IN_NAMESPACE("a host answers pings of IPv4 and IPv6, through a raw socket where no group may have another") {
  testing::run("ip link set lo up");
  for (const IpAddress& address : {kLoopback4, kLoopback6}) {
    auto made = ping(address, Kind::any);
    REQUIRE(made.ok());
    CHECK(made.value().isRaw());
    const auto outcome = outcomeOf(made.value());
    CHECK(outcome && outcome->isAnswered);
  }
}

TEST_IN_NAMESPACE("a host answers pings of IPv4 and IPv6 through a datagram socket where its group may have one") {
  testing::run("ip link set lo up");
  testing::run(kAllowAll);
  for (const IpAddress& address : {kLoopback4, kLoopback6}) {
    auto made = ping(address, Kind::any);
    REQUIRE(made.ok());
    CHECK(!made.value().isRaw());
    const auto outcome = outcomeOf(made.value());
    CHECK(outcome && outcome->isAnswered);
  }
}

TEST_IN_NAMESPACE("answers that differ in identifier, sequence number, payload or length are none") {
  testing::run("ip link set lo up");
  // The host itself is silent.
  testing::run("echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all");
  auto made = ping(kLoopback4, Kind::raw);
  REQUIRE(made.ok());
  std::vector<uint8_t> other = kPayload, longer = kPayload, shorter = kPayload;
  other.back()++;
  longer.push_back(0);
  shorter.pop_back();
  for (int i = 0; i < 50; i++) {
    forge(echo(0, kIdentifier + 1, kSequence, kPayload));
    forge(echo(0, kIdentifier, kSequence + 1, kPayload));
    forge(echo(0, kIdentifier, kSequence, other));
    forge(echo(0, kIdentifier, kSequence, longer));
    forge(echo(0, kIdentifier, kSequence, shorter));
    forge(echo(8, kIdentifier, kSequence, kPayload));
  }
  while (isReadable(made.value(), 0)) CHECK(!made.value().receive());
  forge(echo(0, kIdentifier, kSequence, kPayload));
  const auto outcome = outcomeOf(made.value());
  CHECK(outcome && outcome->isAnswered);
}

TEST_IN_NAMESPACE("an answer from another address is none") {
  testing::run("ip link set lo up");
  auto made = ping(IpAddress::v4(127, 0, 0, 2), Kind::raw);
  REQUIRE(made.ok());
  REQUIRE(outcomeOf(made.value()).has_value());
  testing::run("echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all");
  made = ping(IpAddress::v4(127, 0, 0, 2), Kind::raw);
  REQUIRE(made.ok());
  forge(echo(0, kIdentifier, kSequence, kPayload));  // from 127.0.0.1
  CHECK(!isReadable(made.value(), 0));
}

TEST_IN_NAMESPACE("an ICMP error counts only when it quotes this very request, and says where it is from") {
  testing::run("ip link set lo up");
  testing::run("echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all");
  auto made = ping(kLoopback4, Kind::raw);
  REQUIRE(made.ok());
  for (int i = 0; i < 20; i++) {
    forge(unreachable(kIdentifier + 1, kSequence));
    forge(unreachable(kIdentifier, kSequence + 1));
  }
  while (isReadable(made.value(), 0)) CHECK(!made.value().receive());
  forge(unreachable(kIdentifier, kSequence));
  const auto outcome = outcomeOf(made.value());
  REQUIRE(outcome.has_value());
  CHECK(!outcome->isAnswered);
  CHECK(outcome->isIcmp);
  CHECK_EQ(int{outcome->type}, 3);
  CHECK_EQ(int{outcome->code}, 1);
  CHECK_EQ(outcome->errnoValue, EHOSTUNREACH);
  CHECK_EQ(toString(outcome->from), "127.0.0.1");
}

TEST_IN_NAMESPACE("a ping without a route, or of more than a datagram holds, is an error at once") {
  testing::run("ip link set lo up");
  for (const char* address : {"192.0.2.1", "2001:db8::1"}) {
    const auto made = ping(parseIpAddress(address).value(), Kind::any);
    REQUIRE(!made.ok());
    CHECK_EQ(made.error().errnoValue, ENETUNREACH);
  }
  const std::vector<uint8_t> large(70'000);
  CHECK_EQ(EchoSocket::send(kLoopback4, 1, 1, large).error().errnoValue, EMSGSIZE);
}

}  // namespace
}  // namespace tunvs::echo_socket_test
