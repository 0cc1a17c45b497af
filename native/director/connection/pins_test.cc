#include "director/connection/pins.h"

#include "support/testing.h"

namespace tunvs::pins_test {
namespace {

// Pins with one worker, which is within its epoch until turn() lets it pass.
struct Table {
  Table() { epochs.enter(0); }

  static FlowKey flow(uint32_t number) {
    return FlowKey::make(IpAddress::v4(Be32::from(0x0a000001 + number / 60000)),
                         Be16::from(static_cast<uint16_t>(1 + number % 60000)), IpAddress::v4(192, 0, 2, 10),
                         Be16::from(80), static_cast<uint8_t>(IpProtocol::tcp));
  }
  Result<uint32_t> add(uint32_t number, Tick ttl = 1000) {
    return pins.add({.flow = flow(number), .service = {}, .server = {}, .ttl = ttl}, server, number, now);
  }
  Pin* find(uint32_t number) const { return pins.find(flow(number), number, now); }
  int32_t references() { return pool.references(server).load(); }
  void turn() {
    epochs.enter(0);
    epochs.advance();
    epochs.enter(0);
  }

  Epochs epochs;
  ServerPool pool{1};
  uint32_t server = pool.add().value();
  Pins pins{pool, epochs};
  Tick now = 5000;
};

}  // namespace

TEST("pins whose flows share a bucket are found, and taken out, each for itself") {
  Table t;
  const uint32_t step = Pins::kMax;  // the flow's hash is its number here
  uint32_t names[3];
  for (uint32_t i = 0; i < 3; i++) names[i] = t.add(7 + i * step).value();
  for (const uint32_t gone : {1u, 0u, 2u}) {
    CHECK(t.find(7 + gone * step) != nullptr);
    t.pins.takeBack(names[gone]);
    CHECK(t.find(7 + gone * step) == nullptr);
    CHECK(t.pins.named(names[gone], t.now) == nullptr);
  }
  CHECK_EQ(t.pins.count(), 0u);
}

TEST("there are so many pins at most; those that are over make room, with their reports") {
  Table t;
  const uint32_t first = t.add(0, 10).value();
  for (uint32_t i = 1; i < Pins::kMax; i++) CHECK(t.add(i).ok());
  const auto refused = t.add(Pins::kMax);
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ErrorCode::limit);
  t.now += 10;
  CHECK(!t.add(Pins::kMax).ok());  // the worker may still use the one that is over
  CHECK(!t.pins.report(first).has_value());
  t.turn();
  CHECK(t.add(Pins::kMax).ok());
  CHECK(!t.add(Pins::kMax + 1).ok());
  CHECK_EQ(t.pins.count(), Pins::kMax);
}

TEST("a pin holds its server until no worker can have it any more") {
  Table t;
  const uint32_t name = t.add(1).value();
  Pin* pin = t.find(1);
  CHECK_EQ(t.references(), 1);
  t.pins.takeBack(name);
  t.pins.collect(t.now);
  CHECK_EQ(t.references(), 1);
  pin->countKept(Verdict::dropTooLong);  // a sanitizer sees whether it was freed
  t.turn();
  t.pins.collect(t.now);
  CHECK_EQ(t.references(), 0);
}

TEST("a name is of one pin: the next in its place has another") {
  Table t;
  const uint32_t first = t.add(1).value();
  CHECK(Pins::isName(first));
  CHECK(!Pins::isName(ServerPool::kMaxServers - 1));
  CHECK(t.pins.named(first, t.now) == t.find(1));
  t.pins.takeBack(first);
  t.turn();
  t.pins.collect(t.now);
  const uint32_t second = t.add(2).value();
  CHECK(second != first);
  CHECK(t.pins.named(first, t.now) == nullptr);
  CHECK(!t.pins.report(first).has_value());
  CHECK(t.pins.named(second, t.now) == t.find(2));
  for (const uint32_t none : {0u, UINT32_MAX, second + 1}) {
    t.pins.release(none, t.now);
    CHECK(!t.pins.report(none).has_value());
  }
  CHECK(t.find(2) != nullptr);
}

TEST("only pins that are not over are visited") {
  Table t;
  CHECK(t.add(1, 10).ok());
  CHECK(t.add(2, 20).ok());
  t.now += 10;
  std::vector<FlowKey> visited;
  t.pins.forEach(t.now, [&](Pin& pin) { visited.push_back(pin.flow); });
  REQUIRE(visited.size() == 1);
  CHECK(visited[0] == Table::flow(2));
}

}  // namespace tunvs::pins_test
