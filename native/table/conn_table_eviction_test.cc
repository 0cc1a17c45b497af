#include <set>

#include "support/random.h"
#include "support/test_table.h"
#include "support/testing.h"
#include "table/conn_table.h"

namespace tunvs::conn_table_eviction_test {
namespace {

using testing::numberedKey;
using testing::TestTable;

constexpr uint32_t kCapacity = ConnTable::kMinCapacity;

TEST("a table holds as many connections as were promised before the first is evicted") {
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

// An entry's server number here says where it stands, and its state says whether it gives way.
struct StatedJudge {
  Place place(const Conn& conn) const { return {static_cast<Standing>(conn.server.load()), conn.expires.load()}; }
  Yield yields(const Conn& conn, Standing) { return looks++, static_cast<Yield>(conn.state.load()); }
  uint32_t idle(const Conn& conn) const { return conn.packets.load(); }
  void evict(Conn& conn, Standing at) { victim = &conn, standing = at; }
  uint32_t onDue(Conn&) { return 0; }

  size_t looks = 0;
  const Conn* victim = nullptr;
  Standing standing{};
};

struct StatedTable : TestTable {
  explicit StatedTable(uint32_t capacity = kCapacity) : TestTable(capacity) {}
  Conn* add(uint32_t number, Standing standing, Tick due, Yield yield = Yield::gives, uint32_t idle = 0) {
    const FlowKey key = numberedKey(number);
    const uint64_t hash = table.hash(key);
    const ConnTable::Guard guard(table, hash);
    judge.victim = nullptr;
    return table.insertLocked(key, hash,
                              {.server = static_cast<uint32_t>(standing),
                               .expires = due,
                               .state = static_cast<uint8_t>(yield),
                               .packets = idle},
                              now, judge);
  }
  bool has(uint32_t number) const { return find(numberedKey(number)) != nullptr; }
  void expireTo(Tick then) {
    now = then;
    size_t budget = SIZE_MAX;
    for (uint32_t shard = 0; shard < table.shardCount(); shard++) table.expire(shard, now, true, budget, judge);
  }

  StatedJudge judge;
  Tick now = 0;
};

TEST("eviction goes by standing, and within one takes the first that was linked of those that are due first") {
  StatedTable t;
  // The better ones are due first, so they would go if only the time left counted.
  constexpr Standing kOrder[] = {Standing::closing,    Standing::stale,     Standing::slightLong, Standing::slightIdle,
                                 Standing::slightBusy, Standing::solidLong, Standing::solidIdle,  Standing::fresh};
  uint32_t number = 0;
  for (uint32_t i = 0; i < std::size(kOrder); i++) {
    for (uint32_t k = 0; k < 20; k++) t.add(number++, kOrder[i], 20000 - 1000 * i + 100 * (k / 4));
  }
  for (; number < kCapacity; number++) t.add(number, Standing::solidBusy, 501 + number, Yield::keeps);
  for (uint32_t i = 0; i < 160; i++) {
    CHECK(t.add(10000 + i, Standing::held, 50000) != nullptr);
    if (!CHECK(!t.has(i))) return;
    if (!CHECK(t.judge.standing == kOrder[i / 20])) return;
    if (i % 50 == 0) t.epochs.advance();
  }
  CHECK(t.add(20000, Standing::held, 50000) == nullptr);
}

TEST("entries that cannot be evicted are not in the way of the search") {
  StatedTable t;
  for (uint32_t i = 0; i < kCapacity - 1; i++) t.add(i, i % 2 == 0 ? Standing::held : Standing::heldUnproven, 100);
  t.add(kCapacity - 1, Standing::stale, 60000);
  t.judge.looks = 0;
  CHECK(t.add(5000, Standing::fresh, 1000) != nullptr);
  CHECK(!t.has(kCapacity - 1));
  CHECK_EQ(t.judge.looks, 1u);
}

TEST("links that are out of date do not use up the search, and are not left as they were") {
  StatedTable t;
  for (uint32_t i = 0; i < 100; i++) t.add(i, Standing::stale, 1000);
  for (uint32_t i = 100; i < kCapacity; i++) t.add(i, Standing::stale, 5000);
  for (uint32_t i = 0; i < 100; i++) t.find(numberedKey(i))->server = static_cast<uint32_t>(Standing::solidBusy);
  CHECK(t.add(5000, Standing::fresh, 1000) != nullptr);
  CHECK(!t.has(100));
  t.judge.looks = 0;
  CHECK(t.add(5001, Standing::fresh, 1000) != nullptr);
  CHECK_EQ(t.judge.looks, 1u);
  for (uint32_t i = 0; i < 100; i++) CHECK(t.has(i));
}

TEST("eviction takes the best that it has seen if every link is out of date, and looks at a bounded number") {
  StatedTable t;
  for (uint32_t i = 0; i < kCapacity; i++) t.add(i, Standing::fresh, 1000, Yield::gives, i == 77 ? 9 : i % 7);
  for (uint32_t i = 0; i < kCapacity; i++) t.find(numberedKey(i))->expires = 200000;
  t.judge.looks = 0;
  CHECK(t.add(5000, Standing::fresh, 300000) != nullptr);
  CHECK(!t.has(77));
  CHECK(t.judge.looks <= kEvictionRelinks);
}

TEST("eviction looks at a bounded number of those that keep their places, and refuses the newcomer") {
  StatedTable t;
  for (uint32_t i = 0; i < kCapacity; i++)
    t.add(i, static_cast<Standing>(i % static_cast<uint32_t>(Standing::held)), 1000, Yield::keeps);
  t.judge.looks = 0;
  CHECK_EQ(t.add(5000, Standing::fresh, 1000), nullptr);
  CHECK(t.judge.looks > 0 && t.judge.looks <= kStandings * kEvictionSearch);
  CHECK_EQ(t.table.liveCount(), kCapacity);
  CHECK_EQ(t.find(numberedKey(5000)), nullptr);
}

TEST(
    "entries without proof take places of those with it up to a part of the table, and of solid ones together with the "
    "slight") {
  constexpr uint32_t kShare = kCapacity / kUnprovenShare;
  const struct {
    Standing there, come;
  } table[] = {{Standing::slightIdle, Standing::fresh},
               {Standing::slightBusy, Standing::heldUnproven},
               {Standing::solidLong, Standing::opening},
               {Standing::solidIdle, Standing::slightBusy}};
  for (const auto& row : table) {
    StatedTable t;
    for (uint32_t i = 0; i < kCapacity; i++) t.add(i, row.there, 5000);
    for (uint32_t i = 0; i < kShare; i++) {
      if (i % 50 == 0) t.epochs.advance();
      CHECK(t.add(10000 + i, row.come, 2000, Yield::keeps) != nullptr);
    }
    CHECK_EQ(t.add(20000, row.come, 2000, Yield::keeps), nullptr);
  }
}

TEST("the older one of a handshake and another beginner gives way") {
  StatedTable t;
  for (uint32_t i = 0; i < kCapacity; i++)
    t.add(i, i % 2 == 0 ? Standing::opening : Standing::fresh, 2000, Yield::gives, kCapacity - i);
  for (uint32_t i = 0; i < 100; i++) {
    t.add(10000 + i, Standing::opening, 3000);
    if (!CHECK(!t.has(i) && t.has(i + 1))) return;
  }
}

TEST(
    "a closing connection that still gets packets goes after the unproven, and before those that have shown "
    "something") {
  StatedTable t;
  for (uint32_t i = 0; i < 10; i++) t.add(i, Standing::closing, 1000, Yield::last);
  for (uint32_t i = 10; i < 20; i++) t.add(i, Standing::stale, 5000);
  for (uint32_t i = 20; i < kCapacity; i++) t.add(i, Standing::slightLong, 500);
  for (uint32_t i = 0; i < 20; i++) {
    t.add(10000 + i, Standing::held, 9000);
    CHECK(!t.has((i + 10) % 20));
  }
}

TEST("an overdue entry goes before all others") {
  StatedTable t;
  for (uint32_t i = 0; i < kCapacity; i++)
    t.add(i, i == 500 ? Standing::solidBusy : Standing::closing, i == 500 ? 100 : 300);
  t.now = 200;
  CHECK(t.add(5000, Standing::fresh, 9000) != nullptr);
  CHECK(!t.has(500));
}

TEST("a search in vain is not repeated for a moment, and is repeated after any longer time") {
  for (const uint32_t days : {0u, 1u, 100u, 150u, 190u}) {
    StatedTable t;
    for (uint32_t i = 0; i < kCapacity; i++) t.add(i, Standing::slightBusy, 1 << 30, Yield::keeps);
    CHECK_EQ(t.add(5000, Standing::fresh, 1000), nullptr);
    for (uint32_t i = 0; i < kCapacity; i++) t.find(numberedKey(i))->state = static_cast<uint8_t>(Yield::gives);
    for (uint32_t day = 0; day < days; day++) {
      t.expireTo(t.now + ticksFromSeconds(86400));
      for (uint32_t i = 0; i < kCapacity; i++) t.find(numberedKey(i))->expires = t.now + (1 << 30);
    }
    CHECK_EQ(t.add(5000, Standing::fresh, t.now + 1000) != nullptr, days > 0);
  }
}

TEST("a newcomer for whom there is no memory takes nobody's place") {
  StatedTable t;
  for (uint32_t i = 0; i < kCapacity; i++) t.add(i, Standing::stale, 1000);
  t.epochs.enter(0);  // and stays there
  uint32_t number = 5000;
  while (t.add(number, Standing::stale, 1000) != nullptr) number++;
  CHECK_EQ(t.judge.victim, nullptr);
  CHECK_EQ(t.table.liveCount(), kCapacity);
}

TEST("eviction goes on to the next connection when an owner keeps one") {
  TestTable t(kCapacity);
  for (uint32_t i = 0; i < kCapacity; i++) t.insert(numberedKey(i), 1000 + 16 * (i / 2), i);  // two to a slot
  const auto keepsFirstFive = [](Conn& victim) { return victim.server.load() >= 5; };
  CHECK(t.insertOr(numberedKey(5000), 60000, keepsFirstFive) != nullptr);
  for (uint32_t i = 0; i < 5; i++) CHECK(t.find(numberedKey(i)) != nullptr);
  CHECK_EQ(t.find(numberedKey(5)), nullptr);
  CHECK_EQ(t.table.liveCount(), kCapacity);
}

TEST("a removed connection's memory is reused only when every reader has moved on") {
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
  size_t reused = 0;
  for (uint32_t i = 0; i < 1000; i++) {
    const Conn* conn = t.insert(numberedKey(50000 + i), 2000);
    if (!CHECK(conn != nullptr)) return;
    reused += held.contains(conn) ? 1 : 0;
    t.epochs.advance();
    t.epochs.enter(0);
  }
  CHECK(reused > 0);
}

TEST("a table never runs out of memory while readers pass on") {
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

TEST("memory for a flood's newcomers is there again when a worker that had stopped goes on") {
  for (const uint32_t perVector : {1u, 3u, 20u, 50u, 128u}) {
    TestTable t(kCapacity);
    for (uint32_t i = 0; i < kCapacity; i++) t.insert(numberedKey(i), 1000);
    uint32_t number = kCapacity;
    // Counts how many newcomers of so many vectors were refused.
    const auto flood = [&](uint32_t vectors, uint32_t workers) {
      uint32_t refused = 0;
      for (uint32_t i = 0; i < vectors; i++) {
        t.epochs.advance();
        t.epochs.enter(i % workers);
        for (uint32_t k = 0; k < perVector; k++) refused += t.insert(numberedKey(number++), 1000) == nullptr;
      }
      return refused;
    };
    CHECK_EQ(flood(1000, 2), 0u);
    CHECK(flood(3000, 1) > 0);
    flood(4, 2);
    CHECK_EQ(flood(1000, 2), 0u);
  }
}

TEST("a removed connection's memory is reused however many epochs have passed since") {
  for (const bool isExpiring : {false, true}) {
    TestTable t(kCapacity);
    for (uint32_t i = 0; i < kCapacity; i++) t.insert(numberedKey(i), 1000, i);
    for (uint32_t i = 0; i < 200; i++) t.insert(numberedKey(5000 + i), 60000 + i);
    t.epochs.advanceBy((uint64_t{1} << 31) + 5);  // as millions of evictions elsewhere do it
    if (isExpiring) t.expire(500);
    size_t inserted = 0;
    for (uint32_t i = 0; i < 1000; i++) {
      inserted += t.insert(numberedKey(10000 + i), 60000) != nullptr;
      if (i % 50 == 0) t.epochs.advance();
    }
    CHECK_EQ(inserted, 1000u);
  }
}

TEST("a table keeps the count of live connections within the capacity under a flood") {
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
}  // namespace tunvs::conn_table_eviction_test
