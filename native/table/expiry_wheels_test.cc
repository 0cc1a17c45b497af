#include "table/expiry_wheels.h"

#include <map>
#include <memory>
#include <vector>

#include "support/random.h"
#include "support/testing.h"

namespace tunvs::expiry_wheels_test {
namespace {

constexpr uint32_t kSlot = ExpiryWheels::kTicksPerSlot;

struct TestWheels {
  explicit TestWheels(Tick now = 0, uint32_t units = 256) : links(units), wheels(std::make_unique<ExpiryWheels>()) {
    wheels->begin(now);
  }
  void link(uint32_t unit, Standing standing, Tick due) { wheels->link(links.data(), unit, {standing, due}); }
  std::vector<uint32_t> unitsOf(Standing standing, uint32_t slot) const {
    std::vector<uint32_t> units;
    for (uint32_t next = wheels->first(standing, slot); next != 0; next = ExpiryWheels::next(links.data(), next - 1))
      units.push_back(next - 1);
    return units;
  }

  std::vector<ConnLink> links;
  std::unique_ptr<ExpiryWheels> wheels;
};

TEST("wheels keep a slot's entries in the order in which they came, for each standing by itself") {
  TestWheels t;
  for (const uint32_t unit : {5u, 2u, 9u}) t.link(unit, Standing::fresh, 3 * kSlot + unit);
  t.link(1, Standing::closing, 3 * kSlot);
  CHECK_EQ(t.unitsOf(Standing::fresh, 3), (std::vector<uint32_t>{5, 2, 9}));
  CHECK_EQ(t.unitsOf(Standing::closing, 3), (std::vector<uint32_t>{1}));
  CHECK_EQ(t.wheels->count(Standing::fresh), 3u);
  CHECK_EQ(t.wheels->count(Standing::closing), 1u);
  CHECK_EQ(t.wheels->count(Standing::held), 0u);
  for (const uint32_t unit : {5u, 2u, 9u}) CHECK(ExpiryWheels::standingOf(t.links.data(), unit) == Standing::fresh);
  CHECK(ExpiryWheels::standingOf(t.links.data(), 1) == Standing::closing);
}

TEST("wheels let go of the first, a middle and the last entry of a slot, and of the only one") {
  const std::vector<uint32_t> all = {0, 1, 2};
  for (const uint32_t gone : all) {
    TestWheels t;
    for (const uint32_t unit : all) t.link(unit, Standing::stale, kSlot);
    t.wheels->unlink(t.links.data(), gone);
    auto left = all;
    std::erase(left, gone);
    CHECK_EQ(t.unitsOf(Standing::stale, 1), left);
    t.link(gone, Standing::stale, kSlot);
    left.push_back(gone);
    CHECK_EQ(t.unitsOf(Standing::stale, 1), left);
  }
  TestWheels t;
  t.link(7, Standing::stale, kSlot);
  CHECK_EQ(t.wheels->firstSlot(Standing::stale, 0), 1u);
  t.wheels->unlink(t.links.data(), 7);
  CHECK_EQ(t.wheels->firstSlot(Standing::stale, 0), ExpiryWheels::kNone);
  CHECK_EQ(t.wheels->count(Standing::stale), 0u);
}

TEST("wheels put what is due already into the current slot, and what is due beyond their span into the farthest") {
  TestWheels t(10 * kSlot + 5);
  CHECK_EQ(t.wheels->handled(), 10 * kSlot);
  CHECK_EQ(t.wheels->slotOf(0), 10u);
  CHECK_EQ(t.wheels->slotOf(10 * kSlot), 10u);
  CHECK_EQ(t.wheels->slotOf(11 * kSlot - 1), 10u);
  CHECK_EQ(t.wheels->slotOf(11 * kSlot), 11u);
  CHECK_EQ(t.wheels->slotOf(10 * kSlot + ExpiryWheels::kRound - 1), 9u);
  CHECK_EQ(t.wheels->slotOf(10 * kSlot + ExpiryWheels::kRound), 9u);
  CHECK_EQ(t.wheels->slotOf(10 * kSlot + 0x70000000), 9u);
}

TEST("wheels find the next slot that holds something, round their end and not before the one asked for") {
  for (const uint32_t start : {0u, 1u, 63u, 64u, 500u, 511u}) {
    for (const uint32_t ahead : {0u, 1u, 63u, 64u, 65u, 448u, 510u, 511u}) {
      TestWheels t(start * kSlot);
      t.link(3, Standing::opening, (start + ahead) * kSlot);
      const uint32_t slot = (start + ahead) % ExpiryWheels::kSlots;
      CHECK_EQ(t.wheels->slotsAhead(slot), ahead);
      CHECK_EQ(t.wheels->firstSlot(Standing::opening, 0), slot);
      CHECK_EQ(t.wheels->firstSlot(Standing::opening, ahead), slot);
      CHECK_EQ(t.wheels->firstSlot(Standing::opening, ahead + 1), ExpiryWheels::kNone);
      CHECK_EQ(t.wheels->firstSlot(Standing::fresh, 0), ExpiryWheels::kNone);
    }
  }
}

TEST("wheels hold what a map holds, never later than it is due, whatever moves while time goes on") {
  constexpr uint32_t kUnits = 100;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    testing::Random random(seed);
    TestWheels t(static_cast<Tick>(random.next()), kUnits);
    std::map<uint32_t, Place> model;
    const auto somePlace = [&] {
      const auto standing = static_cast<Standing>(random.below(kStandings));
      return Place{standing, t.wheels->handled() + random.below(2 * ExpiryWheels::kRound)};
    };
    for (int i = 0; i < 3000; i++) {
      const uint32_t unit = random.below(kUnits);
      if (!model.contains(unit)) {
        t.wheels->link(t.links.data(), unit, model[unit] = somePlace());
      } else if (random.oneIn(2)) {
        t.wheels->move(t.links.data(), unit, model[unit] = somePlace());
      } else {
        t.wheels->unlink(t.links.data(), unit);
        model.erase(unit);
      }
      if (!random.oneIn(10)) continue;
      // What is due in the slot that is left goes on to another, as expiry does it.
      const uint32_t current = t.wheels->currentSlot();
      for (size_t standing = 0; standing < kStandings; standing++) {
        for (const uint32_t due : t.unitsOf(static_cast<Standing>(standing), current))
          t.wheels->move(t.links.data(), due, model[due] = {model[due].standing, t.wheels->handled() + kSlot});
      }
      t.wheels->advance();
    }
    std::map<uint32_t, Standing> seen;
    for (size_t i = 0; i < kStandings; i++) {
      const auto standing = static_cast<Standing>(i);
      uint32_t count = 0;
      for (uint32_t ahead = 0;;) {
        const uint32_t slot = t.wheels->firstSlot(standing, ahead);
        if (slot == ExpiryWheels::kNone) break;
        ahead = t.wheels->slotsAhead(slot) + 1;
        for (const uint32_t unit : t.unitsOf(standing, slot)) {
          CHECK(reached(model[unit].due, t.wheels->handled() + (ahead - 1) * kSlot));
          CHECK(seen.emplace(unit, standing).second);
          count++;
        }
      }
      CHECK_EQ(t.wheels->count(standing), count);
    }
    CHECK_EQ(seen.size(), model.size());
    for (const auto& [unit, place] : model) CHECK(seen.contains(unit) && seen[unit] == place.standing);
  }
}

}  // namespace
}  // namespace tunvs::expiry_wheels_test
