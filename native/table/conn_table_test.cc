#include "table/conn_table.h"

#include <algorithm>
#include <set>

#include "support/random.h"
#include "support/test_table.h"
#include "support/testing.h"

namespace tunvs::conn_table_test {
namespace {

using testing::keysOfOneBucket;
using testing::numberedKey;
using testing::Random;
using testing::TestTable;

constexpr Tick kLater = 1000;
constexpr Family kFamilies[] = {Family::ipv4, Family::ipv6};

TEST("a table finds a connection by its key, complete as it was inserted") {
  for (const Family family : kFamilies) {
    TestTable t(1024, family);
    const FlowKey key = numberedKey(1, family, 17);
    Conn* inserted = t.insert(key, kLater, 77, kConnInactive);
    REQUIRE(inserted != nullptr);
    Conn* found = t.find(key);
    CHECK_EQ(found, inserted);
    CHECK(t.table.keyOf(*found) == key);
    CHECK_EQ(found->server.load(), 77u);
    CHECK_EQ(found->expires.load(), kLater);
    CHECK_EQ(found->flags.load(), kConnLive | kConnInactive);
    CHECK_EQ(found->state.load(), 0);
    CHECK_EQ(found->packets.load(), 0u);
    CHECK_EQ(t.table.liveCount(), 1u);
  }
}

TEST("a table distinguishes flows that differ in one part of the key") {
  const IpAddress client = IpAddress::v4(10, 0, 0, 1), virtualAddress = IpAddress::v4(192, 0, 2, 10);
  const Be16 clientPort = Be16::from(1000), virtualPort = Be16::from(80);
  const FlowKey keys[] = {
      FlowKey::make(client, clientPort, virtualAddress, virtualPort, 6),
      FlowKey::make(IpAddress::v4(10, 0, 0, 2), clientPort, virtualAddress, virtualPort, 6),
      FlowKey::make(client, Be16::from(1001), virtualAddress, virtualPort, 6),
      FlowKey::make(client, clientPort, IpAddress::v4(192, 0, 2, 11), virtualPort, 6),
      FlowKey::make(client, clientPort, virtualAddress, Be16::from(81), 6),
      FlowKey::make(client, clientPort, virtualAddress, virtualPort, 17),
      FlowKey::make(client, clientPort, virtualAddress, virtualPort, 6, FlowKind::persistence),
      FlowKey::make(client, virtualPort, virtualAddress, clientPort, 6),
  };
  TestTable t;
  for (uint32_t i = 0; i < std::size(keys); i++) {
    CHECK_EQ(t.find(keys[i]), nullptr);
    t.insert(keys[i], kLater, i);
  }
  for (uint32_t i = 0; i < std::size(keys); i++) {
    const Conn* found = t.find(keys[i]);
    REQUIRE(found != nullptr);
    CHECK_EQ(found->server.load(), i);
  }
}

TEST("a table compares all of an IPv6 address") {
  TestTable t(1024, Family::ipv6);
  const FlowKey key = numberedKey(0, Family::ipv6);
  t.insert(key, kLater);
  for (int word = 0; word < 4; word++) {
    FlowKey other = key;
    other.words[word] ^= uint64_t{1} << 63;
    CHECK_EQ(t.table.find(other, t.table.hash(key)), nullptr);  // even if the hashes collide
  }
  CHECK(t.find(key) != nullptr);
}

TEST("a table forgets a removed connection and takes its key again") {
  TestTable t;
  const FlowKey key = numberedKey(5);
  t.insert(key, kLater, 1);
  t.remove(key);
  CHECK_EQ(t.find(key), nullptr);
  CHECK_EQ(t.table.liveCount(), 0u);
  t.insert(key, kLater, 2);
  CHECK_EQ(t.find(key)->server.load(), 2u);
}

// There are several shards, so that an uneven spread over them occurs as well.
TEST("a table finds every connection at 85 and at 100 percent of its capacity") {
  for (const Family family : kFamilies) {
    constexpr uint32_t kCapacity = 100000;
    TestTable t(kCapacity, family);
    CHECK(t.table.shardCount() > 1);
    const auto isComplete = [&](uint32_t count) {
      for (uint32_t i = 0; i < count; i++) {
        const Conn* conn = t.find(numberedKey(i, family));
        if (conn == nullptr || conn->server.load() != i) return false;
      }
      return true;
    };
    uint32_t evicted = 0;
    for (uint32_t i = 0; i < kCapacity; i++) {
      t.insertOr(
          numberedKey(i, family), kLater, [&](Conn&) { return ++evicted > 0; }, i);
      if (i + 1 == kCapacity / 100 * 85) CHECK(isComplete(i + 1));
    }
    CHECK_EQ(evicted, 0u);
    CHECK_EQ(t.table.liveCount(), kCapacity);
    CHECK(isComplete(kCapacity));
    for (uint32_t i = kCapacity; i < kCapacity + 1000; i++) {
      if (t.find(numberedKey(i, family)) != nullptr)
        testing::fail(__FILE__, __LINE__, "found " + std::to_string(i) + ", which was never inserted");
    }
  }
}

TEST("a table chains connections that share a bucket and keeps the chain when some go") {
  TestTable t;
  auto keys = keysOfOneBucket(t.table, 64);  // more than five buckets hold
  for (uint32_t i = 0; i < keys.size(); i++) t.insert(keys[i], kLater, i);
  for (const auto& key : keys) CHECK(t.find(key) != nullptr);

  Random random(3);
  for (size_t i = keys.size(); i > 1; i--) std::swap(keys[i - 1], keys[random.below(static_cast<uint32_t>(i))]);
  for (size_t gone = 0; gone < keys.size(); gone++) {
    t.remove(keys[gone]);
    for (size_t i = 0; i < keys.size(); i++) {
      if ((t.find(keys[i]) != nullptr) != (i > gone)) {
        testing::fail(__FILE__, __LINE__,
                      "connection " + std::to_string(i) + " after " + std::to_string(gone + 1) + " were removed");
        return;
      }
    }
  }
}

TEST("a table keeps its chains right however often they are used") {
  TestTable t;
  const auto keys = keysOfOneBucket(t.table, 40);
  for (const auto& key : keys) t.insert(key, kLater);
  // A bucket's 16-bit count would overflow in so many rounds if each left any of it behind.
  for (int i = 0; i < 70000; i++) {
    const FlowKey& key = keys[39 - static_cast<size_t>(i % 8)];
    t.remove(key);
    if (i % 256 == 0) t.epochs.advance();
    if (t.insert(key, kLater) == nullptr) {
      testing::fail(__FILE__, __LINE__, "round " + std::to_string(i) + " found no room");
      return;
    }
  }
  for (const auto& key : keys) CHECK(t.find(key) != nullptr);
}

TEST("tags that are equal or nearly so do not mislead a lookup") {
  TestTable t;
  std::vector<FlowKey> keys;
  for (const auto& key : keysOfOneBucket(t.table, 6000)) {
    const uint64_t hash = t.table.hash(key);
    const auto tag = static_cast<uint8_t>(hash ^ (hash >> 16));
    if (tag <= 2) keys.push_back(key);
  }
  REQUIRE(keys.size() > 24);
  keys.resize(24);
  Random random(4);
  std::set<size_t> present;
  for (int i = 0; i < 20000; i++) {
    const size_t chosen = random.below(static_cast<uint32_t>(keys.size()));
    if (present.erase(chosen) == 1) {
      t.remove(keys[chosen]);
    } else {
      present.insert(chosen);
      t.insert(keys[chosen], kLater, static_cast<uint32_t>(chosen));
    }
    if (i % 64 == 0) t.epochs.advance();
    const size_t asked = random.below(static_cast<uint32_t>(keys.size()));
    const Conn* found = t.find(keys[asked]);
    if (!CHECK_EQ(found != nullptr, present.contains(asked))) return;
    if (found != nullptr && !CHECK_EQ(found->server.load(), asked)) return;
  }
}

TEST("the candidate for prefetching is the connection itself when its bucket holds it alone") {
  TestTable t;
  const FlowKey key = numberedKey(9);
  CHECK_EQ(t.candidate(key), nullptr);
  Conn* conn = t.insert(key, kLater);
  CHECK_EQ(t.candidate(key), conn);
  t.remove(key);
  CHECK_EQ(t.candidate(key), nullptr);
}

TEST("every connection has a reference of its own") {
  for (const Family family : kFamilies) {
    TestTable t(70000, family);
    std::set<uint32_t> references;
    for (uint32_t i = 0; i < 50000; i++)
      references.insert(t.table.referenceOf(t.insert(numberedKey(i, family), kLater)));
    CHECK_EQ(references.size(), 50000u);
  }
}

TEST("an IPv4 connection takes at most 64 bytes at 85 percent load") {
  constexpr uint32_t kCapacity = 1u << 20;
  const double bytes = static_cast<double>(ConnTable::regionBytes(Family::ipv4, kCapacity));
  CHECK(bytes / (0.85 * kCapacity) <= 64);
  CHECK(static_cast<double>(ConnTable::regionBytes(Family::ipv6, kCapacity)) / (0.85 * kCapacity) <= 100);
}

TEST("a connection is found as expired from its deadline on") {
  TestTable t;
  const Conn* conn = t.insert(numberedKey(1), 500);
  CHECK(!ConnTable::hasExpired(*conn, 499));
  CHECK(ConnTable::hasExpired(*conn, 500));
  CHECK(ConnTable::hasExpired(*conn, 501));
}

TEST("a walk visits every live connection once, page by page") {
  for (const size_t limit : {size_t{1}, size_t{7}, size_t{1000}, SIZE_MAX}) {
    TestTable t(70000);
    const uint32_t count = limit == 1 ? 500 : 5000;
    for (uint32_t i = 0; i < count; i++) t.insert(numberedKey(i), kLater, i);
    for (uint32_t i = 0; i < count; i += 3) t.remove(numberedKey(i));
    std::vector<int> visits(count);
    size_t pages = 0;
    t.epochs.enter(0);
    for (uint64_t cursor = 0; cursor != UINT64_MAX; pages++) {
      size_t inPage = 0;
      cursor = t.table.forEach(cursor, limit, [&](const Conn& conn) {
        visits[conn.server.load()]++;
        inPage++;
      });
      CHECK(inPage <= limit);
      if (pages > count + 2) break;
    }
    t.epochs.leave(0);
    CHECK(pages <= count / limit + 2);
    for (uint32_t i = 0; i < count; i++) {
      if (visits[i] != (i % 3 == 0 ? 0 : 1)) {
        testing::fail(__FILE__, __LINE__, std::to_string(i) + " was visited " + std::to_string(visits[i]) + " times");
        break;
      }
    }
  }
}

TEST("a walk goes on from a cursor past connections that went meanwhile") {
  TestTable t;
  for (uint32_t i = 0; i < 100; i++) t.insert(numberedKey(i), kLater, i);
  std::set<uint32_t> visited;
  const auto visit = [&](const Conn& conn) { CHECK(visited.insert(conn.server.load()).second); };
  const uint64_t cursor = t.table.forEach(0, 50, visit);
  for (uint32_t i = 40; i < 60; i++) t.remove(numberedKey(i));
  CHECK_EQ(t.table.forEach(cursor, 1000, visit), UINT64_MAX);
  for (uint32_t i = 0; i < 100; i++) {
    if (i < 40 || i >= 60) CHECK(visited.contains(i));
  }
}

TEST("a walk ends at once for a cursor beyond its end") {
  TestTable t;
  t.insert(numberedKey(1), kLater);
  for (const uint64_t cursor : {UINT64_MAX, uint64_t{1} << 40}) {
    CHECK_EQ(t.table.forEach(cursor, 10, [](const Conn&) { CHECK(false); }), UINT64_MAX);
  }
}

TEST("a removal removes those that it is told to and keeps the rest") {
  TestTable t(70000);
  for (uint32_t i = 0; i < 3000; i++) t.insert(numberedKey(i), kLater, i % 5);
  size_t asked = 0;
  t.removeIf([&](Conn& conn) {
    asked++;
    return conn.server.load() == 2;
  });
  CHECK_EQ(asked, 3000u);
  CHECK_EQ(t.table.liveCount(), 2400u);
  bool isRight = true;
  for (uint32_t i = 0; i < 3000; i++) isRight &= (t.find(numberedKey(i)) != nullptr) == (i % 5 != 2);
  CHECK(isRight);
}

TEST("a removal holds a shard's lock for a bounded number of units, and goes on where it stopped") {
  TestTable t(ConnTable::kMinCapacity);
  REQUIRE(t.table.shardCount() == 1);
  const uint32_t count = 2 * ConnTable::kUnitsPerLock + 10;
  for (uint32_t i = 0; i < count; i++) t.insert(numberedKey(i), kLater);
  std::vector<uint32_t> looked;
  uint32_t unit = 0;
  do {
    looked.push_back(0);
    unit = t.table.removeIf(0, unit, [&](Conn&) {
      looked.back()++;
      return true;
    });
    CHECK_EQ(unit == 0, looked.size() == 3);
  } while (unit != 0);
  CHECK_EQ(looked, (std::vector<uint32_t>{ConnTable::kUnitsPerLock, ConnTable::kUnitsPerLock, 10}));
  CHECK_EQ(t.table.liveCount(), 0u);
  CHECK_EQ(t.table.removeIf(0, count + 1, [](Conn&) { return true; }), 0u);
}

}  // namespace
}  // namespace tunvs::conn_table_test
