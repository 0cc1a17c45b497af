#include "engine/event_ring.h"

#include <atomic>
#include <set>
#include <thread>

#include "support/testing.h"

namespace tunvs::event_ring_test {
namespace {

TEST("hands out events in the order in which they came, once") {
  EventRing ring;
  ring.push({EventType::tableFull, 7, "first"});
  ring.push({EventType::deviceLost, 1, "second"});
  const auto events = ring.drain();
  REQUIRE(events.size() == 2);
  CHECK(events[0].type == EventType::tableFull);
  CHECK_EQ(events[0].value, 7u);
  CHECK_EQ(events[0].message, "first");
  CHECK_EQ(events[1].message, "second");
  CHECK(ring.drain().empty());
}

TEST("gives every type of event a name of its own") {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kEventTypes; i++) names.insert(nameOf(static_cast<EventType>(i)));
  CHECK_EQ(names.size(), kEventTypes);
  CHECK(!names.contains(""));
}

TEST("notifies for the first event after every draining, and for no other") {
  EventRing ring;
  int notified = 0;
  ring.notify([&] { notified++; });
  for (int i = 0; i < 5; i++) ring.push({EventType::tableFull, 1, ""});
  CHECK_EQ(notified, 1);
  ring.drain();
  CHECK_EQ(notified, 1);
  ring.push({EventType::tableFull, 1, ""});
  CHECK_EQ(notified, 2);
}

TEST("lets the callback drain at once") {
  EventRing ring;
  size_t drained = 0;
  ring.notify([&] { drained += ring.drain().size(); });
  for (int i = 0; i < 3; i++) ring.push({EventType::tableFull, 1, ""});
  CHECK_EQ(drained, 3u);
}

TEST("keeps the oldest events when full and says how many it lost") {
  EventRing ring;
  for (uint64_t i = 0; i < EventRing::kCapacity + 10; i++) ring.push({EventType::tableFull, i, ""});
  const auto events = ring.drain();
  REQUIRE(events.size() == EventRing::kCapacity + 1);
  for (uint64_t i = 0; i < EventRing::kCapacity; i++) {
    if (!CHECK_EQ(events[i].value, i)) return;
  }
  CHECK(events.back().type == EventType::eventsLost);
  CHECK_EQ(events.back().value, 10u);
  ring.push({EventType::tableFull, 1, ""});
  CHECK_EQ(ring.drain().size(), 1u);  // the loss was reported and is over
}

TEST("loses no event between threads without counting it") {
  EventRing ring;
  constexpr uint64_t kPushers = 3, kEach = 20000;
  std::atomic<uint64_t> pushing = kPushers;
  std::vector<std::thread> pushers;
  for (uint64_t pusher = 0; pusher < kPushers; pusher++) {
    pushers.emplace_back([&] {
      for (uint64_t i = 0; i < kEach; i++) ring.push({EventType::tableFull, 1, "full"});
      pushing--;
    });
  }
  uint64_t seen = 0, lost = 0;
  for (bool isLast = false; !isLast;) {
    isLast = pushing.load() == 0;
    for (const auto& event : ring.drain()) (event.type == EventType::eventsLost ? lost : seen) += event.value;
  }
  for (auto& pusher : pushers) pusher.join();
  CHECK_EQ(seen + lost, kPushers * kEach);
}

}  // namespace
}  // namespace tunvs::event_ring_test
