#include <map>

#include "support/test_table.h"
#include "support/testing.h"
#include "table/conn_table.h"

namespace tunvs::conn_table_expiry_test {
namespace {

using testing::numberedKey;
using testing::TestTable;

constexpr uint32_t kSlotTicks = ExpiryWheels::kTicksPerSlot;  // lazy expiry may be late by this
constexpr uint32_t kWheelTicks = ExpiryWheels::kRound;

TEST("a connection expires at its deadline and not a tick before") {
  for (const Tick deadline : {1u, 15u, 16u, 17u, 250u, 15000u, kWheelTicks - 1, kWheelTicks, kWheelTicks + 1, 225000u,
                              669600000u /* 31 days */}) {
    TestTable t;
    t.insert(numberedKey(1), deadline);
    CHECK_EQ(t.expire(deadline - 1), 0u);
    CHECK(t.find(numberedKey(1)) != nullptr);
    CHECK_EQ(t.expire(deadline), 1u);
    CHECK_EQ(t.find(numberedKey(1)), nullptr);
    CHECK_EQ(t.table.liveCount(), 0u);
  }
}

TEST("connections expire tick by tick, each at its own") {
  TestTable t(4096);
  constexpr Tick kLast = 2000;
  for (Tick i = 1; i <= kLast; i++) t.insert(numberedKey(i), i);
  for (Tick now = 0; now <= kLast; now++) {
    const size_t expected = now == 0 ? 0 : 1;
    if (!CHECK_EQ(t.expire(now), expected)) return;
  }
}

TEST("lazy expiry is late by less than one slot") {
  for (Tick deadline = 100; deadline < 140; deadline++) {
    TestTable t;
    t.insert(numberedKey(1), deadline);
    CHECK_EQ(t.expire(deadline - 1, /*exact=*/false), 0u);
    CHECK_EQ(t.expire(deadline + kSlotTicks, /*exact=*/false), 1u);
  }
}

TEST("a connection whose deadline a packet moved on is kept") {
  TestTable t;
  Conn* conn = t.insert(numberedKey(1), 100);
  // As packets do, this changes only the deadline, and the wheel does not know.
  for (Tick now = 0; now < 300000; now += 90) {
    conn->expires.store(now + 100);
    if (!CHECK_EQ(t.expire(now), 0u)) return;
  }
  const Tick last = conn->expires.load();
  CHECK_EQ(t.expire(last - 1), 0u);
  CHECK_EQ(t.expire(last), 1u);
}

TEST("a connection whose deadline was moved to an earlier time expires early") {
  TestTable t;
  t.insert(numberedKey(1), 225000);
  t.insert(numberedKey(2), 225000);
  t.expire(1000);
  t.setDeadline(numberedKey(1), 3500);
  CHECK_EQ(t.expire(3499), 0u);
  CHECK_EQ(t.expire(3500), 1u);
  CHECK_EQ(t.find(numberedKey(1)), nullptr);
  CHECK(t.find(numberedKey(2)) != nullptr);
}

TEST("a connection whose deadline is set into the past expires at the next look") {
  TestTable t(1024, Family::ipv4, 5000);
  t.insert(numberedKey(1), 6000);
  t.setDeadline(numberedKey(1), 4000);
  CHECK_EQ(t.expire(5000), 1u);
}

TEST("expiry catches up after a long pause") {
  // The pauses are beyond the wheel's span, beyond several, and just short of where ticks could not be compared any
  // more.
  for (const Tick pause : {kWheelTicks - 1, kWheelTicks, kWheelTicks + 1, 3 * kWheelTicks + 5, 0x7fff0000u}) {
    TestTable t(4096);
    std::map<uint32_t, Tick> deadlines;
    for (uint32_t i = 0; i < 2000; i++) {
      const Tick deadline = i % 2 == 0 ? 1 + i * 37 : pause + 1 + i * 37;
      if (pause + 1 + i * 37 > 0x7ffffff0u) continue;
      deadlines[i] = deadline;
      t.insert(numberedKey(i), deadline);
    }
    t.expire(pause);
    for (const auto& [i, deadline] : deadlines) {
      if (!CHECK_EQ(t.find(numberedKey(i)) != nullptr, !reached(pause, deadline))) return;
    }
    // It goes on as if there had been no pause.
    t.insert(numberedKey(5000), pause + 700);
    const uint64_t before = t.table.liveCount();
    CHECK(t.expire(pause + 699) < before);
    CHECK(t.find(numberedKey(5000)) != nullptr);
    t.expire(pause + 700);
    CHECK_EQ(t.find(numberedKey(5000)), nullptr);
  }
}

TEST("expiry keeps time when ticks wrap around at 2^32") {
  for (const uint32_t before : {0u, 1u, 15u, 16u, 17u, 1000u, kWheelTicks}) {
    const Tick start = 0u - before;
    TestTable t(1024, Family::ipv4, start);
    t.insert(numberedKey(1), start + 40);
    t.insert(numberedKey(2), start + 1200);
    t.insert(numberedKey(3), start + 3 * kWheelTicks);
    CHECK_EQ(t.expire(start + 39), 0u);
    CHECK_EQ(t.expire(start + 40), 1u);
    CHECK_EQ(t.find(numberedKey(1)), nullptr);
    CHECK_EQ(t.expire(start + 1199), 0u);
    CHECK_EQ(t.expire(start + 1200), 1u);
    CHECK_EQ(t.expire(start + 3 * kWheelTicks - 1), 0u);
    CHECK_EQ(t.expire(start + 3 * kWheelTicks), 1u);
  }
}

TEST("expiry ignores a time before the one that it has reached") {
  TestTable t(1024, Family::ipv4, 10000);
  t.insert(numberedKey(1), 10050);
  t.expire(10040);
  CHECK_EQ(t.expire(9000), 0u);
  CHECK_EQ(t.expire(10049), 0u);
  CHECK_EQ(t.expire(10050), 1u);
}

TEST("a due connection gets the time that its owner grants") {
  TestTable t;
  t.insert(numberedKey(1), 100);
  size_t asked = 0;
  const auto grant = [&](Tick now, uint32_t ticks) {
    testing::expireShard(t.table, 0, now, true, SIZE_MAX, [&](Conn&) {
      asked++;
      return ticks;
    });
  };
  grant(100, 15000);
  CHECK_EQ(asked, 1u);
  grant(100, 15000);
  CHECK_EQ(asked, 1u);
  CHECK_EQ(t.find(numberedKey(1))->expires.load(), 15100u);
  grant(15099, 15000);
  CHECK_EQ(asked, 1u);
  grant(15100, 3);  // within the current slot
  CHECK_EQ(asked, 2u);
  grant(15103, 0);
  CHECK_EQ(asked, 3u);
  CHECK_EQ(t.find(numberedKey(1)), nullptr);
}

TEST("expiry stops at its budget and goes on from there") {
  TestTable t(4096);
  for (uint32_t i = 0; i < 1000; i++) t.insert(numberedKey(i), 50 + i % 7);
  size_t expired = 0, rounds = 0;
  bool isDone = false;
  while (!isDone && rounds < 100) {
    const size_t before = expired;
    isDone = testing::expireShard(t.table, 0, 60, true, 30, [&](Conn&) {
      expired++;
      return 0u;
    });
    CHECK(expired - before <= 30);
    rounds++;
  }
  CHECK(isDone);
  CHECK_EQ(expired, 1000u);
  CHECK(rounds >= 33 && rounds <= 36);
}

TEST("expiry reports that a shard with nothing due is up to date") {
  TestTable t;
  t.insert(numberedKey(1), 100000);
  for (const bool exact : {false, true}) {
    CHECK(testing::expireShard(t.table, 0, 1000, exact, SIZE_MAX, [](Conn&) {
      CHECK(false);
      return 0u;
    }));
  }
}

}  // namespace
}  // namespace tunvs::conn_table_expiry_test
