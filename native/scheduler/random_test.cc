// Tests twos and p2c, which draw two servers by weight.
#include <cmath>
#include <map>
#include <vector>

#include "scheduler/alias_table.h"
#include "support/test_flows.h"
#include "support/test_servers.h"
#include "support/testing.h"

namespace tunvs::random_test {
namespace {

using testing::flowNumber;
using testing::TestServers;
using testing::TestService;

// The limit is five standard deviations of a binomial distribution. One honest run in 1.7 million would exceed it, and
// these runs repeat.
bool isNear(int got, int draws, double share) {
  return std::abs(got - draws * share) <= 5 * std::sqrt(draws * share * (1 - share)) + 1;
}

TEST("an alias table draws each entry by its weight") {
  for (const std::vector<uint32_t>& weights :
       std::vector<std::vector<uint32_t>>{{1},
                                          {1, 1},
                                          {3, 1},
                                          {0, 1, 0, 2},
                                          {7, 1, 5, 3, 9, 2, 0, 4},
                                          {2147483647, 1},
                                          {2147483647, 2147483647, 2147483647}}) {
    const AliasTable table(weights);
    double total = 0;
    for (const uint32_t weight : weights) total += weight;
    constexpr int kDraws = 200000;
    std::vector<int> counts(weights.size());
    SplitMix64 random(7);
    for (int i = 0; i < kDraws; i++) counts[table.draw(random)]++;
    for (size_t i = 0; i < weights.size(); i++) {
      CHECK(isNear(counts[i], kDraws, weights[i] / total));
      if (weights[i] == 0) CHECK_EQ(counts[i], 0);
    }
  }
  CHECK(AliasTable({}).isEmpty());
  CHECK(AliasTable({0, 0}).isEmpty());
}

// Returns what the servers get when loads never differ, because connections end at once.
std::map<char, int> drawn(TestService& service, int count) {
  std::map<char, int> counts;
  for (int i = 0; i < count; i++) counts[static_cast<char>(service.choose(flowNumber(static_cast<uint32_t>(i)))->id)]++;
  return counts;
}

TEST("twos draws idle servers by weight, with one chance more for the first of the list") {
  TestServers servers({{'A', 1}, {'B', 2}, {'C', 0}, {'D', 3}});
  TestService service("twos", servers);
  constexpr int kDraws = 100000;
  auto counts = drawn(service, kDraws);
  CHECK(isNear(counts['A'], kDraws, 2.0 / 7));
  CHECK(isNear(counts['B'], kDraws, 2.0 / 7));
  CHECK(isNear(counts['D'], kDraws, 3.0 / 7));
  CHECK_EQ(counts['C'], 0);
}

TEST("twos takes the second of its two when the first has more load for its weight") {
  TestServers servers({{'A', 1}, {'B', 1}});
  servers.state('A').inactive = 1;
  TestService service("twos", servers);
  constexpr int kDraws = 100000;
  // Of 0, 1 and 2 the first two are A's; in four of nine cases B is not drawn.
  CHECK(isNear(drawn(service, kDraws)['A'], kDraws, 4.0 / 9));
}

TEST("twos and p2c never choose a server of weight 0 or at its threshold, and choose nobody when there is no other") {
  for (const char* scheduler : {"twos", "p2c"}) {
    TestServers servers({{'A', 0}, {'B', 1000}, {'C', 1}});
    servers.overload('B');
    TestService service(scheduler, servers);
    for (int i = 0; i < 1000; i++) {
      if (!CHECK_EQ(service.pick(), 'C')) return;
    }
    servers.overload('C');
    CHECK_EQ(service.pick(), '-');
    servers.overload('B', false);
    CHECK_EQ(service.pick(), 'B');
  }
}

TEST("twos and p2c choose the same again from the same seed") {
  for (const char* scheduler : {"twos", "p2c"}) {
    std::string runs[2];
    for (std::string& run : runs) {
      TestServers servers({{'A', 1}, {'B', 2}, {'C', 3}, {'D', 4}});
      run = TestService(scheduler, servers).picks(100);
    }
    CHECK_EQ(runs[0], runs[1]);
    CHECK(runs[0] != std::string(100, runs[0][0]));
  }
}

TEST("p2c keeps connections that last closer to the weights than twos does") {
  const auto spread = [](const char* scheduler) {
    TestServers servers({});
    for (int i = 0; i < 50; i++) servers.append(static_cast<char>('0' + i), 1 + i % 3);
    TestService service(scheduler, servers);
    for (uint32_t i = 0; i < 100 * 99; i++) service.pick(flowNumber(i));  // the weights sum up to 99
    int32_t worst = 0;
    for (int i = 0; i < 50; i++)
      worst = std::max(worst, std::abs(servers.state(static_cast<char>('0' + i)).active.load() / (1 + i % 3) - 100));
    return worst;
  };
  CHECK(spread("p2c") <= 5);
  CHECK(spread("p2c") <= spread("twos"));
}

TEST("p2c counts UDP connections in full, although they are never active") {
  for (const IpProtocol protocol : {IpProtocol::tcp, IpProtocol::udp}) {
    TestServers servers({{'A', 1}, {'B', 1}});
    servers.state('A').inactive = 2;
    servers.state('B').active = 1;
    TestService service("p2c", servers);
    const char expected = protocol == IpProtocol::udp ? 'B' : 'A';
    for (uint32_t i = 0; i < 20; i++)
      CHECK_EQ(service.choose(flowNumber(i, protocol))->id, static_cast<uint32_t>(expected));
  }
}

}  // namespace
}  // namespace tunvs::random_test
