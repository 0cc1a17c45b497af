#include <set>

#include "core/conn_table.h"
#include "support/random.h"
#include "support/test_table.h"
#include "support/testing.h"

namespace tunvs {
namespace {

using testing::numberedKey;
using testing::TestTable;

constexpr uint32_t kCapacity = ConnTable::kMinCapacity;

TEST("holds as many connections as were promised before the first is evicted") {
  TestTable t(kCapacity);
  size_t evicted = 0;
  for (uint32_t i = 0; i < kCapacity; i++) {
    CHECK(t.insertOr(numberedKey(i), 1000, [&](Conn&) { return ++evicted > 0; }) != nullptr);
  }
  CHECK_EQ(evicted, 0u);
  t.insertOr(numberedKey(kCapacity), 1000, [&](Conn&) { return ++evicted > 0; });
  CHECK_EQ(evicted, 1u);
  CHECK_EQ(t.table.liveCount(), kCapacity);
}

TEST("evicts the connection that is nearest to its deadline") {
  TestTable t(kCapacity);
  // 617 and the capacity have no common divisor: every deadline comes once, each in a slot of the wheel of its own.
  for (uint32_t i = 0; i < kCapacity; i++) t.insert(numberedKey(i), 1000 + 16 * ((i * 617) % kCapacity), i);
  Tick last = 0;
  for (uint32_t i = 0; i < 200; i++) {
    t.insertOr(numberedKey(10000 + i), 60000, [&](Conn& victim) {
      CHECK(victim.expires.load() > last);
      CHECK_EQ(victim.expires.load(), 1000 + 16 * i);
      last = victim.expires.load();
      return true;
    });
  }
}

TEST("evicts closing and half-open connections before established ones that are in use") {
  TestTable t(kCapacity);
  constexpr Tick kEstablished = 225000, kHalfOpen = 15000;
  for (uint32_t i = 0; i < kCapacity; i++) t.insert(numberedKey(i), i % 4 == 0 ? kHalfOpen : kEstablished, i % 4);
  size_t evicted = 0;
  for (uint32_t i = 0; i < kCapacity / 4; i++) {
    if (i % 200 == 0) t.epochs.advance();
    t.insertOr(
        numberedKey(10000 + i), kHalfOpen + 100 + i,
        [&](Conn& victim) {
          CHECK_EQ(victim.server.load(), 0u);
          return ++evicted > 0;
        },
        0);
  }
  CHECK_EQ(evicted, kCapacity / 4);
}

TEST("finds out on the way that packets moved a deadline on") {
  TestTable t(kCapacity);
  for (uint32_t i = 0; i < kCapacity; i++) {
    Conn* conn = t.insert(numberedKey(i), 1000, i);
    if (i != 700 && i % 30 == 0) conn->expires.store(200000);  // the wheel still believes 1000
  }
  t.insertOr(numberedKey(5000), 200000, [&](Conn& victim) {
    CHECK_EQ(victim.expires.load(), 1000u);
    return true;
  });
}

TEST("looks at a bounded number of connections before it gives one up") {
  TestTable t(kCapacity);
  for (uint32_t i = 0; i < kCapacity; i++) t.insert(numberedKey(i), 1000)->expires.store(200000);
  size_t asked = 0;
  CHECK(t.insertOr(numberedKey(5000), 200000, [&](Conn&) { return ++asked > 0; }) != nullptr);
  CHECK_EQ(asked, 1u);

  TestTable unwilling(kCapacity);
  for (uint32_t i = 0; i < kCapacity; i++) unwilling.insert(numberedKey(i), 1000);
  asked = 0;
  CHECK_EQ(unwilling.insertOr(numberedKey(5000), 1000, [&](Conn&) { return ++asked == 0; }), nullptr);
  CHECK(asked > 0 && asked <= ConnTable::kEvictionSearch);
  CHECK_EQ(unwilling.table.liveCount(), kCapacity);
  CHECK_EQ(unwilling.find(numberedKey(5000)), nullptr);
}

TEST("goes on to the next connection when an owner keeps one") {
  TestTable t(kCapacity);
  for (uint32_t i = 0; i < kCapacity; i++) t.insert(numberedKey(i), 1000 + 16 * (i / 2), i);  // two to a slot
  const auto keepsFirstFive = [](Conn& victim) { return victim.server.load() >= 5; };
  CHECK(t.insertOr(numberedKey(5000), 60000, keepsFirstFive) != nullptr);
  for (uint32_t i = 0; i < 5; i++) CHECK(t.find(numberedKey(i)) != nullptr);
  CHECK_EQ(t.find(numberedKey(5)), nullptr);
  CHECK_EQ(t.table.liveCount(), kCapacity);
}

TEST("reuses a removed connection's memory only when every reader has moved on") {
  TestTable t(kCapacity);
  for (uint32_t i = 0; i < kCapacity; i++) t.insert(numberedKey(i), 1000, i);
  t.epochs.enter(0);
  std::set<const Conn*> held;
  size_t inserted = 0;
  // One after the other gives way until the room for those that wait is used up too.
  for (uint32_t i = 0; i < 5000; i++) {
    const FlowKey key = numberedKey(10000 + i);
    const Conn* victim = nullptr;
    Conn* conn = t.insertOr(
        key, 2000,
        [&](Conn& v) {
          victim = &v;
          return true;
        },
        1);
    if (victim != nullptr) held.insert(victim);
    if (conn == nullptr) break;
    CHECK(!held.contains(conn));
    inserted++;
    t.epochs.advance();  // the reader stays where it was
  }
  CHECK(inserted >= 256);
  CHECK(inserted < 5000);
  for (const Conn* conn : held) CHECK(!conn->isLive());

  t.epochs.enter(0);
  Conn* conn = t.insert(numberedKey(50000), 2000);
  CHECK(conn != nullptr);
  CHECK(held.contains(conn));
}

TEST("never runs out of memory while readers pass on") {
  TestTable t(kCapacity);
  t.epochs.enter(0);
  for (int round = 0; round < 50; round++) {
    for (uint32_t i = 0; i < 1000; i++) {
      if (!CHECK(t.insert(numberedKey(i), 1000) != nullptr)) return;
    }
    for (uint32_t i = 0; i < 1000; i++) t.remove(numberedKey(i));
    t.epochs.advance();
    t.epochs.enter(0);
  }
  CHECK_EQ(t.table.liveCount(), 0u);
}

TEST("keeps the count of live connections within the capacity under a flood") {
  TestTable t(kCapacity);
  testing::Random random(5);
  for (uint32_t i = 0; i < 20000; i++) {
    if (i % 64 == 0) t.epochs.advance();
    t.insert(numberedKey(i), 1000 + random.below(100000));
    if (!CHECK(t.table.liveCount() <= kCapacity)) return;
  }
  size_t found = 0;
  for (uint32_t i = 0; i < 20000; i++) found += t.find(numberedKey(i)) != nullptr;
  CHECK_EQ(found, kCapacity);
}

}  // namespace
}  // namespace tunvs
