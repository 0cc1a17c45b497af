#include <map>
#include <numeric>

#include "support/random.h"
#include "support/test_servers.h"
#include "support/testing.h"

namespace tunvs::wrr_test {
namespace {

using testing::Random;
using testing::TestServers;
using testing::TestService;

std::string picks(std::initializer_list<TestServers::Spec> specs, size_t count) {
  TestServers servers(specs);
  TestService service("wrr", servers);
  return service.picks(count);
}

TEST("wrr goes round at falling weight levels") {
  CHECK_EQ(picks({{'A', 4}, {'B', 3}, {'C', 2}}, 18), "AABABCABCAABABCABC");
  CHECK_EQ(picks({{'C', 2}, {'B', 3}, {'A', 4}}, 18), "ABACBACBAABACBACBA");
  CHECK_EQ(picks({{'A', 6}, {'B', 4}, {'C', 2}}, 12), "AABABCAABABC");  // steps of their common divisor
  CHECK_EQ(picks({{'A', 1}, {'B', 0}, {'C', 1}}, 4), "ACAC");
  CHECK_EQ(picks({{'A', 7}}, 3), "AAA");
}

// ipvsadm adds servers one by one, and each change sends the walk to the head of the list. So what IPVS was recorded to
// do with these weights differs from what it would do with a list that was complete at once.
TEST("wrr begins differently after its servers were added one by one") {
  TestServers servers({});
  TestService service("wrr", servers);
  service.change([](TestServers& s) { s.prepend('A', 5); });
  service.change([](TestServers& s) { s.prepend('B', 3); });
  service.change([](TestServers& s) { s.prepend('C', 2); });
  CHECK_EQ(service.picks(20), "CBAAABACBACBAAABACBA");
}

TEST("wrr gives each server its weight's share of every round") {
  Random random(8);
  for (int i = 0; i < 300; i++) {
    TestServers servers({});
    std::map<char, int32_t> weights;
    int32_t divisor = 0, sum = 0;
    const uint32_t count = 1 + random.below(6);
    const int32_t factor = 1 + static_cast<int32_t>(random.below(4));
    for (uint32_t n = 0; n < count; n++) {
      const auto weight = static_cast<int32_t>(random.below(9)) * factor;
      weights[static_cast<char>('A' + n)] = weight;
      servers.append(static_cast<char>('A' + n), weight);
      divisor = std::gcd(divisor, weight);
      sum += weight;
    }
    if (sum == 0) continue;
    TestService service("wrr", servers);
    const size_t round = static_cast<size_t>(sum / divisor);
    service.picks(random.below(50));
    std::map<char, int32_t> counts;
    for (const char c : service.picks(round * 3)) counts[c]++;
    for (const auto& [name, weight] : weights) {
      if (!CHECK_EQ(counts[name], weight / divisor * 3)) return;
    }
  }
}

TEST("wrr skips overloaded servers and comes back to them") {
  TestServers servers({{'A', 3}, {'B', 2}, {'C', 1}});
  TestService service("wrr", servers);
  servers.overload('A');
  CHECK_EQ(service.picks(6), "BBCBBC");
  servers.overload('B');
  CHECK_EQ(service.picks(3), "CCC");
  servers.overload('A', false);
  servers.overload('B', false);
  std::map<char, int> counts;
  for (const char c : service.picks(12)) counts[c]++;
  CHECK_EQ(counts['A'], 6);
  CHECK_EQ(counts['B'], 4);
  CHECK_EQ(counts['C'], 2);
}

TEST("wrr gives up after one pass at the lowest level, wherever it stood") {
  for (size_t before = 0; before < 20; before++) {
    TestServers servers({{'A', 5}, {'B', 3}, {'C', 2}});
    TestService service("wrr", servers);
    service.picks(before);
    for (const char name : {'A', 'B', 'C'}) servers.overload(name);
    CHECK_EQ(service.picks(3), "---");
    // A server that comes back is found at once, at whatever level the walk had ended.
    for (const char name : {'C', 'A', 'B'}) {
      servers.overload(name, false);
      if (!CHECK_EQ(service.pick(), name)) return;
      servers.overload(name);
      if (!CHECK_EQ(service.pick(), '-')) return;
    }
  }
}

TEST("wrr chooses nobody while all weights are 0, and goes on when one is not") {
  TestServers servers({{'A', 0}, {'B', 0}});
  TestService service("wrr", servers);
  CHECK_EQ(service.picks(2), "--");
  service.change([](TestServers& s) { s.setWeight('B', 2); });
  CHECK_EQ(service.picks(2), "BB");
  service.change([](TestServers& s) { s.setWeight('B', 0); });
  CHECK_EQ(service.picks(2), "--");
}

TEST("wrr goes to the head of the list after every change") {
  TestServers servers({{'A', 1}, {'B', 1}, {'C', 1}});
  TestService service("wrr", servers);
  CHECK_EQ(service.picks(2), "AB");
  service.change([](TestServers& s) { s.setWeight('C', 1); });
  CHECK_EQ(service.picks(3), "ABC");
  service.change([](TestServers& s) { s.prepend('D', 1); });
  CHECK_EQ(service.picks(4), "DABC");
}

TEST("wrr keeps its level through a change if the new weights have it") {
  // When C comes, the level is 2 of 4: it stays, and the walk begins at the head.
  TestServers servers({{'A', 4}, {'B', 2}});
  TestService service("wrr", servers);
  CHECK_EQ(service.picks(1), "A");
  const int32_t level = service.state().currentWeight;
  service.change([](TestServers& s) { s.prepend('C', 4); });
  CHECK(service.state().currentWeight <= level);
  // From a level that does not exist any more, it goes to the highest.
  TestServers falling({{'A', 9}, {'B', 1}});
  TestService shrinking("wrr", falling);
  CHECK_EQ(shrinking.picks(1), "A");
  shrinking.change([](TestServers& s) { s.setWeight('A', 2); });
  CHECK_EQ(shrinking.state().currentWeight, 2);
  CHECK_EQ(shrinking.picks(3), "AAB");
}

// This is IPVS's walk, level by level.
class EveryLevel {
 public:
  explicit EveryLevel(TestServers& servers) : servers_(servers) { change(); }
  void change() {
    last_ = -1;
    int32_t divisor = 0, heaviest = 0;
    for (const Candidate* server : servers_.list()) {
      divisor = std::gcd(divisor, server->weight);
      heaviest = std::max(heaviest, server->weight);
    }
    step_ = divisor == 0 ? 1 : divisor;
    top_ = heaviest == 0 ? 0 : heaviest - (step_ - 1);
    if (level_ > top_ || level_ == 0)
      level_ = top_;
    else if (step_ > 1)
      level_ = level_ / step_ * step_ + 1;
  }
  char pick() {
    const ServerList list = servers_.list();
    if (top_ == 0) return '-';
    const auto start = last_;
    ptrdiff_t stop = -1;
    bool restarted = false, wasLowest = false;
    for (ptrdiff_t index = start;;) {
      for (index++; index < static_cast<ptrdiff_t>(list.size()); index++) {
        const Candidate& server = *list[static_cast<size_t>(index)];
        if (!server.state->overloaded && server.weight >= level_) {
          last_ = index;
          return static_cast<char>(server.id);
        }
        if (index == stop) return '-';
      }
      index = -1;
      level_ -= step_;
      if (level_ <= 0) {
        level_ = top_;
        if (wasLowest || start < 0) {
          last_ = -1;
          return '-';
        }
        restarted = true;
      }
      wasLowest = level_ <= step_;
      if (wasLowest && restarted && start >= 0) stop = start;
    }
  }

 private:
  TestServers& servers_;
  ptrdiff_t last_ = -1;
  int32_t level_ = 0, step_ = 1, top_ = 0;
};

TEST("wrr chooses as if it went through every level, though it skips those that let nobody through") {
  for (uint64_t seed = 1; seed <= 200; seed++) {
    Random random(seed);
    const int32_t factor = 1 + static_cast<int32_t>(random.below(3));
    const auto someWeight = [&] { return static_cast<int32_t>(random.below(random.oneIn(2) ? 4 : 40)) * factor; };
    TestServers servers({});
    for (int i = 0; i < 5; i++) servers.append(static_cast<char>('A' + i), someWeight());
    EveryLevel every(servers);
    TestService service("wrr", servers);
    for (int step = 0; step < 500; step++) {
      const char name = static_cast<char>('A' + random.below(5));
      if (random.oneIn(5)) servers.overload(name, random.oneIn(2));
      if (random.oneIn(25)) {
        service.change([&](TestServers& s) { s.setWeight(name, someWeight()); });
        every.change();
      }
      if (!CHECK_EQ(service.pick(), every.pick())) return;
    }
  }
}

// Level by level these would take minutes.
TEST("wrr finds a light server, or nobody, at once when the heaviest ones are at their thresholds") {
  TestServers servers({{'A', INT32_MAX}, {'B', INT32_MAX - 1}, {'C', 1}});
  TestService service("wrr", servers);
  servers.overload('A');
  servers.overload('B');
  CHECK_EQ(service.picks(1000), std::string(1000, 'C'));
  servers.overload('C');
  CHECK_EQ(service.picks(1000), std::string(1000, '-'));
  servers.overload('B', false);
  CHECK_EQ(service.picks(3), "BBB");
}

}  // namespace
}  // namespace tunvs::wrr_test
