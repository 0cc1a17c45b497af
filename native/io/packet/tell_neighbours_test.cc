#include "io/packet/tell_neighbours.h"

#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <vector>

#include "io/os/unique_fd.h"
#include "support/network_namespace.h"
#include "support/testing.h"

namespace tunvs::tell_neighbours_test {
namespace {

TEST_IN_NAMESPACE("the other end of a link hears a packet for each address") {
  testing::run("ip link add eth0 address 02:00:00:00:00:01 type veth peer name eth1");
  testing::run("ip link set eth0 up");
  testing::run("ip link set eth1 up");
  const UniqueFd heard(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, Be16::from(0x0003).raw));
  REQUIRE(heard.get() >= 0);
  sockaddr_ll on{};
  on.sll_family = AF_PACKET;
  on.sll_protocol = Be16::from(0x0003).raw;
  on.sll_ifindex = static_cast<int>(if_nametoindex("eth1"));
  REQUIRE(::bind(heard.get(), reinterpret_cast<const sockaddr*>(&on), sizeof on) == 0);
  const std::vector<IpAddress> addresses = {IpAddress::v4(192, 0, 2, 10), parseIpAddress("2001:db8:9::9").value()};
  const auto sent = tellNeighbours({"eth0", addresses, nullptr, false});
  REQUIRE(sent.ok());
  CHECK_EQ(sent.value(), 2u);
  int arps = 0, advertisements = 0;
  uint8_t frame[256];
  for (ssize_t length; (length = ::recv(heard.get(), frame, sizeof frame, 0)) > 0;) {
    if (loadBe16(frame + 12) == 0x0806 && frame[41] == 10) arps++;
    if (loadBe16(frame + 12) == 0x86dd && length >= 86 && frame[54] == 136) advertisements++;
  }
  CHECK_EQ(arps, 1);
  CHECK_EQ(advertisements, 1);
}

TEST_IN_NAMESPACE("an interface without a hardware address takes nothing, and one that is not there is an error") {
  const std::vector<IpAddress> addresses = {IpAddress::v4(192, 0, 2, 10)};
  testing::run("ip tuntap add tun0 mode tun");
  const auto none = tellNeighbours({"tun0", addresses, nullptr, false});
  REQUIRE(none.ok());
  CHECK_EQ(none.value(), 0u);
  CHECK(tellNeighbours({"eth9", addresses, nullptr, false}).error().errnoValue != 0);
  CHECK(tellNeighbours({"a name that is too long", addresses, nullptr, false}).error().code ==
        ErrorCode::invalidArgument);
}

}  // namespace
}  // namespace tunvs::tell_neighbours_test
