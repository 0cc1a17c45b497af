#include "scheduler/destination_cache.h"

#include "support/test_servers.h"
#include "support/testing.h"

namespace tunvs::destination_cache_test {
namespace {

using testing::TestServers;

constexpr Tick kMinute = ticksFromSeconds(60);
constexpr Tick kDay = ticksFromSeconds(86400);

IpAddress destination(uint32_t i) { return IpAddress::v4(Be32::from(0x0a000000 + i)); }

void fill(DestinationCache& cache, uint32_t begin, uint32_t end, Tick now) {
  for (uint32_t i = begin; i < end; i++) {
    if (cache.find(destination(i), now) == nullptr) cache.add(destination(i), now);
  }
}

TEST("a cache of destinations finds what was added, and its servers newest first") {
  TestServers servers({{'A', 1}, {'B', 1}, {'C', 1}});
  DestinationCache cache;
  DestinationCache::Entry& entry = cache.add(destination(1), 0);
  for (const Candidate* server : servers.list()) cache.insert(entry, servers.list(), *server, 0);
  cache.insert(entry, servers.list(), *servers.list()[0], 0);
  CHECK_EQ(entry.members, 3u);
  CHECK_EQ(cache.find(destination(2), 0), nullptr);
  std::string letters;
  cache.forEachServer(*cache.find(destination(1), 0), servers.list(),
                      [&](const Candidate& server) { letters += static_cast<char>(server.id); });
  CHECK_EQ(letters, "CBA");
  cache.erase(entry, *servers.list()[1], 0);
  letters.clear();
  cache.forEachServer(entry, servers.list(), [&](const Candidate& server) { letters += static_cast<char>(server.id); });
  CHECK_EQ(letters, "CA");
}

TEST("a cache of destinations never grows beyond its bound, and keeps the newest") {
  DestinationCache cache;
  fill(cache, 0, DestinationCache::kMaxEntries + 5000, 0);
  CHECK_EQ(cache.size(), DestinationCache::kMaxEntries);
  CHECK(cache.find(destination(DestinationCache::kMaxEntries + 4999), 0) != nullptr);
}

TEST("the servers of a cache's destinations have a bound as well, and are freed with them") {
  TestServers servers({{'A', 1}, {'B', 1}, {'C', 1}});
  DestinationCache cache;
  for (int round = 0; round < 3; round++) {
    for (uint32_t i = 0; i < DestinationCache::kMaxEntries; i++) {
      DestinationCache::Entry& entry = cache.add(destination(static_cast<uint32_t>(round) << 16 | i), 0);
      for (const Candidate* server : servers.list()) cache.insert(entry, servers.list(), *server, 0);
    }
  }
  DestinationCache::Entry& last = cache.add(destination(1u << 22), 0);
  cache.insert(last, servers.list(), *servers.list()[0], 0);
  CHECK_EQ(last.members, 1u);
}

TEST("entries idle for the expiration go every half hour, and only then") {
  DestinationCache cache;
  cache.collect(0, kDay);
  fill(cache, 0, 100, 0);
  for (Tick now = kMinute; now < kDay; now += kMinute) cache.collect(now, kDay);
  fill(cache, 0, 50, kDay - 1);  // used again
  CHECK_EQ(cache.size(), 100u);
  for (Tick now = kDay; now <= kDay + 30 * kMinute; now += kMinute) cache.collect(now, kDay);
  CHECK_EQ(cache.size(), 50u);
}

TEST(
    "if there are more than 16,384 destinations, those idle for six minutes go: a third more than are too many, and "
    "8,192 at most") {
  DestinationCache cache;
  cache.collect(0, kDay);
  fill(cache, 0, 16384 + 3000, 0);
  Tick now = 0;
  for (int minute = 1; minute <= 5; minute++) cache.collect(now += kMinute, kDay);
  CHECK_EQ(cache.size(), 16384u + 3000);  // not idle for long enough
  cache.collect(now += kMinute, kDay);
  CHECK_EQ(cache.size(), 16384u - 1000);
  fill(cache, 100000, 100000 + 17000, now);
  cache.collect(now += kMinute, kDay);
  CHECK_EQ(cache.size(), 16384u - 1000 + 17000 - 8192);
}

TEST("an entry that nobody has asked for in half a round of the clock's ticks is idle, and not new") {
  for (const uint32_t days : {2u, 90u, 100u, 150u, 197u}) {
    DestinationCache cache;
    cache.collect(0, kDay);
    fill(cache, 0, 100, 0);
    cache.collect(days * kDay, kDay);
    CHECK_EQ(cache.size(), 0u);
  }
}

TEST("a cache that nobody asked for long is cleared of idle entries at the first question") {
  DestinationCache cache;
  cache.collect(0, kDay);
  fill(cache, 0, 100, 0);
  cache.collect(2 * kDay, kDay);
  CHECK_EQ(cache.size(), 0u);
}

}  // namespace
}  // namespace tunvs::destination_cache_test
