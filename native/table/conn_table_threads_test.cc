// Tests lookups beside changes; what matters most here is what a thread sanitizer finds.
#include <thread>

#include "support/random.h"
#include "support/test_table.h"
#include "support/testing.h"
#include "table/conn_table.h"

namespace tunvs::conn_table_threads_test {
namespace {

using testing::keysOfOneBucket;
using testing::numberedKey;
using testing::Random;
using testing::TestTable;

constexpr size_t kLookers = 2, kChangers = 2;
constexpr uint32_t kStable = 200, kChanging = 1500;

// Returns a value that belongs to a key; it is kept where a connection names its server.
uint32_t markOf(uint32_t number) { return number * 2654435761u; }

void check(std::atomic<uint64_t>& broken, bool claim) {
  if (!claim) broken++;
}

TEST("a lookup finds what stays while others insert, remove and expire around it") {
  TestTable t(2048);
  constexpr Tick kFar = 1u << 30;
  for (uint32_t i = 0; i < kStable; i++) t.insert(numberedKey(i), kFar, markOf(i));

  std::atomic<uint64_t> broken = 0;
  std::atomic<size_t> changersLeft = kChangers;
  std::vector<std::thread> threads;
  for (size_t looker = 0; looker < kLookers; looker++) {
    threads.emplace_back([&, looker] {
      Random random(looker);
      while (changersLeft.load() > 0) {
        t.epochs.enter(looker);
        for (int i = 0; i < 64; i++) {
          const uint32_t number = random.below(kStable + kChanging);
          const FlowKey key = numberedKey(number);
          const uint64_t hash = t.table.hash(key);
          __builtin_prefetch(ConnTable::candidate(t.table.prefetchHome(hash), hash, key.family));
          Conn* found = t.table.find(key, hash);
          check(broken, number >= kStable || found != nullptr);
          if (found == nullptr) continue;
          check(broken, t.table.keyOf(*found) == key);
          check(broken, found->server.load(std::memory_order_relaxed) == markOf(number));
          if (number >= kStable) found->packets.store(1, std::memory_order_relaxed);
        }
      }
      t.epochs.leave(looker);
    });
  }
  for (size_t changer = 0; changer < kChangers; changer++) {
    threads.emplace_back([&, changer] {
      Random random(100 + changer);
      Tick now = 0;
      for (int i = 0; i < 30000; i++) {
        if (i % 64 == 0) {
          t.epochs.enter(kLookers + changer);
          t.epochs.advance();
          now += 8;
          testing::expireShard(t.table, 0, now, random.oneIn(2), 100, [](Conn&) { return 0u; });
        }
        const uint32_t number = kStable + random.below(kChanging);
        const FlowKey key = numberedKey(number);
        const uint64_t hash = t.table.hash(key);
        const ConnTable::Guard guard(t.table, hash);
        Conn* known = t.table.find(key, hash);
        if (known == nullptr) {
          const auto mayEvict = [](Conn& victim) { return victim.expires.load(std::memory_order_relaxed) != kFar; };
          t.table.insertLocked(key, hash, {.server = markOf(number), .expires = now + random.below(2000)}, now,
                               testing::DeadlineJudge<decltype(mayEvict)>{mayEvict});
        } else if (random.oneIn(2)) {
          t.table.removeLocked(known, hash);
        } else {
          const Tick deadline = now + random.below(2000);
          known->expires.store(deadline, std::memory_order_relaxed);
          t.table.moveLocked(known, hash, {Standing::stale, deadline});
        }
      }
      t.epochs.leave(kLookers + changer);
      changersLeft--;
    });
  }
  threads.emplace_back([&] {  // meanwhile the control thread lists connections
    const size_t reader = Epochs::kMaxReaders - 1;
    while (changersLeft.load() > 0) {
      t.epochs.enter(reader);
      size_t stable = 0;
      for (uint64_t cursor = 0; cursor != UINT64_MAX;) {
        cursor = t.table.forEach(cursor, 100, [&](const Conn& conn) {
          stable += conn.expires.load(std::memory_order_relaxed) == kFar;
          const FlowKey key = t.table.keyOf(conn);
          check(broken, key.protocol() == 6 && key.virtualPort().host() == 80);
        });
      }
      check(broken, stable == kStable);
      t.epochs.leave(reader);
      std::this_thread::yield();
    }
  });
  for (auto& thread : threads) thread.join();
  CHECK_EQ(broken.load(), 0u);

  size_t visited = 0;
  t.table.forEach(0, SIZE_MAX, [&](const Conn&) { visited++; });
  CHECK_EQ(t.table.liveCount(), visited);
}

// All are in one bucket with tags that are equal or differ by one, so that a lookup meets slots that are not its own.
TEST("a lookup finds its own among look-alikes that come and go") {
  TestTable t;
  std::vector<FlowKey> keys;
  for (const auto& key : keysOfOneBucket(t.table, 4000)) {
    const uint64_t hash = t.table.hash(key);
    if (static_cast<uint8_t>(hash ^ (hash >> 16)) <= 1) keys.push_back(key);
  }
  REQUIRE(keys.size() >= 16);
  keys.resize(16);
  std::atomic<uint64_t> broken = 0;
  std::atomic<bool> isOver = false;
  std::vector<std::thread> lookers;
  for (size_t looker = 0; looker < kLookers; looker++) {
    lookers.emplace_back([&, looker] {
      Random random(looker);
      while (!isOver.load()) {
        t.epochs.enter(looker);
        for (int i = 0; i < 16; i++) {
          const uint32_t chosen = random.below(static_cast<uint32_t>(keys.size()));
          const Conn* found = t.table.find(keys[chosen], t.table.hash(keys[chosen]));
          if (found == nullptr) continue;
          check(broken, t.table.keyOf(*found) == keys[chosen]);
          check(broken, found->server.load(std::memory_order_relaxed) == markOf(chosen));
        }
      }
      t.epochs.leave(looker);
    });
  }
  Random random(7);
  for (int i = 0; i < 60000; i++) {
    const uint32_t chosen = random.below(static_cast<uint32_t>(keys.size()));
    if (t.find(keys[chosen]) != nullptr) {
      t.remove(keys[chosen]);
    } else {
      t.insert(keys[chosen], 1000, markOf(chosen));
    }
    if (i % 16 == 0) t.epochs.advance();
  }
  isOver = true;
  for (auto& looker : lookers) looker.join();
  CHECK_EQ(broken.load(), 0u);
}

}  // namespace
}  // namespace tunvs::conn_table_threads_test
