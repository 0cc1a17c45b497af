#include "scheduler/scheduler.h"

#include <set>

#include "support/random.h"
#include "support/test_flows.h"
#include "support/test_servers.h"
#include "support/testing.h"

namespace tunvs::scheduler_test {
namespace {

using testing::Random;
using testing::TestServers;
using testing::TestService;

TEST("the list names each scheduler once, and each is found by its name") {
  std::set<std::string_view> names;
  for (const Scheduler* scheduler : schedulers()) {
    CHECK(names.insert(scheduler->name()).second);
    CHECK_EQ(schedulerByName(scheduler->name()), scheduler);
  }
  for (const char* name : {"rr", "wrr", "lc", "wlc", "sed", "nq", "dh", "sh", "mh", "fo", "ovf", "lblc", "lblcr",
                           "twos", "maglev", "rendezvous", "p2c"})
    CHECK(names.contains(name));
  for (const char* name : {"", "RR", "rr ", "wlcx", "none"}) CHECK_EQ(schedulerByName(name), nullptr);
}

TEST("every scheduler chooses nobody from an empty list") {
  for (const Scheduler* scheduler : schedulers()) {
    TestServers servers({});
    TestService service(scheduler->name(), servers);
    CHECK_EQ(service.picks(2), "--");
    service.change([](TestServers& s) { s.prepend('A', 1); });
    CHECK_EQ(service.picks(2), "AA");
    service.change([](TestServers& s) { s.remove('A'); });
    CHECK_EQ(service.picks(2), "--");
  }
}

// IPVS makes exceptions: these refuse a client whose own server may not take it, ...
bool mayRefuse(std::string_view scheduler, uint8_t flags) {
  if (scheduler == "sh" || scheduler == "mh") return (flags & kFallbackFlag) == 0;
  return scheduler == "dh" || scheduler == "ovf";
}
// ... and this one keeps to a remembered server even at its threshold.
bool mindsThresholds(std::string_view scheduler) { return scheduler != "lblc"; }

// All others promise this: while somebody may be chosen, somebody is, and never one who may not be.
TEST("every scheduler chooses an eligible server whenever there is one, through random changes") {
  for (const Scheduler* scheduler : schedulers()) {
    // Tables are made anew at each change, so they are small to allow for many changes.
    const bool hasLargeTable =
        scheduler->name() == "maglev" || scheduler->name() == "rendezvous" || scheduler->name() == "mh";
    for (uint64_t seed = 1; seed <= 20; seed++) {
      Random random(seed);
      TestServers servers({});
      const auto flags = static_cast<uint8_t>(random.below(4));
      TestService service(scheduler->name(), servers,
                          {flags, scheduler->name() == "rendezvous" ? 256u
                                  : hasLargeTable                   ? 251u
                                                                    : 0u});
      const auto someWeight = [&] {
        return random.oneIn(4) ? 0 : static_cast<int32_t>(random.below(12)) * (random.oneIn(2) ? 5 : 1);
      };
      std::set<char> present;
      for (int step = 0; step < 2000; step++) {
        const char name = static_cast<char>('A' + random.below(6));
        const uint32_t action = random.below(20);
        if (action == 0 && !present.contains(name)) {
          present.insert(name);
          service.change([&](TestServers& s) { s.prepend(name, someWeight()); });
        } else if (action == 1 && present.contains(name)) {
          present.erase(name);
          service.change([&](TestServers& s) { s.remove(name); });
        } else if (action == 2 && present.contains(name)) {
          service.change([&](TestServers& s) { s.setWeight(name, someWeight()); });
        } else if (action == 3) {
          servers.overload(name, random.oneIn(2));
        }
        bool isAnyEligible = false;
        for (const Candidate* server : servers.list())
          isAnyEligible |= server->weight > 0 && !server->state->overloaded;
        const char chosen = service.pick(testing::flowNumber(random.below(1000)));
        if (chosen == '-') {
          if (!mayRefuse(scheduler->name(), flags) && !CHECK(!isAnyEligible)) return;
          continue;
        }
        if (mindsThresholds(scheduler->name()) && !CHECK(isAnyEligible)) return;
        for (const Candidate* server : servers.list()) {
          if (server->id != static_cast<uint32_t>(chosen)) continue;
          if (!CHECK(server->weight > 0)) return;
          if (mindsThresholds(scheduler->name()) && !CHECK(!server->state->overloaded)) return;
        }
        if (!CHECK(present.contains(chosen))) return;
      }
    }
  }
}

}  // namespace
}  // namespace tunvs::scheduler_test
