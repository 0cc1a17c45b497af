#include "table/retired_units.h"

#include <algorithm>
#include <vector>

#include "support/random.h"
#include "support/testing.h"

namespace tunvs::retired_units_test {
namespace {

struct TestUnits {
  explicit TestUnits(uint32_t total) : links(total) {}

  bool retire(uint32_t unit) { return retired.retire(links.data(), unit, epochs); }
  std::vector<uint32_t> reclaim(uint32_t limit = UINT32_MAX) {
    std::vector<uint32_t> given;
    retired.reclaim(links.data(), epochs, false, limit, [&](uint32_t unit) { given.push_back(unit); });
    return given;
  }

  Epochs epochs;
  std::vector<ConnLink> links;
  RetiredUnits retired;
};

using Units = std::vector<uint32_t>;

TEST("a retired unit is given back when the readers that may have seen it have passed on") {
  TestUnits t(1);
  t.epochs.enter(0);
  t.retire(0);
  CHECK_EQ(t.reclaim(), Units{});
  t.epochs.advance();
  CHECK_EQ(t.reclaim(), Units{});
  CHECK_EQ(t.retired.count(), 1u);
  t.epochs.enter(0);
  CHECK_EQ(t.reclaim(), Units{0});
  CHECK_EQ(t.retired.count(), 0u);
  CHECK_EQ(t.reclaim(), Units{});
}

TEST("units that are retired now do not hold up a batch that is long safe") {
  TestUnits t(64);
  t.epochs.enter(0);
  t.retire(0);
  t.epochs.advance();
  t.epochs.enter(0);
  t.retire(1);  // a reader of this epoch may hold it; none can hold unit 0
  CHECK_EQ(t.reclaim(), Units{0});
  CHECK_EQ(t.reclaim(), Units{});
  CHECK_EQ(t.retired.count(), 1u);
}

TEST("units are given back a few at a time, also while readers that came later are about") {
  TestUnits t(10);
  for (uint32_t unit = 0; unit < 5; unit++) t.retire(unit);
  t.epochs.advance();
  CHECK_EQ(t.reclaim(2), (Units{0, 1}));
  t.epochs.enter(0);
  t.retire(7);
  CHECK_EQ(t.reclaim(2), (Units{2, 3}));
  CHECK_EQ(t.reclaim(2), Units{4});
  t.epochs.advance();
  t.epochs.enter(0);
  CHECK_EQ(t.reclaim(2), Units{7});
}

TEST("it is time to give units back whenever a batch of them has gathered") {
  TestUnits t(100);
  Units times;
  for (uint32_t unit = 0; unit < 100; unit++) {
    if (t.retire(unit)) times.push_back(unit + 1);
  }
  CHECK_EQ(times, (Units{RetiredUnits::kBatch, 2 * RetiredUnits::kBatch, 3 * RetiredUnits::kBatch}));
}

TEST("no unit is given back that a reader may hold, and none is lost, whatever comes and goes") {
  constexpr uint32_t kTotal = 200;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    testing::Random random(seed);
    TestUnits t(kTotal);
    std::vector<bool> waits(kTotal);
    std::vector<uint64_t> retiredIn(kTotal);
    const auto takeBack = [&](uint32_t limit) {
      const Units given = t.reclaim(limit);
      for (const uint32_t unit : given) {
        if (!CHECK(waits[unit] && t.epochs.isSafe(retiredIn[unit]))) return false;
        waits[unit] = false;
      }
      return CHECK(given.size() <= limit);
    };
    t.epochs.enter(0);
    for (int i = 0; i < 4000; i++) {
      if (random.oneIn(20)) t.epochs.advance();
      if (random.oneIn(30)) t.epochs.enter(0);
      const uint32_t unit = random.below(kTotal);
      if (!waits[unit]) {
        retiredIn[unit] = t.epochs.stamp();
        t.retire(unit);
        waits[unit] = true;
      } else if (!takeBack(random.below(10))) {
        return;
      }
      if (!CHECK_EQ(t.retired.count(), std::count(waits.begin(), waits.end(), true))) return;
    }
    t.epochs.advance();
    t.epochs.leave(0);
    if (!takeBack(kTotal)) return;
    CHECK_EQ(t.retired.count(), 0u);
    CHECK_EQ(std::count(waits.begin(), waits.end(), true), 0);
  }
}

}  // namespace
}  // namespace tunvs::retired_units_test
