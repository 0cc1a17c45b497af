#include "io/packet/pinger.h"

#include <atomic>
#include <set>
#include <string>

#include "support/network_namespace.h"
#include "support/testing.h"

namespace tunvs::pinger_test {
namespace {

const std::vector<uint8_t> kPayload(16, 1);

TEST_IN_NAMESPACE("each of many pings is told once, and a cancelled one never") {
  testing::run("ip link set lo up");
  std::atomic<int> news = 0;
  auto started = Pinger::start([&] { news++; });
  REQUIRE(started.ok());
  Pinger& pinger = *started.value();
  std::set<uint32_t> expected, told;
  for (uint8_t last = 1; last <= 200; last++) {
    const auto number = pinger.ping(IpAddress::v4(127, 0, 0, last), last, kPayload);
    REQUIRE(number.ok());
    if (last % 2 == 0) {
      pinger.cancel(number.value());
    } else {
      expected.insert(number.value());
    }
  }
  while (told.size() < expected.size()) {
    for (const auto& [number, outcome] : pinger.take()) {
      CHECK(outcome.isAnswered);
      CHECK(told.insert(number).second);
    }
    sched_yield();
  }
  CHECK(told == expected);
  CHECK(news > 0);
}

TEST_IN_NAMESPACE("pings that are under way end with their pinger, and one that can't be sent is an error") {
  testing::run("ip link set lo up");
  testing::run("echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all");
  auto started = Pinger::start([] {});
  REQUIRE(started.ok());
  CHECK(started.value()->ping(IpAddress::v4(127, 0, 0, 1), 1, kPayload).ok());
  CHECK(!started.value()->ping(IpAddress::v4(192, 0, 2, 1), 1, kPayload).ok());
  CHECK(started.value()->take().empty());
  started.value()->cancel(12345);
}

}  // namespace
}  // namespace tunvs::pinger_test
