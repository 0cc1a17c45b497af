#include "scheduler/scheduler.h"

#include <set>

#include "support/random.h"
#include "support/test_servers.h"
#include "support/testing.h"

namespace tunvs {
namespace {

using testing::Random;
using testing::TestServers;
using testing::TestService;

TEST("lists each scheduler once and finds it by its name") {
  std::set<std::string_view> names;
  for (const Scheduler* scheduler : schedulers()) {
    CHECK(names.insert(scheduler->name()).second);
    CHECK_EQ(schedulerByName(scheduler->name()), scheduler);
  }
  for (const char* name : {"rr", "wrr", "lc", "wlc"}) CHECK(names.contains(name));
  for (const char* name : {"", "RR", "rr ", "wlcx", "none"}) CHECK_EQ(schedulerByName(name), nullptr);
}

TEST("chooses nobody from an empty list, whatever the scheduler") {
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

// The one promise that all of these make: somebody is chosen as long as somebody may be, and nobody who may not.
TEST("chooses an eligible server whenever there is one, through random changes") {
  for (const Scheduler* scheduler : schedulers()) {
    for (uint64_t seed = 1; seed <= 20; seed++) {
      Random random(seed);
      TestServers servers({});
      TestService service(scheduler->name(), servers);
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
        const char chosen = service.pick();
        if (!CHECK_EQ(chosen != '-', isAnyEligible)) return;
        if (chosen == '-') continue;
        for (const Candidate* server : servers.list()) {
          if (server->id != static_cast<uint32_t>(chosen)) continue;
          if (!CHECK(server->weight > 0 && !server->state->overloaded)) return;
        }
        if (!CHECK(present.contains(chosen))) return;
      }
    }
  }
}

}  // namespace
}  // namespace tunvs
