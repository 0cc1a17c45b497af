#include "core/hashed_places.h"

#include <algorithm>
#include <vector>

#include "support/random.h"
#include "support/testing.h"

namespace tunvs::hashed_places_test {
namespace {

struct Entry {
  uint64_t hash = 0;
  uint32_t uses = 0;
  PlaceLinks links;
};

struct TestPlaces {
  TestPlaces(uint32_t count, uint32_t buckets) : places(count, buckets) {}

  uint32_t take(uint64_t hash) {
    const uint32_t index = places.take(hash);
    places[index].hash = hash;
    places[index].uses++;
    return index;
  }
  // Returns the place of this hash, or kNoPlace.
  uint32_t find(uint64_t hash) const {
    const Entry* entry = places.find(hash, [&](uint32_t index) { return places[index].hash == hash; });
    return entry == nullptr ? kNoPlace : places.indexOf(*entry);
  }

  HashedPlaces<Entry> places;
};

template <typename Step>
std::vector<uint32_t> walk(uint32_t from, Step step) {
  std::vector<uint32_t> walked;
  for (; from != kNoPlace; from = step(from)) walked.push_back(from);
  return walked;
}

std::vector<uint32_t> fromOldest(const AgeList& list, const HashedPlaces<Entry>& places) {
  return walk(list.oldest, [&](uint32_t index) { return places[index].links.newer; });
}
std::vector<uint32_t> fromNewest(const AgeList& list, const HashedPlaces<Entry>& places) {
  return walk(list.newest, [&](uint32_t index) { return places[index].links.older; });
}

TEST("places are found by their hash, also where a bucket has several") {
  TestPlaces t(8, 4);
  for (const uint64_t hash : {1u, 5u, 9u, 2u}) t.take(hash);
  CHECK_EQ(t.find(1), 0u);
  CHECK_EQ(t.find(5), 1u);
  CHECK_EQ(t.find(9), 2u);
  CHECK_EQ(t.find(2), 3u);
  CHECK_EQ(t.find(13), kNoPlace);
  CHECK_EQ(t.find(3), kNoPlace);
  // find() asks only about the hash's own bucket, the newest entry first.
  std::vector<uint32_t> asked;
  CHECK_EQ(t.places.find(13, [&](uint32_t index) { return asked.push_back(index), false; }), nullptr);
  CHECK_EQ(asked, (std::vector<uint32_t>{2, 1, 0}));
}

TEST("places are given back from the middle, the end and the beginning of a bucket") {
  for (const uint32_t gone : {0u, 1u, 2u}) {
    TestPlaces t(8, 4);
    const uint64_t hashes[] = {1, 5, 9};
    for (const uint64_t hash : hashes) t.take(hash);
    t.places.giveBack(gone, hashes[gone]);
    for (uint32_t i = 0; i < 3; i++) CHECK_EQ(t.find(hashes[i]), i == gone ? kNoPlace : i);
  }
}

TEST("places are taken in order, then the one given back last comes first, with what was in it") {
  TestPlaces t(3, 4);
  for (uint32_t i = 0; i < 3; i++) {
    CHECK(!t.places.isFull());
    CHECK_EQ(t.take(i), i);
  }
  CHECK(t.places.isFull());
  t.places.giveBack(0, 0);
  t.places.giveBack(2, 2);
  CHECK_EQ(t.take(7), 2u);
  CHECK_EQ(t.take(8), 0u);
  CHECK(t.places.isFull());
  CHECK_EQ(t.places[2].uses, 2u);
  CHECK_EQ(t.places[1].uses, 1u);
}

TEST("there are no places before they are asked for") {
  HashedPlaces<Entry> places;
  CHECK(!places.isAllocated());
  places = HashedPlaces<Entry>(4, 8);
  CHECK(places.isAllocated());
  CHECK_EQ(places.take(0), 0u);
}

TEST("an age list keeps the order of coming, whoever leaves") {
  HashedPlaces<Entry> places(3, 4);
  for (const uint32_t gone : {0u, 1u, 2u}) {
    AgeList list;
    std::vector<uint32_t> expected;
    for (const uint32_t index : {2u, 0u, 1u}) {
      list.append(places, index);
      expected.push_back(index);
    }
    list.erase(places, gone);
    std::erase(expected, gone);
    CHECK_EQ(fromOldest(list, places), expected);
    std::ranges::reverse(expected);
    CHECK_EQ(fromNewest(list, places), expected);
    CHECK_EQ(list.count, 2u);
    for (const uint32_t index : expected) list.erase(places, index);
    CHECK_EQ(list.oldest, kNoPlace);
    CHECK_EQ(list.newest, kNoPlace);
    CHECK_EQ(list.count, 0u);
  }
}

TEST("places and their age lists hold what vectors hold, whatever comes and goes") {
  constexpr uint32_t kPlaces = 20;
  for (uint64_t seed = 1; seed <= 30; seed++) {
    testing::Random random(seed);
    TestPlaces t(kPlaces, 8);
    AgeList lists[2];
    std::vector<uint32_t> model[2];
    for (int i = 0; i < 1000; i++) {
      const uint64_t hash = random.below(40);
      const uint32_t known = t.find(hash);
      if (known == kNoPlace && !t.places.isFull()) {
        const uint32_t index = t.take(hash), chosen = random.below(2);
        lists[chosen].append(t.places, index);
        model[chosen].push_back(index);
      } else if (known != kNoPlace) {
        const size_t of = std::ranges::find(model[0], known) != model[0].end() ? 0 : 1;
        lists[of].erase(t.places, known);
        if (!CHECK_EQ(std::erase(model[of], known), 1u)) return;
        if (random.oneIn(3)) {  // moves to the other list
          lists[1 - of].append(t.places, known);
          model[1 - of].push_back(known);
        } else {
          t.places.giveBack(known, hash);
          if (!CHECK_EQ(t.find(hash), kNoPlace)) return;
        }
      }
      if (!CHECK_EQ(t.places.isFull(), model[0].size() + model[1].size() == kPlaces)) return;
    }
    for (size_t of : {0u, 1u}) {
      CHECK_EQ(fromOldest(lists[of], t.places), model[of]);
      CHECK_EQ(lists[of].count, model[of].size());
      std::ranges::reverse(model[of]);
      CHECK_EQ(fromNewest(lists[of], t.places), model[of]);
    }
  }
}

}  // namespace
}  // namespace tunvs::hashed_places_test
