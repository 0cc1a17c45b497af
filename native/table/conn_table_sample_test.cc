// Tests the sampling of connections at random.
#include <set>

#include "support/test_table.h"
#include "support/testing.h"

namespace tunvs::conn_table_sample_test {
namespace {

using testing::numberedKey;
using testing::TestTable;

constexpr Tick kLater = 100000;

TEST("a sample holds the share of the entries that was asked for, fractions made up for in the long run") {
  TestTable t;
  for (uint32_t i = 0; i < 1000; i++) t.insert(numberedKey(i), kLater);
  SplitMix64 random(7);
  const struct {
    uint64_t numerator, denominator;
    uint32_t rounds;
    size_t expected;
  } table[] = {{1, 1, 1, 1000}, {1, 4, 4, 1000}, {1, 10, 3, 300}, {1, 8000, 16000, 2000}, {0, 5, 100, 0}};
  for (const auto& row : table) {
    size_t visits = 0;
    for (uint32_t i = 0; i < row.rounds; i++) {
      t.table.sample(0, row.numerator, row.denominator, random, [&](Conn&) {
        visits++;
        return false;
      });
    }
    CHECK(visits * 10 >= row.expected * 9 && visits * 10 <= row.expected * 11);
  }
  CHECK_EQ(t.table.liveCount(), 1000u);
}

TEST("samples reach every entry sooner or later, and remove those that they are told to") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    TestTable t(1024, family);
    for (uint32_t i = 0; i < 500; i++) t.insert(numberedKey(i, family), kLater, i % 2);
    SplitMix64 random(3);
    for (int i = 0; i < 40; i++) t.table.sample(0, 1, 1, random, [](Conn& conn) { return conn.server.load() == 1; });
    CHECK_EQ(t.table.liveCount(), 250u);
    for (uint32_t i = 0; i < 500; i++) CHECK_EQ(t.find(numberedKey(i, family)) != nullptr, i % 2 == 0);
    CHECK_EQ(t.expire(kLater), 250u);
  }
}

TEST("samples are the same from the same seed, and differ from another") {
  const auto visited = [](uint64_t seed) {
    TestTable t;
    for (uint32_t i = 0; i < 200; i++) t.insert(numberedKey(i), kLater, i);
    std::vector<uint32_t> servers;
    SplitMix64 random(seed);
    t.table.sample(0, 1, 4, random, [&](Conn& conn) {
      servers.push_back(conn.server.load());
      return false;
    });
    return servers;
  };
  CHECK_EQ(visited(1), visited(1));
  CHECK(visited(1) != visited(2));
}

TEST("a sample of an empty shard is empty, and holds nothing that is gone") {
  TestTable t;
  SplitMix64 random(1);
  const auto visit = [](Conn&) {
    testing::fail(__FILE__, __LINE__, "came upon a connection that there is not");
    return true;
  };
  t.table.sample(0, 1, 1, random, visit);
  for (uint32_t i = 0; i < 100; i++) t.insert(numberedKey(i), kLater);
  for (uint32_t i = 0; i < 100; i++) t.remove(numberedKey(i));
  for (int i = 0; i < 10; i++) t.table.sample(0, 1, 1, random, visit);
}

}  // namespace
}  // namespace tunvs::conn_table_sample_test
