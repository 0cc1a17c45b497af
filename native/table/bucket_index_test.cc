#include "table/bucket_index.h"

#include <map>
#include <memory>
#include <vector>

#include "support/random.h"
#include "support/testing.h"

namespace tunvs {
namespace {

using testing::Random;

// A TestIndex is an index over units that remember their hashes, as keys do.
struct TestIndex {
  explicit TestIndex(uint32_t count, uint32_t units = 4096)
      : buckets(std::make_unique<BucketIndex::Bucket[]>(count)), index(buckets.get(), count), hashes(units) {}

  void insert(uint64_t hash, uint32_t unit) {
    hashes[unit] = hash;
    index.insert(hash, unit);
  }
  const uint64_t* find(uint64_t hash, uint32_t unit) const {
    return index.find(hash, [&](uint32_t found) { return found == unit ? &hashes[found] : nullptr; });
  }
  // Counts the units that a search for a hash that is not there has to look at.
  size_t looks(uint64_t hash) const {
    size_t looks = 0;
    index.find(hash, [&](uint32_t) {
      looks++;
      return static_cast<const uint64_t*>(nullptr);
    });
    return looks;
  }

  std::unique_ptr<BucketIndex::Bucket[]> buckets;
  BucketIndex index;
  std::vector<uint64_t> hashes;
};

// Returns a hash whose home is the given bucket, with the low bits as in `low`: bits 0..7 and 16..23 make the tag.
uint64_t hashIn(uint32_t bucket, uint32_t buckets, uint64_t low) {
  return (uint64_t{bucket} << 32) / buckets + (uint64_t{1} << 24) + low;
}

TEST("an index finds units by their hashes, and asks about no unit of another tag") {
  TestIndex t(16);
  const uint64_t hash = hashIn(3, 16, 0x10), otherTag = hashIn(3, 16, 0x11), otherBucket = hashIn(4, 16, 0x10);
  t.insert(hash, 7);
  CHECK_EQ(t.find(hash, 7), &t.hashes[7]);
  CHECK_EQ(t.looks(hash), 1u);
  CHECK_EQ(t.looks(otherTag), 0u);
  CHECK_EQ(t.looks(otherBucket), 0u);
  t.index.remove(hash, 7);
  CHECK_EQ(t.looks(hash), 0u);
}

TEST("an index returns the first unit of a hash's own bucket, from its low slots or its high ones") {
  TestIndex t(16);
  const auto first = [&](uint64_t hash) { return t.index.first(hash, [&](uint32_t unit) { return &t.hashes[unit]; }); };
  CHECK_EQ(first(hashIn(3, 16, 0)), nullptr);
  for (uint32_t unit = 0; unit < BucketIndex::kSlotsPerBucket; unit++) t.insert(hashIn(3, 16, unit + 1), unit);
  for (uint32_t unit = 0; unit < BucketIndex::kSlotsPerBucket; unit++) {
    CHECK_EQ(first(hashIn(3, 16, unit + 1)), &t.hashes[unit]);
  }
  // This one went on to the next bucket.
  t.insert(hashIn(3, 16, 0x80), 100);
  CHECK_EQ(first(hashIn(3, 16, 0x80)), nullptr);
  CHECK_EQ(t.find(hashIn(3, 16, 0x80), 100), &t.hashes[100]);
}

TEST("an index follows those that went on to other buckets, round its end, and stops when they are gone") {
  constexpr uint32_t kBuckets = 5, kUnits = 3 * BucketIndex::kSlotsPerBucket;
  TestIndex t(kBuckets);
  const uint64_t hash = hashIn(kBuckets - 1, kBuckets, 0x20);
  for (uint32_t unit = 0; unit < kUnits; unit++) t.insert(hash, unit);
  for (uint32_t unit = 0; unit < kUnits; unit++) CHECK_EQ(t.find(hash, unit), &t.hashes[unit]);
  CHECK_EQ(t.looks(hash), kUnits);
  // Those in the way are removed, and the others are still found.
  for (uint32_t unit = 0; unit < 2 * BucketIndex::kSlotsPerBucket; unit++) t.index.remove(hash, unit);
  for (uint32_t unit = 0; unit < kUnits; unit++) {
    CHECK_EQ(t.find(hash, unit) != nullptr, unit >= 2 * BucketIndex::kSlotsPerBucket);
  }
  // When the last one that went on is removed, a search for its hash ends at home.
  for (uint32_t unit = 2 * BucketIndex::kSlotsPerBucket; unit < kUnits; unit++) t.index.remove(hash, unit);
  t.insert(hashIn(0, kBuckets, 0x20), 200);
  CHECK_EQ(t.looks(hash), 0u);
}

TEST("an index with only one slot empty ends a search for what it does not hold") {
  TestIndex t(2);
  for (uint32_t unit = 0; unit < 2 * BucketIndex::kSlotsPerBucket - 1; unit++) t.insert(hashIn(0, 2, 1), unit);
  CHECK_EQ(t.find(hashIn(0, 2, 1), 4000), nullptr);
  CHECK_EQ(t.find(hashIn(0, 2, 2), 4000), nullptr);
}

TEST("an index that was cleared is empty") {
  TestIndex t(3);
  for (uint32_t unit = 0; unit < 30; unit++) t.insert(hashIn(1, 3, 9), unit);
  t.index.clear();
  CHECK_EQ(t.looks(hashIn(1, 3, 9)), 0u);
  CHECK_EQ(t.looks(hashIn(2, 3, 9)), 0u);
}

TEST("an index holds what a map holds, at two thirds of its slots, whatever comes and goes") {
  constexpr uint32_t kBuckets = 16, kUnits = kBuckets * 8;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    Random random(seed);
    TestIndex t(kBuckets, kUnits);
    std::map<uint32_t, uint64_t> model;
    for (int i = 0; i < 3000; i++) {
      const uint32_t unit = random.below(kUnits);
      if (const auto known = model.find(unit); known != model.end()) {
        t.index.remove(known->second, unit);
        model.erase(known);
      } else {
        // There are few tags, and buckets that are not used evenly.
        const uint64_t hash = hashIn(random.below(random.below(kBuckets) + 1), kBuckets, random.below(3));
        t.insert(hash, unit);
        model[unit] = hash;
      }
      const uint32_t asked = random.below(kUnits);
      if (!CHECK_EQ(t.find(t.hashes[asked], asked) != nullptr, model.contains(asked))) return;
    }
  }
}

}  // namespace
}  // namespace tunvs
