// Tests what lblc and lblcr remember for a destination.
#include "support/test_flows.h"
#include "support/test_servers.h"
#include "support/testing.h"

namespace tunvs::locality_test {
namespace {

using testing::flowTo;
using testing::TestServers;
using testing::TestService;

constexpr Tick kHour = ticksFromSeconds(3600);

TEST("lblc and lblcr keep a destination with its server while that has no more active connections than its weight") {
  for (const char* scheduler : {"lblc", "lblcr"}) {
    TestServers servers({{'A', 4}, {'B', 4}});
    TestService service(scheduler, servers);
    std::string chosen;
    for (int i = 0; i < 5; i++) chosen += service.pick(flowTo("192.0.2.20"));
    CHECK_EQ(chosen, "AAAAA");
    CHECK_EQ(service.pick(flowTo("192.0.2.21")), 'B');  // another destination is not remembered
  }
}

TEST("lblc gives a destination to another server when its own has outgrown its weight and another has room") {
  TestServers servers({{'A', 4}, {'B', 4}});
  TestService service("lblc", servers);
  for (int i = 0; i < 5; i++) service.pick(flowTo("192.0.2.20"));
  CHECK_EQ(service.pick(flowTo("192.0.2.20")), 'B');
  CHECK_EQ(service.pick(flowTo("192.0.2.20")), 'B');
  servers.state('B').active = 2;  // half its weight: it has no room any more
  servers.state('A').active = 50;
  CHECK_EQ(service.pick(flowTo("192.0.2.20")), 'B');
}

TEST("lblc stays with a server beyond its weight when all are busy") {
  TestServers servers({{'A', 4}, {'B', 4}});
  TestService service("lblc", servers);
  CHECK_EQ(service.pick(flowTo("192.0.2.20")), 'A');
  servers.state('A').active = 50;
  servers.state('B').active = 2;
  CHECK_EQ(service.pick(flowTo("192.0.2.20")), 'A');
}

TEST("lblc takes a remembered server even at its threshold, lblcr does not") {
  TestServers servers({{'A', 9}, {'B', 9}});
  TestService lblc("lblc", servers), lblcr("lblcr", servers);
  CHECK_EQ(lblc.pick(flowTo("192.0.2.20")), 'A');
  servers.state('A').active = 0;
  CHECK_EQ(lblcr.pick(flowTo("192.0.2.20")), 'A');
  servers.overload('A');
  CHECK_EQ(lblc.pick(flowTo("192.0.2.20")), 'A');
  CHECK_EQ(lblcr.pick(flowTo("192.0.2.20")), 'B');
}

TEST("lblcr lets a destination's servers grow and takes the least loaded of them") {
  TestServers servers({{'A', 2}, {'B', 2}, {'C', 2}});
  TestService service("lblcr", servers);
  std::string chosen;
  for (int i = 0; i < 9; i++) chosen += service.pick(flowTo("192.0.2.20"));
  CHECK_EQ(chosen, "AAABBBCCC");
  // All three are remembered: when all but one are idle, the least loaded of the set is chosen, the newest among
  // equals.
  for (const char name : {'A', 'B'}) servers.state(name).active = 0;
  CHECK_EQ(service.pick(flowTo("192.0.2.20")), 'B');
}

TEST("lblcr takes the most loaded server out of a set that has not changed for its expiration") {
  TestServers servers({{'A', 2}, {'B', 2}});
  TestService service("lblcr", servers);
  service.expiration = kHour;
  for (int i = 0; i < 4; i++) service.pick(flowTo("192.0.2.20"));  // A, and B when A has three
  servers.state('A').active = 1;
  servers.state('B').active = 0;
  CHECK_EQ(service.pick(flowTo("192.0.2.20")), 'B');
  service.now += kHour;
  servers.state('B').active = 2;
  CHECK_EQ(service.pick(flowTo("192.0.2.20")), 'A');  // chosen before B, the busier one, is removed
  servers.state('B').active = 0;
  CHECK_EQ(service.pick(flowTo("192.0.2.20")), 'A');
}

TEST("lblc and lblcr recognise a removed server when it comes back, and do not choose it meanwhile") {
  for (const char* scheduler : {"lblc", "lblcr"}) {
    TestServers servers({{'A', 9}, {'B', 9}});
    TestService service(scheduler, servers);
    CHECK_EQ(service.pick(flowTo("192.0.2.20")), 'A');
    service.change([](TestServers& s) { s.remove('A'); });
    service.change([](TestServers& s) { s.prepend('C', 9); });
    service.change([](TestServers& s) { s.append('A', 9); });
    CHECK_EQ(service.pick(flowTo("192.0.2.20")), 'A');
    service.change([](TestServers& s) { s.remove('A'); });
    CHECK_EQ(service.pick(flowTo("192.0.2.20")), 'C');
  }
}

TEST("lblc and lblcr skip a remembered server of weight 0") {
  for (const char* scheduler : {"lblc", "lblcr"}) {
    TestServers servers({{'A', 9}, {'B', 9}});
    TestService service(scheduler, servers);
    CHECK_EQ(service.pick(flowTo("192.0.2.20")), 'A');
    service.change([](TestServers& s) { s.setWeight('A', 0); });
    CHECK_EQ(service.pick(flowTo("192.0.2.20")), 'B');
    service.change([](TestServers& s) { s.setWeight('B', 0); });
    CHECK_EQ(service.pick(flowTo("192.0.2.20")), '-');
  }
}

TEST("lblc forgets a destination that nobody asked for within its expiration") {
  TestServers servers({{'A', 9}, {'B', 9}});
  TestService service("lblc", servers);
  service.expiration = kHour;
  CHECK_EQ(service.pick(flowTo("192.0.2.20")), 'A');
  servers.state('A').active = 5;  // wlc would take B
  service.now += kHour - 1;
  CHECK_EQ(service.pick(flowTo("192.0.2.20")), 'A');
  service.now += 2 * kHour;
  CHECK_EQ(service.pick(flowTo("192.0.2.20")), 'B');
}

TEST("lblc and lblcr can be tried on a copy of what they remember") {
  for (const char* scheduler : {"lblc", "lblcr"}) {
    TestServers servers({{'A', 9}, {'B', 9}});
    TestService service(scheduler, servers);
    CHECK_EQ(service.pick(flowTo("192.0.2.20")), 'A');
    SchedulerState copy = service.state().fork();
    const FlowKey flow = flowTo("192.0.2.21");
    const ScheduleContext context{flow, 0, {}, nullptr};
    CHECK_EQ(schedulerByName(scheduler)->pick(servers.list(), copy, context)->id, static_cast<uint32_t>('B'));
    servers.state('B').active = 5;
    CHECK_EQ(service.pick(flow), 'A');  // the service remembers nothing of it
  }
}

}  // namespace
}  // namespace tunvs::locality_test
