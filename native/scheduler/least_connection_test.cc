// Tests lc and wlc, which walk alike, without and with weights.
#include "core/split_mix.h"
#include "scheduler/eligible.h"
#include "support/test_servers.h"
#include "support/testing.h"

namespace tunvs::least_connection_test {
namespace {

using testing::TestServers;
using testing::TestService;

TEST("lc takes the server with the fewest connections, the first of the list among equals") {
  TestServers servers({{'C', 1}, {'B', 2}, {'A', 3}});
  TestService service("lc", servers);
  CHECK_EQ(service.picks(12), "CBACBACBACBA");
}

TEST("wlc takes the server with the fewest connections for its weight") {
  TestServers servers({{'C', 1}, {'B', 2}, {'A', 3}});
  TestService service("wlc", servers);
  CHECK_EQ(service.picks(12), "CBAABACBAABA");
}

TEST("lc and wlc count an active connection as 256 inactive ones") {
  for (const char* name : {"lc", "wlc"}) {
    TestServers servers({{'A', 1}, {'B', 1}});
    servers.state('A').active = 1;
    servers.state('B').inactive = 255;
    TestService service(name, servers);
    CHECK_EQ(service.pick(), 'B');

    TestServers even({{'A', 1}, {'B', 1}});
    even.state('A').active = 1;
    even.state('B').inactive = 256;
    TestService fair(name, even);
    CHECK_EQ(fair.pick(), 'A');  // with equal loads, the first of the list

    TestServers more({{'A', 1}, {'B', 1}});
    more.state('A').active = 1;
    more.state('B').inactive = 257;
    TestService heavy(name, more);
    CHECK_EQ(heavy.pick(), 'A');
  }
}

TEST("lc and wlc skip servers of weight 0 and overloaded ones, however idle") {
  for (const char* name : {"lc", "wlc"}) {
    TestServers servers({{'A', 0}, {'B', 1}, {'C', 1}});
    servers.state('C').active = 50;
    servers.overload('B');
    TestService service(name, servers);
    CHECK_EQ(service.picks(2), "CC");
    servers.overload('C');
    CHECK_EQ(service.pick(), '-');
  }
}

TEST("lc looks at weights only as zero or not") {
  TestServers servers({{'A', 1}, {'B', 1000}});
  servers.state('B').active = 1;
  TestService service("lc", servers);
  CHECK_EQ(service.pick(), 'A');
}

TEST("wlc compares ratios exactly, up to the largest loads and weights") {
  // 2^31-1 connections over weight 2^31-1 against one more connection over one more weight would overflow 64 bits.
  TestServers servers({{'A', INT32_MAX}, {'B', INT32_MAX - 1}});
  servers.state('A').active = INT32_MAX;
  servers.state('B').active = INT32_MAX;
  const Candidate* chosen = TestService("wlc", servers).choose();
  CHECK_EQ(chosen->id, static_cast<uint32_t>('A'));  // load / weight is 256 for A, a little more for B

  TestServers close({{'A', 1000000006}, {'B', 1000000007}});
  close.state('A').active = 1000000006;
  close.state('B').active = 1000000006;
  chosen = TestService("wlc", close).choose();
  CHECK_EQ(chosen->id, static_cast<uint32_t>('B'));
}

TEST("wlc takes no later server in an exact tie of ratios") {
  TestServers servers({{'A', 1}, {'B', 3}});
  servers.state('A').active = 2;
  servers.state('B').active = 6;
  TestService service("wlc", servers);
  CHECK_EQ(service.pick(), 'A');
}

TEST("wlc compares loads of every size as whole numbers do, in 64 bits and beyond") {
  SplitMix64 random(11);
  const int64_t costs[] = {0, 1, 255, 1 << 20, (int64_t{1} << 32) - 1, int64_t{1} << 32, (int64_t{1} << 40) - 1};
  const int32_t weights[] = {1, 2, 3, 65535, INT32_MAX - 1, INT32_MAX};
  auto expect = [](int64_t cost, int32_t weight, int64_t bestCost, int32_t bestWeight) {
    __extension__ using Wide = __int128;
    return Wide{cost} * bestWeight < Wide{bestCost} * weight;
  };
  for (const int64_t a : costs) {
    for (const int64_t b : costs) {
      for (const int32_t v : weights) {
        for (const int32_t w : weights) CHECK_EQ(isCheaper(a, v, b, w), expect(a, v, b, w));
      }
    }
  }
  for (int i = 0; i < 20000; i++) {
    const auto a = static_cast<int64_t>(random.next() >> (24 + random.below(39)));
    const auto b = static_cast<int64_t>(random.next() >> (24 + random.below(39)));
    const auto v = static_cast<int32_t>(1 + random.below(INT32_MAX)), w = static_cast<int32_t>(1 + random.below(9));
    CHECK_EQ(isCheaper(a, v, b, w), expect(a, v, b, w));
    CHECK_EQ(isCheaper(a, w, b, v), expect(a, w, b, v));
  }
}

}  // namespace
}  // namespace tunvs::least_connection_test
