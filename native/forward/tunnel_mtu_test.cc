#include "forward/tunnel_mtu.h"

#include "support/testing.h"

namespace tunvs::tunnel_mtu_test {
namespace {

constexpr auto v4 = Family::ipv4, v6 = Family::ipv6;
using enum ForwardingMethod;
constexpr auto none = TunnelChecksum::none, summed = TunnelChecksum::checksum, remote = TunnelChecksum::remote;

}  // namespace

TEST("each method takes what IPVS takes from the path's MTU") {
  struct Row {
    TunnelOptions options;
    bool isUnfinished;
    uint32_t inIpv4, inIpv6;
  };
  const Row rows[] = {
      {{ipip, 0, none}, false, 20, 40},  {{gue, 1, none}, false, 32, 52},   {{gue, 1, summed}, false, 32, 52},
      {{gue, 1, remote}, false, 32, 52}, {{gue, 1, remote}, true, 40, 60},  {{gue, 1, summed}, true, 32, 52},
      {{gre, 0, none}, false, 24, 44},   {{gre, 0, summed}, false, 28, 48}, {{dr, 0, none}, false, 0, 0},
      {{local, 0, none}, false, 0, 0},
  };
  for (const Row& row : rows) {
    for (const Family inner : {v4, v6}) {
      CHECK_EQ(overhead(row.options, inner, v4, row.isUnfinished), row.inIpv4);
      CHECK_EQ(overhead(row.options, inner, v6, row.isUnfinished), row.inIpv6);
      CHECK_EQ(tunnelMtu(1500, row.options, inner, v6, row.isUnfinished).value_or(0), 1500 - row.inIpv6);
    }
  }
}

TEST("a path that leaves less than IP's smallest MTU carries nothing") {
  CHECK_EQ(tunnelMtu(88, {}, v4, v4).value_or(0), 68);
  CHECK(!tunnelMtu(87, {}, v4, v4));
  CHECK(!tunnelMtu(0, {}, v4, v4));
  CHECK_EQ(tunnelMtu(1320, {}, v4, v6).value_or(0), 1280);
  CHECK(!tunnelMtu(1319, {}, v4, v6));
  CHECK_EQ(tunnelMtu(1332, {gue, 1, none}, v6, v6).value_or(0), 1280);
  CHECK(!tunnelMtu(1331, {gue, 1, none}, v6, v6));
  CHECK_EQ(tunnelMtu(68, {dr, 0, none}, v4, v4).value_or(0), 68);
}

}  // namespace tunvs::tunnel_mtu_test
