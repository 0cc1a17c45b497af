#include "io/route/host_monitor.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <mutex>
#include <vector>

#include "support/failing_threads.h"
#include "support/network_namespace.h"
#include "support/testing.h"

namespace tunvs::host_monitor_test {
namespace {

constexpr uint8_t kOurs = 84;

template <typename Fixed>
std::vector<uint8_t> message(uint16_t type, const Fixed& fixed, uint16_t flags = 0, uint32_t sequence = 0) {
  nlmsghdr header{};
  header.nlmsg_len = NLMSG_LENGTH(sizeof fixed);
  header.nlmsg_type = type;
  header.nlmsg_flags = flags;
  header.nlmsg_seq = sequence;
  std::vector<uint8_t> bytes(NLMSG_SPACE(sizeof fixed));
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + NLMSG_HDRLEN, &fixed, sizeof fixed);
  return bytes;
}

std::vector<uint8_t> route(uint16_t type, uint8_t protocol, uint16_t flags = 0) {
  rtmsg fixed{};
  fixed.rtm_protocol = protocol;
  return message(type, fixed, flags);
}

std::vector<uint8_t> proxy(int interface, uint32_t sequence) {
  ndmsg fixed{};
  fixed.ndm_ifindex = interface;
  return message(RTM_NEWNEIGH, fixed, 0, sequence);
}

std::vector<uint8_t> operator+(std::vector<uint8_t> a, const std::vector<uint8_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST("a notification tells its kind, and a datagram of several tells all of theirs") {
  CHECK_EQ(hostChangesIn(message(RTM_NEWLINK, ifinfomsg{}), kOurs), bitOf(HostChange::link));
  CHECK_EQ(hostChangesIn(message(RTM_DELADDR, ifaddrmsg{}), kOurs), bitOf(HostChange::address));
  CHECK_EQ(hostChangesIn(message(RTM_NEWNETCONF, rtgenmsg{}), kOurs), bitOf(HostChange::setting));
  CHECK_EQ(hostChangesIn(message(RTM_DELLINK, ifinfomsg{}) + message(RTM_DELRULE, rtmsg{}), kOurs),
           bitOf(HostChange::link) | bitOf(HostChange::rule));
  CHECK_EQ(hostChangesIn(message(RTM_NEWNEIGH, ndmsg{}), kOurs), 0u);
}

TEST("routes of others are skipped, unless they replace a route") {
  CHECK_EQ(hostChangesIn(route(RTM_DELROUTE, kOurs), kOurs), bitOf(HostChange::route));
  CHECK_EQ(hostChangesIn(route(RTM_NEWROUTE, RTPROT_BOOT), kOurs), 0u);
  CHECK_EQ(hostChangesIn(route(RTM_NEWROUTE, RTPROT_BOOT, NLM_F_REPLACE), kOurs), bitOf(HostChange::route));
}

TEST("a datagram that is cut off anywhere, or lies about a length, is read no further") {
  const auto whole = route(RTM_DELROUTE, kOurs);
  for (size_t length = 0; length < whole.size(); length++) {
    CHECK_EQ(hostChangesIn(std::span(whole).first(length), kOurs), 0u);
  }
  auto lying = whole;
  for (const uint32_t length : {0u, 15u, 5000u}) {
    std::memcpy(lying.data(), &length, sizeof length);
    CHECK_EQ(hostChangesIn(lying, kOurs), 0u);
  }
  auto shorter = message(RTM_DELROUTE, rtgenmsg{});  // no room for a route's fixed part
  CHECK_EQ(hostChangesIn(shorter, kOurs), 0u);
}

TEST("the number of a list of proxy neighbours depends on its entries alone") {
  uint64_t a = 0, b = 0, c = 0;
  CHECK(addProxies(proxy(1, 7) + proxy(2, 7), a));
  CHECK(addProxies(proxy(2, 8) + proxy(1, 8), b));
  CHECK(!addProxies(proxy(1, 7) + message(NLMSG_DONE, int32_t{0}), c));
  CHECK_EQ(a, b);
  CHECK(a != c);
}

// Waits until a kind has been told, for a minute at most.
class Told {
 public:
  void tell() {
    const std::lock_guard guard(lock_);
    wasTold_ = true;
    condition_.notify_all();
  }
  bool wait(HostMonitor& monitor, HostChange kind) {
    for (int i = 0; i < 60; i++) {
      std::unique_lock guard(lock_);
      condition_.wait_for(guard, std::chrono::seconds(1), [this] { return wasTold_; });
      wasTold_ = false;
      if ((monitor.take() & bitOf(kind)) != 0) return true;
    }
    return false;
  }

 private:
  std::mutex lock_;
  std::condition_variable condition_;
  bool wasTold_ = false;
};

TEST_IN_NAMESPACE("changes of each kind on a host are told, those of proxy neighbours as well") {
  REQUIRE(testing::run("ip link add va type veth peer name vb && ip link set va up && ip link set vb up"));
  Told told;
  auto monitor = HostMonitor::start(kOurs, [&told] { told.tell(); });
  REQUIRE(monitor.ok());
  const auto causes = [&](const char* command, HostChange kind) {
    CHECK(testing::run(command));
    return told.wait(*monitor.value(), kind);
  };
  CHECK(causes("ip link set va mtu 1400", HostChange::link));
  CHECK(causes("ip address add 10.1.0.1/24 dev va", HostChange::address));
  CHECK(causes("ip route add 10.9.9.9/32 dev va proto 84", HostChange::route));
  CHECK(causes("ip rule add pref 85 fwmark 1 lookup 8400 protocol 84", HostChange::rule));
  CHECK(causes("ip neigh add proxy 10.1.0.100 dev va", HostChange::proxy));
  CHECK(causes("ip neigh del proxy 10.1.0.100 dev va", HostChange::proxy));
  CHECK(causes("echo 1 > /proc/sys/net/ipv4/ip_forward", HostChange::setting));
}

TEST("watching a host without a thread to do it is an error") {
  const testing::FailingThreads none;
  const auto monitor = HostMonitor::start(kOurs, [] {});
  REQUIRE(!monitor.ok());
  CHECK(testing::saysThreads(monitor.error()));
}

}  // namespace
}  // namespace tunvs::host_monitor_test
