// Which of the parts makes a server's weight, and what a slow start takes off it.
#include "director/config/effective_weight.h"

#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::effective_weight_test {
namespace {

using testing::TestDirector;

const ServerCondition kDown{false, false, std::nullopt}, kDraining{true, true, std::nullopt};
const ServerCondition kAssignedNone{true, false, 0};

ServerConfig weighing(int32_t weight) {
  ServerConfig config;
  config.weight = weight;
  return config;
}

int32_t ramped(int32_t weight, int32_t scale, Tick elapsed, uint32_t seconds) {
  const Tick began = UINT32_MAX - 3;  // the clock wraps around meanwhile
  return effectiveWeight(weighing(weight), {}, {began, seconds, scale}, began + elapsed);
}

TEST("a ramped weight begins at the floor, rises evenly and ends at the whole weight") {
  CHECK_EQ(ramped(100, 1, 0, 10), 10);
  CHECK_EQ(ramped(100, 1, ticksFromSeconds(5), 10), 55);
  CHECK_EQ(ramped(100, 1, ticksFromSeconds(10), 10), 100);
  CHECK_EQ(ramped(100, 1, ticksFromSeconds(99), 10), 100);
  CHECK_EQ(ramped(1, 20, 0, 10), 2);
  CHECK_EQ(ramped(1, 1, 0, 10), 1);  // with 0 it would get nothing
  CHECK_EQ(ramped(INT32_MAX, 1, ticksFromSeconds(kMaxSlowStartSeconds), kMaxSlowStartSeconds), INT32_MAX);
  int32_t before = 0;
  for (Tick elapsed = 0; elapsed <= ticksFromSeconds(30); elapsed++) {
    const int32_t weight = ramped(7, 20, elapsed, 30);
    if (!CHECK(weight >= before)) return;
    before = weight;
  }
  CHECK_EQ(before, 7 * 20);
}

TEST(
    "health's weight, factor and sum change the weight, in that order, and never make a server of some weight vanish") {
  const auto weighed = [](int32_t configured, const HealthCondition& health, std::optional<int32_t> assigned = {}) {
    return fullWeight(weighing(configured), {.assignedWeight = assigned, .health = health});
  };
  CHECK_EQ(weighed(3, {.weight = 8}), 8);
  CHECK_EQ(weighed(3, {.weight = 8}, 5), 5);
  CHECK_EQ(weighed(3, {.weight = 0}), 0);
  CHECK_EQ(weighed(8, {.factor = 0.5}), 4);
  CHECK_EQ(weighed(8, {.weight = 10, .factor = 1.75, .add = -3}), 14);
  CHECK_EQ(weighed(1, {.factor = 0.01}), 1);
  CHECK_EQ(weighed(8, {.factor = 0}), 0);
  CHECK_EQ(weighed(8, {.factor = 0, .add = 2}), 2);
  CHECK_EQ(weighed(8, {.add = -9}), 0);
  CHECK_EQ(weighed(INT32_MAX, {.factor = 1e300, .add = 7}), INT32_MAX);
  CHECK_EQ(weighed(0, {.weight = 8, .factor = 2, .add = 1}), 0);
  CHECK_EQ(weighed(8, {.isUp = false, .weight = 3}), 0);
  CHECK_EQ(weighed(8, {.isOut = true, .add = 3}), 0);
}

TEST("a server that is down, drained or configured with weight 0 has none, whatever a policy says") {
  for (const int32_t configured : {0, 3}) {
    for (const bool isUp : {false, true}) {
      for (const bool isDraining : {false, true}) {
        for (const std::optional<int32_t> assigned : {std::optional<int32_t>(), {0}, {7}}) {
          const ServerCondition condition{isUp, isDraining, assigned};
          const bool mayHaveSome = configured > 0 && isUp && !isDraining;
          const int32_t expected = mayHaveSome ? assigned.value_or(configured) : 0;
          CHECK_EQ(fullWeight(weighing(configured), condition), expected);
          CHECK_EQ(effectiveWeight(weighing(configured), condition, {}, 0), expected);
          CHECK_EQ(effectiveWeight(weighing(configured), condition, {std::nullopt, 10, 20}, 5), expected * 20);
          const int32_t floor = effectiveWeight(weighing(configured), condition, {Tick{5}, 10, 20}, 5);
          CHECK_EQ(floor, expected * 2);
        }
      }
    }
  }
}

// A service with a server of weight 3 whose condition the tests change.
struct Told : TestDirector {
  explicit Told(const char* scheduler = "wrr", uint32_t slowStartSeconds = 0) {
    ServiceConfig config{scheduler};
    config.slowStartSeconds = slowStartSeconds;
    addService(config);
    addServer(11, weighing(3));
    addServer(12);
    pass(slowStartSeconds + 1);
  }
  void tell(const ServerCondition& condition) {
    CHECK(apply(EditServer{kWeb, server(11), weighing(3), condition}).ok());
  }
  uint64_t newConnections(uint32_t flows) {
    const uint64_t before = row(11).traffic.connections;
    for (uint32_t i = 0; i < flows; i++) tcp(client++, kTcpSyn);
    return row(11).traffic.connections - before;
  }
  uint32_t client = 0;
};

TEST("a server's condition decides over its new connections, and its configured weight stays") {
  Told t;
  CHECK_EQ(t.newConnections(40), 30u);
  for (const ServerCondition& none : {kDown, kDraining, ServerCondition{.assignedWeight = 0}}) {
    t.tell(none);
    CHECK_EQ(t.row(11).effectiveWeight, 0.0);
    CHECK_EQ(t.row(11).config.weight, 3);
    CHECK(t.row(11).condition == none);
    CHECK_EQ(t.newConnections(40), 0u);
  }
  t.tell({true, false, 1});
  CHECK_EQ(t.row(11).effectiveWeight, 1.0);
  CHECK_EQ(t.newConnections(40), 20u);
  t.tell({});
  CHECK_EQ(t.newConnections(40), 30u);
}

TEST("connections of a server that is down or drained keep going to it") {
  Told t;
  uint32_t client = 1000;
  while (t.tcp(client, kTcpSyn) != "11") client++;
  for (const ServerCondition& none : {kDown, kDraining}) {
    t.tell(none);
    CHECK_EQ(t.tcp(client, kTcpAck), "11");
  }
}

TEST("a server that comes up, or whose drain is taken back, begins a slow start") {
  for (const ServerCondition& none : {kDown, kDraining, ServerCondition{.assignedWeight = 0}}) {
    Told t("wrr", 10);
    CHECK_EQ(t.row(11).effectiveWeight, 3.0);
    t.tell(none);
    t.pass(5);
    CHECK_EQ(t.row(11).effectiveWeight, 0.0);
    t.tell({});
    CHECK(t.row(11).effectiveWeight < 0.31 && t.row(11).effectiveWeight > 0.29);
    t.pass(11);
    CHECK_EQ(t.row(11).effectiveWeight, 3.0);
  }
}

TEST("the heaviest possible weight ramps beside the lightest, whatever their conditions become meanwhile") {
  for (const char* scheduler : {"wrr", "twos", "p2c"}) {
    Told t(scheduler, 10);
    t.tell(kDown);
    t.tell({true, false, INT32_MAX});
    CHECK(t.row(11).effectiveWeight >= INT32_MAX / 10 && t.row(11).effectiveWeight <= INT32_MAX / 10 + 1);
    CHECK_EQ(t.row(12).effectiveWeight, 1.0);
    t.pass(5);
    const double half = t.row(11).effectiveWeight;
    CHECK(half > 0.54 * INT32_MAX && half < 0.56 * INT32_MAX);
    CHECK(t.newConnections(400) >= 399);  // wrr still stands at the other one
    t.tell({true, false, 3});             // an edit continues the ramp, on a scale of its own
    CHECK(t.row(11).effectiveWeight > 1.6 && t.row(11).effectiveWeight < 1.7);
    t.tell({true, false, 0});
    CHECK_EQ(t.row(11).effectiveWeight, 0.0);
    CHECK_EQ(t.row(12).effectiveWeight, 1.0);
    CHECK_EQ(t.newConnections(40), 0u);
    t.tell({true, false, INT32_MAX});
    CHECK(t.row(11).effectiveWeight <= INT32_MAX / 10 + 1);
    t.pass(11);
    CHECK_EQ(t.row(11).effectiveWeight, static_cast<double>(INT32_MAX));
    CHECK_EQ(t.row(12).effectiveWeight, 1.0);
  }
}

TEST("an assigned weight below 0 is refused") {
  Told t;
  CHECK(!t.apply(EditServer{TestDirector::kWeb, TestDirector::server(11), {}, {true, false, -1}}).ok());
}

}  // namespace
}  // namespace tunvs::effective_weight_test
