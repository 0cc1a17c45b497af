// Tests the options of the schedulers that take turns: a cursor that changes leave alone, and a start anywhere.
#include <map>

#include "support/random.h"
#include "support/test_servers.h"
#include "support/testing.h"

namespace tunvs::cursor_test {
namespace {

using testing::Random;
using testing::TestServers;
using testing::TestService;

constexpr SchedulerOptions kStable{.stableCursor = true};
constexpr SchedulerOptions kRandom{.randomStart = true};

std::map<char, int> countsOf(const std::string& letters) {
  std::map<char, int> counts;
  for (const char letter : letters) counts[letter]++;
  return counts;
}

TEST("wrr with a stable cursor goes on as if nothing had happened when a change changes no weight") {
  Random random(3);
  for (int i = 0; i < 200; i++) {
    TestServers left({}), changed({});
    for (char name = 'A'; name < 'F'; name++) {
      const auto weight = static_cast<int32_t>(random.below(7));
      left.append(name, weight);
      changed.append(name, weight);
    }
    TestService reference("wrr", left, kStable), service("wrr", changed, kStable);
    for (int k = 0; k < 60; k++) {
      const char name = static_cast<char>('A' + random.below(5));
      int32_t weight = 0;
      for (const Candidate* server : changed.list()) {
        if (server->id == static_cast<uint32_t>(name)) weight = server->weight;
      }
      service.change([&](TestServers& s) { s.setWeight(name, weight); });
      if (!CHECK_EQ(service.pick(), reference.pick())) return;
    }
  }
}

TEST("wrr with a stable cursor gives every server its turn however often weights change") {
  TestServers servers({{'A', 4}, {'B', 4}, {'C', 4}, {'D', 4}});
  TestService service("wrr", servers, kStable);
  std::string picks;
  for (int i = 0; i < 400; i++) {
    service.change([&](TestServers& s) { s.setWeight('D', 3 + i % 2); });
    picks += service.pick();
  }
  const auto counts = countsOf(picks);
  for (const char name : {'A', 'B', 'C'}) CHECK(counts.at(name) >= 100 && counts.at(name) <= 115);
  CHECK(counts.at('D') >= 75);

  TestServers same({{'A', 4}, {'B', 4}, {'C', 4}, {'D', 4}});
  TestService plain("wrr", same);
  std::string first;
  for (int i = 0; i < 400; i++) {
    plain.change([&](TestServers& s) { s.setWeight('D', 3 + i % 2); });
    first += plain.pick();
  }
  CHECK_EQ(first, std::string(400, 'A'));  // IPVS's walk, which the option avoids
}

TEST("wrr with a stable cursor goes on behind a server that is removed, and takes in one that is added") {
  TestServers servers({{'A', 1}, {'B', 1}, {'C', 1}, {'D', 1}});
  TestService service("wrr", servers, kStable);
  CHECK_EQ(service.picks(2), "AB");
  service.change([](TestServers& s) { s.remove('B'); });
  CHECK_EQ(service.picks(3), "CDA");
  service.change([](TestServers& s) { s.prepend('E', 1); });
  CHECK_EQ(service.picks(5), "CDEAC");
  service.change([](TestServers& s) { s.remove('A'), s.remove('C'), s.remove('D'), s.remove('E'); });
  CHECK_EQ(service.pick(), '-');
  service.change([](TestServers& s) { s.prepend('F', 2); });
  CHECK_EQ(service.picks(2), "FF");
}

TEST("a random start precedes any turn of the round, with equal probability") {
  for (const char* scheduler : {"rr", "wrr"}) {
    std::map<char, int> firsts;
    TestServers servers({{'A', 2}, {'B', 4}, {'C', 0}, {'D', 2}});
    for (uint64_t seed = 1; seed <= 4000; seed++) {
      TestService service(scheduler, servers, kRandom, seed);
      firsts[service.pick()]++;
    }
    const bool isWeighted = std::string_view(scheduler) == "wrr";
    // With rr the start falls on C as often as on the others, and D takes its turn.
    const std::map<char, int> expected = isWeighted ? std::map<char, int>{{'A', 1000}, {'B', 2000}, {'D', 1000}}
                                                    : std::map<char, int>{{'A', 1000}, {'B', 1000}, {'D', 2000}};
    CHECK_EQ(firsts.size(), 3u);
    for (const auto& [name, count] : expected) CHECK(std::abs(firsts[name] - count) < 180);
  }
}

TEST("a random start changes who comes first, and no share of a round") {
  Random random(5);
  for (uint64_t seed = 1; seed <= 200; seed++) {
    TestServers servers({});
    int32_t sum = 0;
    for (char name = 'A'; name < 'G'; name++) {
      const auto weight = static_cast<int32_t>(random.below(9));
      servers.append(name, weight);
      sum += weight;
    }
    if (sum == 0) continue;
    TestService service("wrr", servers, kRandom, seed);
    const auto counts = countsOf(service.picks(static_cast<size_t>(sum)));
    for (const Candidate* server : servers.list()) {
      const auto counted = counts.find(static_cast<char>(server->id));
      if (!CHECK_EQ(counted == counts.end() ? 0 : counted->second, server->weight)) return;
    }
  }
}

TEST("a random start is taken once, and with wrr again when a change begins the walk anew") {
  const auto firstsAfterChange = [](const char* scheduler, SchedulerOptions options) {
    std::string firsts;
    for (uint64_t seed = 1; seed <= 64; seed++) {
      TestServers servers({{'A', 1}, {'B', 1}, {'C', 1}});
      TestService service(scheduler, servers, options, seed);
      while (service.pick() != 'C') {
      }
      service.change([](TestServers& s) { s.setWeight('A', 1); });
      firsts += service.pick();
    }
    return countsOf(firsts).size();
  };
  CHECK_EQ(firstsAfterChange("rr", kRandom), 1u);
  CHECK_EQ(firstsAfterChange("wrr", {.stableCursor = true, .randomStart = true}), 1u);
  CHECK_EQ(firstsAfterChange("wrr", kRandom), 3u);
}

TEST("a scheduler refuses an option that it has no use for, and says which schedulers have it") {
  for (const Scheduler* scheduler : schedulers()) {
    const std::string name(scheduler->name());
    CHECK_EQ(scheduler->accepts(kStable, 4).ok(), name == "wrr");
    CHECK_EQ(scheduler->accepts(kRandom, 4).ok(), name == "rr" || name == "wrr");
    CHECK(scheduler->accepts({}, 4).ok());
  }
  CHECK_EQ(schedulerByName("lc")->accepts(kRandom, 4).error().message,
           "the scheduler lc has no use for a random start, as rr, wrr have; leave it out");
}

}  // namespace
}  // namespace tunvs::cursor_test
