// Slow start: what weights the schedulers see while a server ramps, and which servers ramp when.
#include "director/config/slow_start.h"

#include <cmath>

#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::slow_start_test {
namespace {

using testing::TestDirector;

ServiceConfig ramping(const char* scheduler = "wrr", uint32_t seconds = 10) {
  ServiceConfig config{scheduler};
  config.slowStartSeconds = seconds;
  return config;
}

bool isNear(double value, double expected) { return std::abs(value - expected) < 0.051; }

// A service whose first server has been there for a long time.
struct Settled : TestDirector {
  explicit Settled(const ServiceConfig& config = ramping()) {
    addService(config);
    addServer(11);
    pass(config.slowStartSeconds + 1);
  }
  double effective(uint8_t server) const { return row(server).effectiveWeight; }
};

TEST("a new server's weight ramps; the weight that is listed is the one that was given") {
  Settled t;
  t.addServer(12);
  CHECK_EQ(t.row(12).config.weight, 1);
  CHECK(isNear(t.effective(12), 0.1));
  CHECK(isNear(t.effective(11), 1));
  t.pass(5);
  CHECK(isNear(t.effective(12), 0.55));
  t.pass(5);
  CHECK_EQ(t.effective(12), 1.0);
  CHECK_EQ(t.row(12).config.weight, 1);
}

TEST("a server that ramps gets new connections by its effective weight") {
  Settled t;
  t.addServer(12);
  uint32_t client = 0;
  // wrr's whole round has 20 turns of the old server and 2 of the new one.
  const auto share = [&](uint32_t flows) {
    const uint64_t before = t.row(12).traffic.connections;
    for (uint32_t i = 0; i < flows; i++) t.tcp(client++, kTcpSyn);
    return t.row(12).traffic.connections - before;
  };
  CHECK_EQ(share(220), 20u);
  t.pass(5);
  CHECK_EQ(share(310), 110u);  // 20 to 11
  t.pass(5);
  CHECK_EQ(share(100), 50u);
}

TEST("servers ramp if they are new, back from weight 0, or added again, and no others do") {
  Settled t;
  t.addServer(12);
  t.pass(11);
  CHECK_EQ(t.effective(12), 1.0);
  t.setWeight(12, 4);
  CHECK_EQ(t.effective(12), 4.0);
  t.setWeight(12, 0);
  CHECK_EQ(t.effective(12), 0.0);
  t.pass(2);
  t.setWeight(12, 4);
  CHECK(isNear(t.effective(12), 0.4));
  t.pass(11);
  t.deleteServer(12);
  t.addServer(12);
  CHECK(isNear(t.effective(12), 0.1));
  ServerConfig drained;
  drained.weight = 0;
  t.addServer(13, drained);
  t.pass(20);
  CHECK_EQ(t.effective(13), 0.0);
  t.setWeight(13, 1);
  CHECK(isNear(t.effective(13), 0.1));
}

TEST("a weight that is changed in the middle of a ramp continues from where the ramp is") {
  Settled t;
  t.addServer(12);
  t.pass(5);
  t.setWeight(12, 10);
  CHECK(isNear(t.effective(12), 5.5));
  t.pass(5);
  CHECK_EQ(t.effective(12), 10.0);
}

TEST("a slow start that is taken back ends at once, and one that is asked for begins with the next server") {
  Settled t;
  t.addServer(12);
  CHECK(t.apply(EditService{TestDirector::kWeb, {"wrr"}}).ok());
  CHECK_EQ(t.effective(12), 1.0);
  CHECK_EQ(t.serviceRow().config.slowStartSeconds, 0u);
  CHECK(t.apply(EditService{TestDirector::kWeb, ramping()}).ok());
  CHECK_EQ(t.effective(12), 1.0);
  t.addServer(13);
  CHECK(isNear(t.effective(13), 0.1));
  CHECK_EQ(t.effective(12), 1.0);
}

TEST("weights are published once a second at most while servers ramp, and not at all afterwards") {
  Settled t;
  t.addServer(12);
  const auto publications = [&](uint32_t ticks) {
    uint32_t count = 0;
    const ServiceTable* table = t.director.control().table();
    for (uint32_t i = 0; i < ticks; i++) {
      t.passTicks(1);
      if (t.director.control().table() != table) count++;
      table = t.director.control().table();
    }
    return count;
  };
  const uint32_t during = publications(9 * kTicksPerSecond);
  CHECK(during >= 8 && during <= 9);
  t.pass(3);
  CHECK_EQ(publications(5 * kTicksPerSecond), 0u);
}

TEST("weights that a step would not change are not published") {
  Settled t(ramping("maglev", 1000));
  t.addServer(12);  // a weight of 1 ramps in twentieths: one more in 55 seconds
  const ServiceTable* table = t.director.control().table();
  uint32_t publications = 0;
  for (int second = 0; second < 200; second++) {
    t.pass(1);
    if (t.director.control().table() != table) publications++;
    table = t.director.control().table();
  }
  CHECK(publications >= 3 && publications <= 4);
}

TEST("steps of a slow start leave the walk of wrr where it is") {
  Settled t;
  for (uint8_t server = 12; server < 15; server++) t.addServer(server);
  t.pass(11);
  t.addServer(20);
  std::map<std::string, int> counts;
  for (uint32_t client = 0; client < 400; client++) {
    t.passTicks(kTicksPerSecond / 40);
    counts[t.tcp(client, kTcpSyn)]++;
  }
  // If the walk began anew at each of the ten steps, servers at the list's end would be behind.
  for (const char* server : {"11", "12", "13", "14"}) CHECK(counts[server] >= 80 && counts[server] <= 100);
  CHECK(counts["20"] >= 25 && counts["20"] <= 75);
}

TEST("weights too large to be scaled ramp nevertheless") {
  Settled t;
  t.setWeight(11, INT32_MAX);
  ServerConfig heavy;
  heavy.weight = INT32_MAX;
  t.addServer(12, heavy);
  CHECK(t.effective(12) < 0.11 * INT32_MAX && t.effective(12) > 0.09 * INT32_MAX);
  t.pass(11);
  CHECK_EQ(t.effective(12), static_cast<double>(INT32_MAX));
}

TEST("a transaction that fails begins no ramp") {
  Settled t;
  CHECK(!t.apply(AddServer{TestDirector::kWeb, TestDirector::server(12), {}},
                 DeleteServer{TestDirector::kWeb, TestDirector::server(13)})
             .ok());
  CHECK_EQ(t.effective(11), 1.0);
  t.pass(5);
  t.addServer(12);
  CHECK(isNear(t.effective(12), 0.1));
}

TEST("a slow start is refused by schedulers that go by no weights or by more than their ratios") {
  for (const Scheduler* scheduler : schedulers()) {
    TestDirector t;
    const std::string name(scheduler->name());
    const bool ramps =
        std::string(" wrr wlc sed nq twos maglev rendezvous p2c ").find(" " + name + " ") != std::string::npos;
    CHECK_EQ(t.apply(AddService{TestDirector::kWeb, ramping(name.c_str())}).ok(), ramps);
  }
  TestDirector t;
  ServiceConfig both = ramping("maglev");
  both.midStream = MidStream::hash;
  CHECK(!t.apply(AddService{TestDirector::kWeb, both}).ok());
}

TEST("rendezvous gives a ramping server flows and moves no others between servers") {
  TestDirector t;
  t.addService(ramping("rendezvous"));
  for (uint8_t server = 11; server < 15; server++) t.addServer(server);
  t.pass(11);
  const auto& control = t.director.control();
  const auto owners = [&] {
    std::vector<uint8_t> all;
    for (uint32_t i = 0; i < 2000; i++) {
      const FlowKey flow =
          FlowKey::make(IpAddress::v4(Be32::from(0x0b000000 + i)), {}, TestDirector::kWeb.address, Be16::from(80), 6);
      all.push_back(control.table()->services().front()->schedule(flow, t.now, control.tunables())->address.bytes[3]);
    }
    return all;
  };
  auto before = owners();
  t.addServer(20);
  for (int step = 0; step < 12; step++) {
    const auto after = owners();
    for (size_t i = 0; i < after.size(); i++) {
      if (!CHECK(after[i] == before[i] || after[i] == 20)) return;
    }
    before = after;
    t.pass(1);
  }
  CHECK(std::count(before.begin(), before.end(), 20) > 300);
}

}  // namespace
}  // namespace tunvs::slow_start_test
