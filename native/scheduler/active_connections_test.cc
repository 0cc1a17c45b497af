// Tests sed, nq, fo and ovf: schedulers that look at active connections, or at none.
#include "support/test_servers.h"
#include "support/testing.h"

namespace tunvs::active_connections_test {
namespace {

using testing::TestServers;
using testing::TestService;

std::string picks(const char* scheduler, std::initializer_list<TestServers::Spec> specs, size_t count) {
  TestServers servers(specs);
  return TestService(scheduler, servers).picks(count);
}

TEST("sed takes the server with the fewest active connections for its weight, with the new one counted") {
  CHECK_EQ(picks("sed", {{'C', 1}, {'B', 2}, {'A', 3}}, 12), "ABACBAABACBA");
}

TEST("nq takes an idle server before it chooses as sed does") {
  CHECK_EQ(picks("nq", {{'C', 1}, {'B', 2}, {'A', 3}}, 12), "CBAABAABACBA");
}

TEST("sed and nq ignore inactive connections") {
  TestServers servers({{'A', 2}, {'B', 1}});
  servers.state('A').inactive = 1000;
  CHECK_EQ(TestService("sed", servers).pick(), 'A');
  servers.state('A').active = 0;
  CHECK_EQ(TestService("nq", servers).pick(), 'A');
}

TEST("fo takes the heaviest server, the first of the list among equals") {
  CHECK_EQ(picks("fo", {{'A', 2}, {'B', 3}, {'C', 3}, {'D', 0}}, 4), "BBBB");
  TestServers servers({{'A', 2}, {'B', 3}, {'C', 1}});
  TestService service("fo", servers);
  servers.overload('B');
  CHECK_EQ(service.picks(2), "AA");
  servers.overload('B', false);
  CHECK_EQ(service.picks(2), "BB");
}

TEST("ovf gives each server one connection more than its weight, heaviest first, and then chooses nobody") {
  CHECK_EQ(picks("ovf", {{'A', 1}, {'B', 2}, {'C', 2}}, 9), "BBBCCCAA-");
}

TEST("ovf counts only active connections") {
  TestServers servers({{'A', 2}, {'B', 1}});
  servers.state('A').inactive = 1000;
  CHECK_EQ(TestService("ovf", servers).picks(4), "AAAB");
}

TEST("a server of weight 0 or at its threshold gets nothing from sed, nq, fo and ovf") {
  for (const char* scheduler : {"sed", "nq", "fo", "ovf"}) {
    TestServers servers({{'A', 0}, {'B', 9}, {'C', 5}});
    servers.overload('B');
    TestService service(scheduler, servers);
    CHECK_EQ(service.picks(3), "CCC");
    servers.overload('C');
    CHECK_EQ(service.pick(), '-');
  }
}

}  // namespace
}  // namespace tunvs::active_connections_test
