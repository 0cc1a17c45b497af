#include "io/route/next_hop_table.h"

#include "support/testing.h"

namespace tunvs::next_hop_table_test {
namespace {

const IpAddress kFirst = IpAddress::v4(10, 0, 0, 1);
const IpAddress kSecond = IpAddress::v4(10, 0, 0, 2);
const IpAddress kStranger = IpAddress::v4(198, 51, 100, 7);

void assign(NextHopTable& table, std::vector<IpAddress> servers) { table.assign(servers); }
NextHopAnswer by(int interfaceIndex, uint32_t mtu = 1500) { return {LinkHop{.interfaceIndex = interfaceIndex}, mtu}; }

TEST("a next hop is unresolved until it is set") {
  NextHopTable table;
  assign(table, {kFirst, kSecond, kFirst});
  CHECK(!table.find(kFirst));
  CHECK_EQ(table.mtu(kFirst), 0u);
  CHECK_EQ(table.unresolved().size(), 2u);
  table.set(kFirst, by(3, 1400));
  CHECK_EQ(table.unresolved(), std::vector<IpAddress>{kSecond});
  CHECK_EQ(table.find(kFirst)->interfaceIndex, 3);
  CHECK_EQ(table.mtu(kFirst), 1400u);
  CHECK_EQ(table.known().size(), 2u);
}

TEST("a next hop that nobody has named is not added by asking for it, nor by an answer about it") {
  NextHopTable table;
  assign(table, {kFirst});
  const uint64_t before = table.generation(), mtuBefore = table.mtuGeneration();
  CHECK(!table.find(kStranger));
  CHECK_EQ(table.mtu(kStranger), 0u);
  table.set(kStranger, by(3));
  CHECK_EQ(table.size(), 1u);
  CHECK_EQ(table.generation(), before);
  CHECK_EQ(table.mtuGeneration(), mtuBefore);
}

TEST("the generations change when an answer changes, and only then") {
  NextHopTable table;
  assign(table, {kFirst});
  const uint64_t start = table.generation(), mtuStart = table.mtuGeneration();
  table.set(kFirst, {});
  CHECK_EQ(table.generation(), start);
  CHECK_EQ(table.mtuGeneration(), mtuStart);
  table.set(kFirst, by(3));
  const uint64_t resolved = table.generation(), mtuResolved = table.mtuGeneration();
  CHECK(resolved != start);
  CHECK(mtuResolved != mtuStart);
  table.set(kFirst, by(3));
  CHECK_EQ(table.generation(), resolved);
  CHECK_EQ(table.mtuGeneration(), mtuResolved);
  table.set(kFirst, by(4));
  CHECK(table.generation() != resolved);
  CHECK_EQ(table.mtuGeneration(), mtuResolved);
  table.set(kFirst, by(4, 1400));
  CHECK(table.mtuGeneration() != mtuResolved);
}

TEST("next hops that are no longer named are forgotten, and those that stay keep their answers") {
  NextHopTable table;
  assign(table, {kFirst, kSecond});
  table.set(kFirst, by(3));
  table.set(kSecond, by(4));
  const uint64_t before = table.generation(), mtuBefore = table.mtuGeneration();
  assign(table, {kSecond});
  CHECK(!table.find(kFirst));
  CHECK_EQ(table.find(kSecond)->interfaceIndex, 4);
  CHECK(table.generation() != before);
  CHECK(table.mtuGeneration() != mtuBefore);
  CHECK(table.unresolved().empty());
}

TEST("naming the same next hops again makes the MTUs be read again, for servers that are new at a known address") {
  NextHopTable table;
  assign(table, {kFirst});
  table.set(kFirst, by(3));
  const uint64_t before = table.generation(), mtuBefore = table.mtuGeneration();
  assign(table, {kFirst});
  CHECK_EQ(table.generation(), before);
  CHECK(table.mtuGeneration() != mtuBefore);
}

TEST("the number of next hops is bounded, and the first stay") {
  NextHopTable table;
  std::vector<IpAddress> many;
  for (uint32_t i = 0; i <= NextHopTable::kMaxNextHops; i++) many.push_back(IpAddress::v4(Be32::from(0x0a000000 + i)));
  table.assign(many);
  CHECK_EQ(table.size(), NextHopTable::kMaxNextHops);
  table.set(many.front(), by(3));
  table.set(many.back(), by(3));
  CHECK(table.find(many.front()).has_value());
  CHECK(!table.find(many.back()).has_value());
}

}  // namespace
}  // namespace tunvs::next_hop_table_test
