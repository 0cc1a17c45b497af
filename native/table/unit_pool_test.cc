#include "table/unit_pool.h"

#include <set>
#include <vector>

#include "support/random.h"
#include "support/testing.h"

namespace tunvs {
namespace {

struct TestPool {
  explicit TestPool(uint32_t total) : links(total) {}

  uint32_t allocate() { return pool.allocate(links.data(), static_cast<uint32_t>(links.size()), epochs); }
  bool hasRoom() { return pool.hasRoom(links.data(), static_cast<uint32_t>(links.size()), epochs); }
  void retire(uint32_t unit) { pool.retire(links.data(), unit, epochs); }

  Epochs epochs;
  std::vector<ConnLink> links;
  UnitPool pool;
};

TEST("a pool gives every unit once, in order, and then none") {
  TestPool t(5);
  for (uint32_t unit = 0; unit < 5; unit++) {
    CHECK(t.hasRoom());
    CHECK_EQ(t.pool.used(), unit);
    CHECK_EQ(t.allocate(), unit + 1);
  }
  CHECK(!t.hasRoom());
  CHECK_EQ(t.allocate(), 0u);
}

TEST("a pool gives a retired unit again when the readers that may have seen it have passed on") {
  TestPool t(1);
  t.epochs.enter(0);
  CHECK_EQ(t.allocate(), 1u);
  t.retire(0);
  CHECK(!t.hasRoom());
  t.epochs.advance();
  CHECK(!t.hasRoom());
  t.epochs.enter(0);
  CHECK(t.hasRoom());
  CHECK_EQ(t.allocate(), 1u);
  CHECK_EQ(t.allocate(), 0u);
}

TEST("a pool gives free units before it touches new ones") {
  TestPool t(10);
  for (int i = 0; i < 3; i++) t.allocate();
  t.retire(1);
  t.epochs.advance();
  t.pool.reclaim(t.links.data(), t.epochs);
  CHECK_EQ(t.allocate(), 2u);
  CHECK_EQ(t.pool.used(), 3u);
  CHECK_EQ(t.allocate(), 4u);
}

TEST("units that are retired now do not hold up a pool's batch that is long safe") {
  TestPool t(64);
  for (int i = 0; i < 64; i++) t.allocate();
  t.epochs.enter(0);
  t.retire(0);
  t.epochs.advance();
  t.epochs.enter(0);
  t.retire(1);  // a reader of this epoch may hold it; none can hold unit 0
  CHECK(t.hasRoom());
  CHECK_EQ(t.allocate(), 1u);
  CHECK(!t.hasRoom());
}

TEST("a pool that is begun anew takes the units below for used, and those that it is given for free") {
  TestPool t(8);
  for (int i = 0; i < 6; i++) t.allocate();
  t.retire(3);
  t.pool.begin(4);
  CHECK_EQ(t.pool.used(), 4u);
  t.pool.free(t.links.data(), 2);
  t.pool.free(t.links.data(), 0);
  std::vector<uint32_t> given;
  while (const uint32_t unit = t.allocate()) given.push_back(unit - 1);
  CHECK_EQ(given, (std::vector<uint32_t>{0, 2, 4, 5, 6, 7}));
}

TEST("a pool gives no unit that is in use or that a reader may hold, and loses none, whatever comes and goes") {
  constexpr uint32_t kTotal = 200;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    testing::Random random(seed);
    TestPool t(kTotal);
    std::set<uint32_t> inUse;
    std::vector<uint64_t> retiredIn(kTotal, 0);
    t.epochs.enter(0);
    for (int i = 0; i < 4000; i++) {
      if (random.oneIn(20)) t.epochs.advance();
      if (random.oneIn(30)) t.epochs.enter(0);
      if (random.oneIn(2)) {
        const uint32_t found = t.allocate();
        if (found == 0) continue;
        if (!CHECK(inUse.insert(found - 1).second)) return;
        if (!CHECK(retiredIn[found - 1] == 0 || t.epochs.isSafe(retiredIn[found - 1]))) return;
      } else if (!inUse.empty()) {
        auto chosen = inUse.begin();
        std::advance(chosen, random.below(static_cast<uint32_t>(inUse.size())));
        retiredIn[*chosen] = t.epochs.stamp();
        t.retire(*chosen);
        inUse.erase(chosen);
      }
    }
    t.epochs.advance();
    t.epochs.leave(0);
    while (t.allocate() != 0) inUse.insert(kTotal + static_cast<uint32_t>(inUse.size()));
    CHECK_EQ(inUse.size(), kTotal);
  }
}

}  // namespace
}  // namespace tunvs
