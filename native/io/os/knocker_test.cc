#include "io/os/knocker.h"

#include <netinet/tcp.h>
#include <sched.h>

#include <atomic>
#include <map>
#include <set>

#include "io/os/socket_address.h"
#include "support/network_namespace.h"
#include "support/testing.h"

namespace tunvs::knocker_test {
namespace {

const IpAddress kHere = IpAddress::v4(127, 0, 0, 1);

struct Listener {
  UniqueFd socket;
  uint16_t port = 0;
};

Listener listenAt(const IpAddress& address, int backlog = 1024) {
  sockaddr_storage name;
  socklen_t length = toSocketAddress(name, address);
  Listener listener{.socket = UniqueFd(::socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0))};
  CHECK(::bind(listener.socket.get(), reinterpret_cast<sockaddr*>(&name), length) == 0);
  CHECK(::listen(listener.socket.get(), backlog) == 0);
  CHECK(::getsockname(listener.socket.get(), reinterpret_cast<sockaddr*>(&name), &length) == 0);
  // The port lies at the same place in both families.
  listener.port = ntohs(reinterpret_cast<sockaddr_in&>(name).sin_port);
  return listener;
}

std::map<uint32_t, int> takeAll(Knocker& knocker, size_t count) {
  std::map<uint32_t, int> told;
  while (told.size() < count) {
    for (const auto& [knock, errnoValue] : knocker.take()) CHECK(told.emplace(knock, errnoValue).second);
    sched_yield();
  }
  return told;
}

TEST_IN_NAMESPACE("each of many knocks is told once, and a cancelled one never") {
  testing::run("ip link set lo up");
  std::atomic<int> news = 0;
  auto started = Knocker::start([&] { news++; });
  REQUIRE(started.ok());
  Knocker& knocker = *started.value();
  const Listener listener = listenAt(kHere);
  std::set<uint32_t> expected;
  for (int i = 0; i < 200; i++) {
    const auto number = knocker.knock({kHere, listener.port}, nullptr);
    REQUIRE(number.ok());
    if (i % 2 == 0) {
      knocker.cancel(number.value());
    } else {
      expected.insert(number.value());
    }
  }
  const auto told = takeAll(knocker, expected.size());
  for (const auto& [knock, errnoValue] : told) {
    CHECK(expected.contains(knock));
    CHECK_EQ(errnoValue, 0);
  }
  CHECK(news > 0);
}

TEST_IN_NAMESPACE("a knock comes from the end that it is given, which is free again once it is told") {
  testing::run("ip link set lo up");
  auto started = Knocker::start([] {});
  REQUIRE(started.ok());
  const Listener listener = listenAt(kHere);
  const Knocker::End own{IpAddress::v4(127, 0, 0, 9), 61'000};
  for (int i = 0; i < 3; i++) {
    const auto number = started.value()->knock({kHere, listener.port}, &own);
    REQUIRE(number.ok());
    CHECK_EQ(takeAll(*started.value(), 1).at(number.value()), 0);
    sockaddr_storage from{};
    socklen_t length = sizeof from;
    const UniqueFd taken(::accept(listener.socket.get(), reinterpret_cast<sockaddr*>(&from), &length));
    REQUIRE(static_cast<bool>(taken));
    const auto& in = reinterpret_cast<sockaddr_in&>(from);
    CHECK_EQ(ntohs(in.sin_port), own.port);
    CHECK(in.sin_addr.s_addr == own.address.asV4().raw);
    char byte;
    CHECK(::read(taken.get(), &byte, 1) == -1);
    CHECK_EQ(errno, ECONNRESET);
  }
}

TEST_IN_NAMESPACE("a refused knock is told with its error, over IPv6 as well") {
  testing::run("ip link set lo up");
  auto started = Knocker::start([] {});
  REQUIRE(started.ok());
  IpAddress loopback = IpAddress::v6(in6addr_loopback.s6_addr);
  uint16_t port;
  {
    const Listener listener = listenAt(loopback);
    port = listener.port;
    const auto taken = started.value()->knock({loopback, port}, nullptr);
    REQUIRE(taken.ok());
    CHECK_EQ(takeAll(*started.value(), 1).at(taken.value()), 0);
  }
  const auto refused = started.value()->knock({loopback, port}, nullptr);
  REQUIRE(refused.ok());
  CHECK_EQ(takeAll(*started.value(), 1).at(refused.value()), ECONNREFUSED);
}

TEST_IN_NAMESPACE("a knock that can't begin is an error, and those under way end with their knocker") {
  testing::run("ip link set lo up");
  testing::run("ip route add blackhole 192.0.2.0/24");
  auto started = Knocker::start([] {});
  REQUIRE(started.ok());
  CHECK(!started.value()->knock({IpAddress::v4(198, 51, 100, 1), 80}, nullptr).ok());
  const Knocker::End foreign{IpAddress::v4(192, 0, 2, 1), 61'000};
  const auto refused = started.value()->knock({kHere, 80}, &foreign);
  REQUIRE(!refused.ok());
  CHECK_EQ(refused.error().errnoValue, EADDRNOTAVAIL);
  CHECK_EQ(std::string(refused.error().syscall), "bind");
  const Listener full = listenAt(kHere, 0);
  for (int i = 0; i < 8; i++) CHECK(started.value()->knock({kHere, full.port}, nullptr).ok());
  started.value()->cancel(12345);
}

}  // namespace
}  // namespace tunvs::knocker_test
