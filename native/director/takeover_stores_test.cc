// A director is stopped after every single store into the memory that outlives it, and what lies there then is taken
// over: whatever it was doing, everything that it was not doing goes on.
#include <functional>

#include "support/killed_everywhere.h"

namespace tunvs::takeover_stores_test {
namespace {

using testing::addServices;
using testing::exchanged;
using testing::kNat;
using testing::Outside;
using testing::TestDirector;
using testing::toNat;
using testing::wrongWith;

const ServiceKey kWeb = TestDirector::kWeb;
constexpr uint32_t kBystanders = 20;

// What the director has before the operation, and what must be there after it, unless the operation is about it.
struct Scene {
  std::function<void(TestDirector&)> prepare = [](TestDirector&) {};
  std::function<void(TestDirector&)> operate;
  // Which connections it is not about.
  bool sparesTcp = true, sparesUdp = true, sparesTranslated = true;
};

std::vector<std::string> openBystanders(TestDirector& t) {
  std::vector<std::string> servers;
  for (uint32_t i = 0; i < kBystanders; i++) servers.push_back(t.establish(i));
  for (uint32_t i = 0; i < kBystanders; i++) servers.push_back(t.udp(i * 60000));
  for (uint16_t i = 0; i < kBystanders; i++) {
    servers.push_back(t.send(toNat(static_cast<uint16_t>(20000 + i), kTcpSyn)));
    t.send(exchanged(t.sent));
  }
  return servers;
}

// Returns what is wrong with those that the operation is not about, or "".
std::string wrongWithBystanders(TestDirector& t, const Scene& scene, const std::vector<std::string>& servers) {
  std::string wrong;
  const auto look = [&](size_t at, const std::string& now) {
    if (now != servers[at].substr(0, 2))
      wrong = "bystander " + std::to_string(at) + " went to " + now + ", not " + servers[at];
  };
  for (uint32_t i = 0; i < kBystanders && wrong.empty(); i++) {
    if (scene.sparesTcp) look(i, t.tcp(i, kTcpAck));
    if (scene.sparesUdp) look(kBystanders + i, t.udp(i * 60000));
    if (scene.sparesTranslated) look(2 * kBystanders + i, t.send(toNat(static_cast<uint16_t>(20000 + i), kTcpAck)));
  }
  return wrong;
}

// All that a director of these tests has, beside what a scene is about.
struct Everything {
  const Scene& scene;
  std::vector<std::string> servers = {};

  std::unique_ptr<TestDirector> open(const Outside& outside, bool isOld, Tick now) const {
    auto t = outside.open(isOld, now);
    addServices(*t);
    return t;
  }
  void begin(TestDirector& t) { servers = openBystanders(t); }
  void prepare(TestDirector& t) const { scene.prepare(t); }
  void operate(TestDirector& t) const { scene.operate(t); }
  std::string wrongAfter(TestDirector& t) const {
    const std::string wrong = wrongWith(t);
    return wrong.empty() ? wrongWithBystanders(t, scene, servers) : wrong;
  }
};

void check(const Scene& scene, size_t least) { testing::checkKilledEverywhere(Everything{scene}, least); }

TEST("killed at every store while it opens a connection") {
  check({.operate = [](TestDirector& t) { t.tcp(5000, kTcpSyn); }}, 10);
}

TEST("killed at every store while it opens a connection with a template") {
  check({.operate = [](TestDirector& t) { t.udp(5000 * 60000u); }}, 20);
}

TEST("killed at every store while it opens a translated connection, which is two entries") {
  check({.operate = [](TestDirector& t) { t.send(toNat(31000, kTcpSyn)); }}, 20);
}

TEST("killed at every store while connections change their states") {
  check({.prepare = [](TestDirector& t) { t.tcp(5000, kTcpSyn); },
         .operate =
             [](TestDirector& t) {
               for (const uint8_t flags : {kTcpAck, kTcpFin, kTcpRst}) t.tcp(5000, flags);
             }},
        5);
}

TEST("killed at every store while connections expire") {
  check({.prepare =
             [](TestDirector& t) {
               for (const uint8_t flags : {kTcpSyn, kTcpRst}) {
                 for (uint32_t i = 5000; i < 5003; i++) t.tcp(i, flags);
                 t.send(toNat(31000, flags));
               }
             },
         .operate =
             [](TestDirector& t) {
               t.now += ticksFromSeconds(15);
               while (!t.director.expire(0, t.now, true, 1000)) continue;
             }},
        40);
}

TEST("killed at every store while a connection gives way in a full table") {
  check({.prepare =
             [](TestDirector& t) {
               for (uint32_t i = 5000; i < 5000 + 2 * ConnTable::kMinCapacity; i++) t.tcp(i, kTcpSyn);
               t.now += ticksFromSeconds(20);
             },
         .operate = [](TestDirector& t) { t.tcp(4000, kTcpSyn); },
         .sparesUdp = false},
        25);
}

TEST("killed at every store while a server's connections are ended") {
  check({.prepare = [](TestDirector& t) { t.tcp(5000, kTcpSyn); },
         .operate =
             [](TestDirector& t) {
               static_cast<void>(t.director.endConnections(kNat, {IpAddress::v4(10, 0, 0, 11), 8080}));
             },
         .sparesTranslated = false},
        20);
}

TEST("killed at every store while servers come and go") {
  check({.operate =
             [](TestDirector& t) {
               t.addServer(77, {}, kWeb);
               t.deleteServer(77, kWeb);
               for (int i = 0; i < 4; i++) {
                 t.now += ticksFromSeconds(61);
                 t.director.collect(t.now);
               }
               t.addServer(78, {}, kWeb);
             }},
        5);
}

}  // namespace
}  // namespace tunvs::takeover_stores_test
