#include "io/next_hop_table.h"

#include "support/testing.h"

namespace tunvs {
namespace {

const IpAddress kFirst = IpAddress::v4(10, 0, 0, 1);
const IpAddress kSecond = IpAddress::v4(10, 0, 0, 2);

TEST("a next hop is new once, and unresolved until it is set") {
  NextHopTable table;
  bool isNew = false;
  CHECK(!table.find(kFirst, 0, isNew));
  CHECK(isNew);
  CHECK(!table.find(kFirst, 0, isNew));
  CHECK(!isNew);
  CHECK_EQ(table.unresolved().size(), 1u);
  table.set(kFirst, LinkHop{.interfaceIndex = 3});
  CHECK(table.unresolved().empty());
  CHECK_EQ(table.find(kFirst, 0, isNew)->interfaceIndex, 3);
  CHECK_EQ(table.known().size(), 1u);
}

TEST("the generation changes when an answer changes, and only then") {
  NextHopTable table;
  bool isNew = false;
  CHECK(!table.find(kFirst, 0, isNew));
  const uint64_t start = table.generation();
  table.set(kFirst, std::nullopt);
  CHECK_EQ(table.generation(), start);
  table.set(kFirst, LinkHop{.interfaceIndex = 3});
  const uint64_t resolved = table.generation();
  CHECK(resolved != start);
  table.set(kFirst, LinkHop{.interfaceIndex = 3});
  CHECK_EQ(table.generation(), resolved);
  table.set(kFirst, LinkHop{.interfaceIndex = 4});
  CHECK(table.generation() != resolved);
  table.set(kSecond, LinkHop{.interfaceIndex = 4});
  CHECK_EQ(table.known().size(), 1u);
}

TEST("next hops that nobody asks for are forgotten") {
  NextHopTable table;
  bool isNew = false;
  CHECK(!table.find(kFirst, 100, isNew));
  CHECK(!table.find(kSecond, 200, isNew));
  const uint64_t before = table.generation();
  table.forgetUnused(150);
  CHECK_EQ(table.known(), std::vector<IpAddress>{kSecond});
  CHECK(table.generation() != before);
  CHECK(!table.find(kFirst, 300, isNew));
  CHECK(isNew);
}

TEST("the number of next hops is bounded") {
  NextHopTable table;
  bool isNew = false;
  for (uint32_t i = 0; i <= NextHopTable::kMaxNextHops; i++) {
    CHECK(!table.find(IpAddress::v4(Be32::from(0x0a000000 + i)), 0, isNew));
  }
  CHECK(!isNew);
  CHECK_EQ(table.known().size(), NextHopTable::kMaxNextHops);
}

}  // namespace
}  // namespace tunvs
