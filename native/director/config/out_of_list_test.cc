// A server that health has taken out of the list is to schedulers as if it was removed, and back as if it came back to
// its old place.
#include <string>
#include <vector>

#include "support/random.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::out_of_list_test {
namespace {

using testing::Random;
using testing::TestDirector;

constexpr uint8_t kFirst = 11, kServers = 5;
const HealthCondition kOut{.isUp = false, .isOut = true};

// Two directors with the same servers: from one a server is removed, in the other it is out.
struct Pair {
  TestDirector removing, taking;
  std::vector<ServerConfig> configs;

  Pair(const char* scheduler, Random& random) {
    for (TestDirector* t : {&removing, &taking}) t->addService(scheduler);
    for (uint8_t n = 0; n < kServers; n++) {
      ServerConfig config;
      config.weight = static_cast<int32_t>(random.below(5));
      config.upperThreshold = random.oneIn(4) ? 20 : 0;
      configs.push_back(config);
      for (TestDirector* t : {&removing, &taking}) t->addServer(kFirst + n, config);
    }
  }

  // Sends the same packets to both. Returns false when they differ.
  bool agree(Random& random, int packets) {
    static constexpr uint8_t kFlags[] = {kTcpSyn, kTcpSyn, kTcpSyn, kTcpAck, kTcpFin};
    for (int i = 0; i < packets; i++) {
      const uint32_t client = random.below(400);
      const uint8_t flags = kFlags[random.below(std::size(kFlags))];
      if (removing.tcp(client, flags) != asOfRemoved(taking.tcp(client, flags))) return false;
      if (random.oneIn(20)) {
        removing.pass(1);
        taking.pass(1);
      }
    }
    return true;
  }

  // Its connections' packets are dropped in both.
  static std::string asOfRemoved(const std::string& verdict) {
    return verdict == "dropServerDown" ? "dropServerGone" : verdict;
  }

  void takeOut(uint8_t n) {
    removing.deleteServer(kFirst + n);
    HealthCondition health = kOut;
    health.onDown = OnDown::drop;
    taking.setHealth(kFirst + n, health);
  }

  void bringBack(uint8_t n) {
    std::vector<Operation> operations;
    for (uint8_t at = kServers - 1; at > n; at--)
      operations.push_back(DeleteServer{TestDirector::kWeb, TestDirector::server(kFirst + at)});
    for (uint8_t at = n; at < kServers; at++)
      operations.push_back(AddServer{TestDirector::kWeb, TestDirector::server(kFirst + at), configs[at]});
    CHECK(removing.director.apply(operations).ok());
    taking.setHealth(kFirst + n, {});
  }
};

bool holdsFor(const char* scheduler, uint64_t seed) {
  Random random(seed);
  Pair pair(scheduler, random);
  const bool hasCursor = std::string_view(scheduler) == "rr" || std::string_view(scheduler) == "wrr";
  bool holds = pair.agree(random, 200);
  for (int round = 0; round < 3 && holds; round++) {
    // Adding a server anywhere but to the head moves cursors.
    const uint8_t n = hasCursor ? kServers - 1 : static_cast<uint8_t>(random.below(kServers));
    pair.takeOut(n);
    holds = pair.agree(random, 150);
    if (random.oneIn(2)) {
      pair.configs[n].weight = static_cast<int32_t>(1 + random.below(4));
      CHECK(pair.taking
                .apply(EditServer{TestDirector::kWeb,
                                  TestDirector::server(kFirst + n),
                                  pair.configs[n],
                                  {.health = {.isUp = false, .isOut = true, .onDown = OnDown::drop}}})
                .ok());
    }
    holds = holds && pair.agree(random, 150);
    if (!holds) break;
    pair.bringBack(n);
    holds = pair.agree(random, 200);
  }
  if (!holds) testing::fail(__FILE__, __LINE__, std::string(scheduler) + " with seed " + std::to_string(seed));
  return holds;
}

TEST("every scheduler chooses as if a server that is out was removed, and as if it came back to its place") {
  for (const Scheduler* scheduler : schedulers()) {
    const std::string name(scheduler->name());
    for (uint64_t seed = 1; seed <= 30 / testing::kFewer; seed++) {
      if (!holdsFor(name.c_str(), seed)) return;
    }
  }
}

TEST("a change of a server that is out leaves the walk of wrr where it is") {
  TestDirector t;
  t.addService("wrr");
  for (const uint8_t server : {11, 12, 13}) t.addServer(server);
  t.setHealth(12, kOut);
  CHECK_EQ(t.tcp(1, kTcpSyn), "13");
  for (int32_t weight = 2; weight < 5; weight++) {
    ServerConfig config;
    config.weight = weight;
    CHECK(t.apply(EditServer{TestDirector::kWeb, TestDirector::server(12), config, {.health = kOut}}).ok());
  }
  CHECK_EQ(t.tcp(2, kTcpSyn), "11");
}

TEST("a table of hashes has a slot for a server of weight 0, and none for one that is out") {
  TestDirector t;
  t.addService("sh");
  for (const uint8_t server : {11, 12}) t.addServer(server);
  const auto refused = [&] {
    int count = 0;
    for (uint32_t client = 0; client < 40; client++) {
      const auto from = IpAddress::v4(198, 51, 100, static_cast<uint8_t>(1 + client));
      const auto packet = testing::PacketBuilder().ip(from, TestDirector::kWeb.address).tcp(1000, 80, kTcpSyn).build();
      count += t.send(packet) == "dropNoServer";
    }
    t.pass(1000);
    return count;
  };
  CHECK_EQ(refused(), 0);
  t.setHealth(12, {.isUp = false});
  CHECK(refused() > 0);
  t.setHealth(12, kOut);
  CHECK_EQ(refused(), 0);
}

TEST("a server that health brings back has its slow start, as one that is added") {
  TestDirector t;
  ServiceConfig config{"wrr"};
  config.slowStartSeconds = 100;
  t.addService(config);
  for (const uint8_t server : {11, 12}) t.addServer(server);
  t.pass(200);
  CHECK_EQ(t.row(12).effectiveWeight, 1.0);
  for (const HealthCondition& down : {kOut, HealthCondition{.isUp = false}, HealthCondition{.factor = 0}}) {
    t.setHealth(12, down);
    t.pass(50);
    CHECK_EQ(t.row(12).effectiveWeight, 0.0);
    t.setHealth(12, {});
    CHECK_EQ(t.row(12).effectiveWeight, 0.1);
    t.pass(50);
    CHECK(t.row(12).effectiveWeight > 0.5 && t.row(12).effectiveWeight < 0.6);
    t.setHealth(12, {.onDown = OnDown::reset});  // what says nothing new begins none
    CHECK(t.row(12).effectiveWeight > 0.5);
    t.pass(60);
    CHECK_EQ(t.row(12).effectiveWeight, 1.0);
  }
}

}  // namespace
}  // namespace tunvs::out_of_list_test
